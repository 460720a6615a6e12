"""Callers of the tests' own, placed like the shipped ones: what they say in code, what was heard as evidence.

Whatever a call is about, three things must be true of it, and ``ring`` checks them every time: the caller never heard two agents
at once, the call has exactly one line in the ledger, and none of its handoffs is left half done.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from handoff.call import Call, Ending, Role
from handoff.lifecycle import FINAL, State
from handoff.redis_store import RedisStore
from handoff.store import Handoff

from local.caller import Access, Expect, Line, Recording, Script, new_access, place_call, render, service_of
from local.caller.ear import audible
from local.report import Note, listen, steps_of, turns_of
from local.report.sounds_like import sounds_like
from local.supervisor.mesh import Mesh
from tests.e2e.processes import health, until

CALL_SECONDS = 100.0
"""Longest a call of these may take on a busy machine; each is over as soon as its point is proven."""
_ENDING_SECONDS = 30.0
"""A guardian gives a caller who may come back about 20 s."""
_AFTERWARDS_SECONDS = 30.0
"""What a test waits for comes before the call is over; what it does then may take a little longer."""
_LOG_LINES = 25
_LOOK_SECONDS = 0.05


def says(words: str, *, after: str, interrupt: bool = False) -> Line:
    """The caller speaks when the mesh has said ``after`` (a pattern) since the caller's last line."""
    return Line(0, say=words, after=re.compile(after, re.IGNORECASE), interrupt=interrupt, timeout_seconds=40)


def presses(keys: str, *, after: str, interrupt: bool = False) -> Line:
    """The caller types on his telephone's keypad."""
    return Line(0, press=keys, after=re.compile(after, re.IGNORECASE), interrupt=interrupt, timeout_seconds=40)


def hangs_up(*, after: str, interrupt: bool = False) -> Line:
    """The caller leaves."""
    return Line(0, hang_up=True, after=re.compile(after, re.IGNORECASE), interrupt=interrupt, timeout_seconds=40)


def stays_silent() -> Line:
    """The caller says nothing until the mesh ends the call."""
    return Line(0, stay_silent=True, timeout_seconds=CALL_SECONDS)


def caller(*lines: Line, channel: str = "web") -> Script:
    """A caller who does this, one after the other."""
    numbered = tuple(replace(line, at_line=number) for number, line in enumerate(lines, 1))
    return Script(Path(__file__), "a test's caller", channel, "heart", numbered, Expect(), CALL_SECONDS)


CHARGED_TWICE = says("Hi, I was charged twice for my March invoice.", after="how can I help")
GIVES_ACCOUNT = says("My account ID is A, C, four, seven, two, one.", after="account (ID|number)")
AGREES = says("Yes please.", after="refund")
IS_DONE = says("No, that's all, thank you.", after="anything else")


def has_said(service: str, words: str) -> Callable[[Call], bool]:
    """Whether an agent of the service has said it, and the caller heard it to its end."""

    def so(call: Call) -> bool:
        return any(t.role is Role.AGENT and t.service == service and words in t.text for t in call.turns)

    return so


@dataclass(frozen=True, slots=True)
class Live:
    """A call that is going on, for a test to meddle with."""

    mesh: Mesh
    store: RedisStore
    call_id: str

    async def call(self, until: Callable[[Call], object]) -> Call:
        """The call's record as soon as it is so."""
        while (found := await self.store.load_call(self.call_id)) is None or not until(found):
            await asyncio.sleep(_LOOK_SECONDS)
        return found

    async def handoff(self, *states: State) -> Handoff:
        """The call's latest handoff as soon as it is in one of these states."""
        call = await self.call(lambda call: bool(call.handoff_ids))
        async with aclosing(self.store.watch(call.handoff_ids[-1])) as moves:
            async for handoff in moves:
                if handoff.state in states:
                    return handoff
        raise AssertionError(f"the handoff never was {' or '.join(states)}")


