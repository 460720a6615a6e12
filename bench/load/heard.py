"""One spoken call of a load run: placed, measured at the caller's ear, and judged. Figures only are kept, no word and no sound."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from handoff.call import Call
from handoff.redis_store import RedisStore
from handoff.store import Handoff

from bench.load.mix import script_of
from bench.load.target import Target
from local.caller import CallRefused, Recording, Script, load_script, new_access, place_call, render
from local.caller.band import Samples
from local.caller.ear import FRAME_MS, audible
from local.chaos.at_the_ear import longest_silence_ms, two_voices_ms
from local.ended import record_of
from local.report.build import build_report
from local.settings import LocalSettings

_ENDING_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class HeardCall:
    """Milliseconds, at the ear. ``failures`` says in words what was not as it must be; empty for a good call."""

    kind: str
    call_id: str
    began_at: float
    """Seconds on this process's clock."""
    seconds: float
    responses_ms: tuple[int, ...] = ()
    gaps_ms: tuple[int, ...] = ()
    longest_silence_ms: int = 0
    two_voices_ms: int = 0
    said_again: int = 0
    """How often the caller was asked to say something once more, and did."""
    ending: str = ""
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Caller:
    """A kind of caller with his lines spoken; he can call any number of times, and several times at once."""

    kind: str
    script: Script
    voice: Mapping[int, Samples]


async def callers(kinds: Sequence[str], speech_url: str) -> dict[str, Caller]:
    """Raises SpeechUnavailable."""
    cache_dir = LocalSettings.from_env().cache_dir
    found = {}
    for kind in kinds:
        script = load_script(script_of(kind))
        found[kind] = Caller(kind, script, await render(script, speech_url=speech_url, cache_dir=cache_dir))
    return found


async def call(caller: Caller, target: Target, store: RedisStore) -> HeardCall:
    """One call, from its beginning to what is known of its end. What goes wrong with it is a failure, never an exception."""
    key, secret = target.livekit_api_key, target.livekit_api_secret
    access = new_access(target.livekit_url, api_key=key, api_secret=secret)
    began = time.monotonic()
    try:
        recording = await place_call(caller.script, caller.voice, access=access)
        record, handoffs = await record_of(store, access.call_id, within_seconds=_ENDING_SECONDS)
    except CallRefused as error:
        return HeardCall(caller.kind, access.call_id, began, time.monotonic() - began, failures=(str(error),))
    # Some hundred milliseconds of numpy: beside the loop, on which other callers are speaking.
    return await asyncio.to_thread(measured, caller, recording, record, handoffs, began=began)


def measured(
    caller: Caller, recording: Recording, record: Call | None, handoffs: Sequence[Handoff], *, began: float
) -> HeardCall:
    """What a recording and its record tell."""
    report = build_report(recording, record, handoffs, versions={})
    voices = [np.flatnonzero(audible(track)) for track in recording.agents.values()]
    first = min((int(frames[0]) for frames in voices if frames.size), default=0)
    both = two_voices_ms(recording)
    return HeardCall(
        caller.kind,
        recording.call_id,
        began,
        recording.duration_ms / 1000,
        responses_ms=tuple(report["response_ms"]["each"]),
        gaps_ms=tuple(handoff["gap_ms"] for handoff in report["handoffs"] if handoff["gap_ms"] is not None),
        longest_silence_ms=longest_silence_ms(recording, since=recording.started_at + first * FRAME_MS / 1000),
        two_voices_ms=both,
        said_again=len(report["said_again"]),
        ending=report["outcome"],
        failures=tuple(failures(caller.script, recording, report, both)),
    )


def failures(script: Script, recording: Recording, report: Mapping[str, object], two_voices: int) -> list[str]:
    """Why this is no good call: its script could not be played, it did not end as it should, or two agents were heard at once."""
    # A problem's own words hold the script's path and line, and no word that was said.
    found = [problem.rpartition("/")[2] for problem in recording.problems]
    if not any(audible(track).any() for track in recording.agents.values()):
        found.append("nobody was heard")
    if script.expect.outcome and report["outcome"] != script.expect.outcome:
        found.append(f"it ended as {report['outcome']}, not as {script.expect.outcome}")
    wanted = list(script.expect.services or ())
    if wanted and report["services"] != wanted:
        services = report["services"]
        assert isinstance(services, list)
        found.append(f"it went by {' and '.join(services) or 'nobody'}, not by {' and '.join(wanted)}")
    if two_voices:
        found.append(f"two voices for {two_voices} ms")
    return found
