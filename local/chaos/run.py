"""One struck call from its first ring to the verdict, and the mesh made whole again after it."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from handoff.call import Call, Role
from handoff.errors import HandoffError
from handoff.ledger import LedgerLine
from handoff.redis_store import RedisStore

from local.caller import CallRefused, new_access, render, save_audio
from local.caller.band import Samples
from local.chaos.at_the_ear import Heard, measure
from local.chaos.caller import PatientCaller, Stayed
from local.chaos.callers import CALLERS, Who, like
from local.chaos.faults import Fault
from local.chaos.in_the_log import tools_that_failed
from local.chaos.processes import NotPossible, NotThere, is_quiet, until
from local.chaos.replies import Replies, as_script
from local.chaos.scene import Scene
from local.chaos.strikes import Struck
from local.chaos.verdict import SILENT_DROP, Before, Problem, is_moved, judge
from local.ended import ended
from local.eval.databases import Databases
from local.supervisor.mesh import Mesh

CALL_SECONDS = 150.0
_ENDING_SECONDS = 30.0
"""How long after the caller is gone the ending may take: a guardian waits about 20 s for one who may come back."""
_SETTLES_SECONDS = 1.0
_VOICE_SECONDS = 50.0
_HEALS_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    """One struck call. ``missed`` says why it could not be struck; then nothing else of it counts."""

    fault: str
    call_id: str
    load: float
    """Load average over one minute when the call began."""
    seconds: float
    missed: str = ""
    is_impossible: bool = False
    """Whether it was missed because the system lets nobody strike so."""
    what: str = ""
    struck_at: float = 0.0
    """Seconds since the epoch."""
    heard: Heard | None = None
    has_voice_again: bool = False
    """Whether the time to a voice again means anything: an agent was struck, or the server that carries its voice."""
    ending: str = ""
    ending_detail: str = ""
    services: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Stage:
    """The mesh that is struck, with the callers' voices and the databases as they were at first."""

    mesh: Mesh
    store: RedisStore
    databases: Databases
    voices: dict[str, Samples] = field(default_factory=dict)

    @classmethod
    def on(cls, mesh: Mesh) -> Stage:
        """On a mesh that runs."""
        return cls(mesh, RedisStore.connect(mesh.redis_url), Databases.of(mesh))

    async def learn(self, replies: Replies) -> Mapping[str, Samples]:
        """The audio of all that a caller may say; from the disk when it was said before."""
        missing = [words for words in replies.every_line if words not in self.voices]
        if missing:
            script = as_script(missing, like=like())
            spoken = await render(script, speech_url=self.mesh.speech_url, cache_dir=self.mesh.settings.cache_dir)
            self.voices |= {missing[index]: samples for index, samples in spoken.items()}
        return self.voices

    async def learn_all(self) -> None:
        """What all callers may say, before the first of them calls: the first time, that takes its time."""
        for who in CALLERS.values():
            await self.learn(who.replies())

    async def aclose(self) -> None:
        """Lets the store go; the mesh is its owner's."""
        await self.store.aclose()


async def struck_call(stage: Stage, fault: Fault, *, seed: int) -> Row:
    """Places the call, strikes it, waits for its end, judges, and heals the mesh."""
    began, load = time.monotonic(), os.getloadavg()[0]
    who = CALLERS[fault.caller]
    stage.databases.restore()
    prepared = await fault.prepare(stage.mesh) if fault.prepare is not None else None
    caller = await _caller(stage, who)
    scene = Scene(stage.mesh, stage.store, caller, random.Random(seed), prepared)
    calling = asyncio.ensure_future(caller.run(within_seconds=CALL_SECONDS))
    striking = asyncio.ensure_future(_strike(scene, fault, caller))
    row = Row(fault.name, caller.call_id, load, 0.0)
    try:
        await asyncio.wait({calling, striking}, return_when=asyncio.FIRST_EXCEPTION)
        if not calling.done():
            striking.result()  # raises: it could not be struck
        stayed = await calling
        struck, before = await striking
        row = await _judged(stage, fault, stayed, struck, before, load)
    except (NotThere, CallRefused, HandoffError) as missed:
        is_impossible = isinstance(missed, NotPossible)
        row = Row(fault.name, caller.call_id, load, 0.0, missed=str(missed), is_impossible=is_impossible)
        if calling.done() and not calling.exception():  # he did not wait to be struck
            row = replace(
                row, problems=tuple(Problem(SILENT_DROP, what) for what in calling.result().recording.problems)
            )
    finally:
        striking.cancel()
        if not calling.done():
            calling.cancel()
        await asyncio.gather(calling, striking, return_exceptions=True)
        with suppress(Exception):  # what could not be undone is healed below
            await scene.close()
    if prepared is not None:
        await prepared.undo()
    await heal(stage.mesh)
    return replace(row, seconds=round(time.monotonic() - began, 1))


