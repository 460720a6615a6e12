"""What callers hear of a full worker: how soon they are answered, and the gap of a handoff to it. From recordings at their ears alone."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from pathlib import Path

import soundfile
from livekit import rtc

from bench.density.crowd import PERIOD_SECONDS
from bench.density.stub import CALLER
from local.caller import Access, CallRefused, load_script, place_call, render, service_of
from local.caller.band import Samples, at_our_rate, mono
from local.caller.ear import changes
from local.caller.listening import Listening
from local.caller.mouth import Mouth
from local.report.responses import response_times_ms

GIVER, TAKER = "triage", "billing"
_SCRIPT = Path(__file__).with_name("one_handoff.yaml")
_GREETED_SECONDS = 20.0
_DONE_SECONDS = 1.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Answers:
    """One caller who asked ``asked`` times. Milliseconds from his last sound to the agent's first."""

    asked: int
    after_ms: tuple[int, ...]
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Handoff:
    """One handoff; ``gap_ms`` is None when it was not heard, and ``failure`` then says what was."""

    gap_ms: int | None
    failure: str = ""


async def answers(access: Access, *, questions: int) -> Answers:
    """Asks the agent at the other end ``questions`` times, as the crowd does, and hangs up."""
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    samples, rate = soundfile.read(CALLER, dtype="int16")
    words, zero, room = at_our_rate(mono(samples), rate), time.monotonic(), rtc.Room()
    mouth, ear = Mouth(zero), Listening(zero, is_agent=_is_agent)
    ear.follow(room)
    try:
        await room.connect(access.url, access.token)
        await mouth.open(room)
        await _greeted(ear)
        for number in range(questions):
            if number:
                await asyncio.sleep(PERIOD_SECONDS - words.size / 48_000)
            await mouth.say(words)
        await asyncio.sleep(PERIOD_SECONDS - words.size / 48_000)
    except (rtc.ConnectError, TimeoutError) as e:
        return Answers(questions, (), f"the call broke: {type(e).__name__}")
    finally:
        await ear.close()
        await mouth.close()
        await room.disconnect()
    return of_recording(questions, mouth.recorded(), ear.tracks(mouth.frame_count))


def of_recording(asked: int, said: Samples, agents: dict[str, Samples]) -> Answers:
    """From the tracks of caller and agents."""
    found = tuple(response_times_ms(said, agents))
    failure = "" if len(found) == asked else f"{len(found)} of {asked} questions were answered"
    return Answers(asked, found, failure)


async def handoff(access: Access) -> Handoff:
    """One call from the front desk to the worker under load."""
    script = load_script(_SCRIPT)
    voice = await render(script, speech_url="", cache_dir=_SCRIPT.parent)  # a recording: nobody speaks, nothing is kept
    try:
        recording = await place_call(script, voice, access=access)
    except CallRefused as e:
        return Handoff(None, str(e))
    tracks = {service_of(identity): track for identity, track in recording.agents.items()}
    for change in changes(tracks):
        if (change.giver, change.taker) == (GIVER, TAKER):
            return Handoff(change.gap_ms)
    return Handoff(None, f"heard: {', '.join(sorted(tracks)) or 'nobody'}; {'; '.join(recording.problems)}")


async def _greeted(ear: Listening) -> None:
    """Raises TimeoutError when nobody says anything."""
    async with asyncio.timeout(_GREETED_SECONDS):
        while not ear.has_heard_anyone or ear.silent_seconds < _DONE_SECONDS:
            await asyncio.sleep(_LOOK_SECONDS)


def _is_agent(participant: rtc.RemoteParticipant) -> bool:
    return participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
