"""The demo's call with one process killed in the middle of it, and started again as an orchestrator would."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from handoff.call import Call
from handoff.redis_store import RedisStore

from local.caller import Access, Recording, Script
from local.caller.band import Samples
from local.caller.captions import OnCaption
from local.caller.script import Expect
from local.chaos.at_the_ear import Heard, measure
from local.chaos.caller import PatientCaller, Stayed
from local.chaos.moments import Moment, speaking
from local.chaos.plan import NoSuchFault
from local.chaos.replies import as_script, replies_of
from local.chaos.scene import Scene
from local.chaos.strikes import Struck, kill
from local.chaos.verdict import CLOSED_SILENT_MS
from local.supervisor.mesh import BACK_OFFICES, LEDGER, SERVICES, Mesh

_CALL_SECONDS = 240.0
SILENCE_MS = 20_000
"""Longer, and whoever listens to a demo would have hung up."""
_ALIASES = {"mcp": "billing_mcp"}
_RESTARTS_AFTER_SECONDS = {"livekit": 1.0}


@dataclass(frozen=True, slots=True)
class Survived:
    """What a demo's call brought back, and what was done to it."""

    stayed: Stayed
    struck: Struck

    @property
    def recording(self) -> Recording:
        """As a script's caller brings it back."""
        return self.stayed.recording

    @property
    def heard(self) -> Heard:
        """The strike at the caller's ear."""
        return measure(self.recording, struck_at=self.struck.at, hellos_ms=self.stayed.hellos_ms)

    def failures(self, call: Call | None) -> list[str]:
        """What must not be, in plain words; none when the call ended with an ending that the caller heard."""
        found, heard = [*self.recording.problems], self.heard
        if call is None or call.ending is None:
            found.append("the call's record has no ending")
        if self.recording.ended_by != "mesh":
            found.append("the mesh did not end the call: the caller had to")
        if not heard.begins_again:  # whoever was killed may still be heard out
            found.append("nobody spoke to the caller after the strike")
        if heard.longest_silence_ms > SILENCE_MS:
            found.append(f"the caller heard nothing for {heard.longest_silence_ms / 1000:.1f} s")
        if heard.silent_end_ms > CLOSED_SILENT_MS:
            found.append(f"the line was closed after {heard.silent_end_ms / 1000:.1f} s of silence")
        if heard.two_voices_ms:
            found.append(f"the caller heard two voices at once for {heard.two_voices_ms} ms")
        return found


def process_for(asked: str) -> str:
    """The process that a person means by ``billing``, ``mcp``, ``redis`` ... Raises NoSuchFault, listing what there is."""
    name, there = _ALIASES.get(asked, asked), ("redis", "livekit", "speech", *BACK_OFFICES.values(), LEDGER, *SERVICES)
    if name not in there:
        raise NoSuchFault(f"no process {asked!r} to kill\nwhat to do: name one of {', '.join((*_ALIASES, *there))}")
    return name


def lines_to_learn(script: Script) -> Script:
    """All that the script's caller may have to say, for `render`."""
    return as_script(replies_of(script).every_line, like=script)


def without_expectations(script: Script) -> Script:
    """A struck call may take another way than its script expects."""
    return replace(script, expect=Expect())


async def struck_demo_call(
    mesh: Mesh,
    store: RedisStore,
    script: Script,
    voice: Mapping[int, Samples],
    *,
    access: Access,
    name: str,
    say: Callable[[str], None],
    on_caption: OnCaption,
) -> Survived:
    """Places the call and kills the process ``name`` in the middle. ``voice`` as rendered from `lines_to_learn`.
    Raises CallRefused, NotThere when the call was over before its middle."""
    replies = replies_of(script)
    spoken = {words: voice[index] for index, words in enumerate(replies.every_line)}
    caller = PatientCaller(replies, spoken, access=access, channel=script.channel, on_caption=on_caption)
    scene = Scene(mesh, store, caller, random.Random(0))
    calling = asyncio.ensure_future(caller.run(within_seconds=_CALL_SECONDS))
    striking = asyncio.ensure_future(_strike(scene, name, script, say))
    try:
        await asyncio.wait({calling, striking}, return_when=asyncio.FIRST_EXCEPTION)
        if striking.done() and striking.exception() is not None:
            striking.result()
        stayed = await calling
        return Survived(stayed, await striking)
    finally:
        for task in (calling, striking):
            task.cancel()
        await asyncio.gather(calling, striking, return_exceptions=True)
        await scene.close()


async def _strike(scene: Scene, name: str, script: Script, say: Callable[[str], None]) -> Struck:
    await _moment(name, script)(scene)
    struck = await kill(name, restarts_after=_RESTARTS_AFTER_SECONDS.get(name, 2.0))(scene)
    say(f"chaos: {struck.what}; it is started again in a moment")
    return struck


def _moment(name: str, script: Script) -> Moment:
    """Triage is struck while it answers the caller's first line; everything else while the call's second service answers his second."""
    services = script.expect.services or ("triage", "billing")
    if name == "triage" or len(services) < 2:
        return speaking("triage", line=1)
    return speaking(services[1], line=2)