async def _caller(stage: Stage, who: Who) -> PatientCaller:
    mesh, replies = stage.mesh, who.replies()
    voice = await stage.learn(replies)
    key, secret = mesh.livekit_api_key, mesh.livekit_api_secret
    access = new_access(mesh.livekit_url, api_key=key, api_secret=secret, service=who.service)
    return PatientCaller(replies, voice, access=access)


async def _strike(scene: Scene, fault: Fault, caller: PatientCaller) -> tuple[Struck, Before]:
    if scene.prepared is not None:
        await scene.floor()
        await scene.prepared.call_is_there()
    await fault.moment(scene)
    call = await scene.store.load_call(caller.call_id)
    before = Before()
    if call is not None:
        has_spoken = any(turn.role is Role.CALLER for turn in call.turns)
        before = Before(frozenset(fact.name for fact in call.facts), has_spoken)
    struck = await fault.strike(scene)
    if not fault.finishes:
        await (scene.close() if fault.counts_from_up else scene.thawed())
        await asyncio.sleep(_SETTLES_SECONDS)
        with suppress(NotThere):  # then the verdict tells of it
            await until(caller.is_spoken_to, what="a voice", seconds=_VOICE_SECONDS)
        caller.hang_up()
    return struck, before


async def _judged(stage: Stage, fault: Fault, stayed: Stayed, struck: Struck, before: Before, load: float) -> Row:
    recording = stayed.recording
    call = await ended(stage.store, recording.call_id, within_seconds=_ENDING_SECONDS)
    logs = stage.mesh.run_dir / "logs"
    if fault.fails_a_tool and not await asyncio.to_thread(tools_that_failed, logs, recording.call_id):
        raise NotThere("no tool was asked while its back office was away")
    heard = measure(
        recording,
        struck_at=struck.at,
        counted_from=struck.up_again_at if fault.counts_from_up else 0.0,
        struck_id=struck.agent_id,
        hellos_ms=stayed.hellos_ms,
    )
    problems = judge(
        heard=heard,
        recording=recording,
        call=call,
        lines=await _lines(stage.store, recording.call_id),
        changes=await asyncio.to_thread(stage.databases.changes),
        before=before,
        struck_at=struck.at,
        expects=fault.expects(freezes=struck.thawed_at > 0 and bool(struck.agent_id)),
    )
    if struck.is_drain:
        problems += tuple(is_moved(struck.moved_after_seconds))
    if problems:
        await asyncio.to_thread(save_audio, recording, stage.mesh.run_dir / recording.call_id)
        (stage.mesh.run_dir / recording.call_id / "story.txt").write_text(_story(stayed, struck, call), "utf-8")
    return Row(
        fault=fault.name,
        call_id=recording.call_id,
        load=load,
        seconds=0.0,
        what=struck.what,
        struck_at=struck.at,
        heard=heard,
        has_voice_again=bool(struck.agent_id) or fault.counts_from_up,
        ending=str(call.ending) if call is not None and call.ending else "",
        ending_detail=call.ending_detail if call is not None else "",
        services=call.services if call is not None else (),
        problems=problems,
        notes=(*struck.notes, *(f"joined again at {ms / 1000:.1f} s" for ms in stayed.rejoined_ms)),
    )


async def _lines(store: RedisStore, call_id: str) -> list[LedgerLine]:
    try:
        return [line for line in await store.endings() if line.call_id == call_id]
    except HandoffError:
        return []


def _story(stayed: Stayed, struck: Struck, call: Call | None) -> str:
    """The call for a person who looks into a failure; it stays in the run's folder."""
    recording = stayed.recording
    at = (struck.at - recording.started_at) * 1000
    lines: list[tuple[float, str]] = [
        (c.start_ms, f"{c.speaker:>9} [{c.identity}] {c.text}") for c in recording.captions
    ]
    lines += [(s.start_ms, f"{'(said)':>9} {s.text}") for s in recording.spoken]
    lines += [(at, f"{'---':>9} {struck.what}"), *((ms, f"{'---':>9} joined again") for ms in stayed.rejoined_ms)]
    told = [f"{ms / 1000:7.2f} {text}" for ms, text in sorted(lines)]
    ending = (
        f"ended by {recording.ended_by}; {call.ending if call else 'no record'} {call.ending_detail if call else ''}"
    )
    return "\n".join([recording.call_id, *told, ending, *recording.problems, *struck.notes, ""])


async def heal(mesh: Mesh) -> None:
    """Thaws what is frozen, starts again what is dead, and waits until every worker is ready without a call. Raises NotThere."""
    for name in mesh.started:
        mesh.process(name).send(signal.SIGCONT)
    dead = [name for name in mesh.started if not mesh.process(name).is_alive]
    for name in dead:
        if name not in mesh.workers:  # workers lean on the others
            await mesh.restart(name)
    await asyncio.gather(*(mesh.restart(name) for name in dead if name in mesh.workers))

    async def is_whole() -> bool:
        return await is_quiet(mesh)

    await until(is_whole, what="a mesh that is whole and has no call", seconds=_HEALS_SECONDS)