Meddle = Callable[[Live], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is left of a call: its sound, its captions, its record."""

    mesh: Mesh
    recording: Recording
    call: Call
    handoffs: tuple[Handoff, ...]

    @property
    def ending(self) -> Ending | None:
        return self.call.ending

    def said_by(self, service: str) -> str:
        """All that the service's agents said, by their captions."""
        return " ".join(c.text for c in self.recording.captions if c.speaker == service)

    @property
    def voices(self) -> list[str]:
        """Services that were audible at the caller's ear, in order."""
        heard = [(np.flatnonzero(audible(track)), agent) for agent, track in self.recording.agents.items()]
        return [service_of(agent) for frames, agent in sorted((f[0], a) for f, a in heard if f.size)]

    async def heard(self, *, again: bool = False) -> tuple[Note, ...]:
        """What a listener writes down, from the sound alone."""
        notes = await listen(self.recording, speech_url=self.mesh.speech_url, again=again)
        print("a listener wrote down" + (", sentence by sentence:" if again else ":"))
        for note in notes:
            print(f"{note.start_ms / 1000:7.2f} to {note.end_ms / 1000:.2f} {note.service:>8}  {note.text}")
        return notes

    async def hears(self, words: str, *, service: str, from_ms: float = 0.0) -> bool:
        """Whether a listener hears ``words`` of the service after that time, if need be when he plays it once more; the spelling
        is his own. A sentence that was being said at that time belongs to it."""
        for again in (False, True):
            notes = [n for n in await self.heard(again=again) if n.service == service and n.end_ms >= from_ms]
            text = " ".join(note.text for note in notes).lower()
            if words.lower() in text or sounds_like(words, text):
                return True
        return False

    def tell(self) -> str:
        """The whole call for a person who looks into a failure."""
        turns = [f"{t.start_ms / 1000:7.2f} {t.speaker:>8}  {t.text}" for t in turns_of(self.recording)]
        moves = [f"handoff to {h.to_service}: {h.state} {h.reason} {steps_of(h)}" for h in self.handoffs]
        ends = f"ended by {self.recording.ended_by}: {self.call.ending} {self.call.ending_detail}"
        return "\n".join([self.call.call_id, *turns, *moves, ends, *self.recording.problems])


def logs_of(mesh: Mesh) -> str:
    """The last that its workers and LiveKit logged; a call that has no ending is told by nothing else. No log holds caller's words."""
    told = []
    for name in (*mesh.workers, "livekit"):
        lines = (mesh.run_dir / "logs" / f"{name}.log").read_text("utf-8", "replace").splitlines()
        worth = [line[:400] for line in lines if "HTTP Request" not in line and "ListRooms" not in line]
        told += [f"--- {name}", *worth[-_LOG_LINES:]]
    return "\n".join(told)


async def ring(
    mesh: Mesh,
    script: Script,
    *,
    service: str = "triage",
    meddle: Meddle | None = None,
    access: Access | None = None,
) -> Evidence:
    """One call from answer to hang-up, with ``meddle`` at work meanwhile; ``access``: a door that was opened already. Fails when the
    script could not be played on."""
    access = access or new_access(
        mesh.livekit_url,
        api_key=mesh.livekit_api_key,
        api_secret=mesh.livekit_api_secret,
        channel=script.channel,
        service=service,
    )
    store = RedisStore.connect(mesh.redis_url)
    try:
        recording = await _placed(mesh, script, access, meddle, store)
        evidence = await _evidence(mesh, recording, store)
        print(evidence.tell())
        if evidence.ending is None:
            print(logs_of(mesh))
        lines = [line for line in await store.endings() if line.call_id == access.call_id]
    finally:
        await store.aclose()
    assert evidence.recording.problems == ()
    assert frames_with_two_voices(recording) == 0
    assert len(lines) == 1, "a call ends exactly once"
    assert [h.state for h in evidence.handoffs if h.state not in FINAL] == []
    return evidence


async def _placed(mesh: Mesh, script: Script, access: Access, meddle: Meddle | None, store: RedisStore) -> Recording:
    voice = await render(script, speech_url=mesh.speech_url, cache_dir=mesh.settings.cache_dir)
    placing = asyncio.ensure_future(place_call(script, voice, access=access))
    meddling = asyncio.ensure_future(meddle(Live(mesh, store, access.call_id)) if meddle else asyncio.sleep(0))
    try:
        await asyncio.wait({placing, meddling}, return_when=asyncio.FIRST_COMPLETED)
        if not placing.done():
            meddling.result()  # what it raised, if it did
        recording = await placing
        if not (await asyncio.wait({meddling}, timeout=_AFTERWARDS_SECONDS))[0]:
            raise AssertionError(f"the call was over ({recording.ended_by}), and what the test waited for had not come")
        meddling.result()
    finally:
        for task in (placing, meddling):
            task.cancel()
        await asyncio.gather(placing, meddling, return_exceptions=True)
    return recording


async def _evidence(mesh: Mesh, recording: Recording, store: RedisStore) -> Evidence:
    """Its agents may still be writing when the caller is gone already."""
    call, handoffs = None, []
    try:
        async with asyncio.timeout(_ENDING_SECONDS):
            while True:
                call = await store.load_call(recording.call_id)
                found = [await store.load_handoff(id_) for id_ in call.handoff_ids] if call else []
                handoffs = [h for h in found if h is not None]
                if call and call.ending and all(h.state in FINAL for h in handoffs):
                    break
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        pass  # the assertions on the evidence say what is missing
    assert call is not None, "the call has no record"
    return Evidence(mesh, recording, call, tuple(handoffs))


def frames_with_two_voices(recording: Recording) -> int:
    """10 ms frames in which the caller heard more than one agent."""
    tracks = [audible(track) for track in recording.agents.values()]
    return int((np.sum(tracks, axis=0) > 1).sum()) if tracks else 0


@asynccontextmanager
async def somebody_on_the_line_of(mesh: Mesh, service: str) -> AsyncIterator[None]:
    """Another caller, who came straight to the service and says nothing until he leaves with the block."""
    key, secret = mesh.livekit_api_key, mesh.livekit_api_secret
    access = new_access(mesh.livekit_url, api_key=key, api_secret=secret, service=service)
    line = asyncio.ensure_future(place_call(caller(stays_silent()), {}, access=access))

    async def is_there() -> bool:
        return (await health(mesh, service))["active_sessions"] == 1

    try:
        await until(is_there, what=f"a call at {service}")
        yield
    finally:
        line.cancel()
        await asyncio.gather(line, return_exceptions=True)
