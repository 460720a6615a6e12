"""What an agent speaks and hears with goes away, or the disc under its log, and the call goes on or ends well.

Real HTTP and real Redis on loopback. LiveKit's room is the one thing that is simulated here.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from handoff.call import Ending
from livekit import rtc
from livekit.agents import Agent, AgentSession, APIError
from livekit.agents.voice import io
from worker.agent.call_agent import CallAgent
from worker.agent.cast import Cast
from worker.checkpoint import Checkpoint
from worker.job import worst_case
from worker.main_process.steady_log import SteadyHandler
from worker.service import Service, Voice
from worker.speech import providers as speech
from worker.speech.kept_clips import APOLOGY, KeptClips
from worker.testing.text_call import make_settings

from tests.integration.faulty_speech import FaultySpeech
from tests.integration.outage_rig import PATIENT_SECONDS, Mesh, away, made_mesh

mesh = pytest.fixture(made_mesh)


# --- speech -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Service(Service):
    home: Path = Path()

    @property
    def folder(self) -> Path:
        return self.home


@pytest.fixture
def service(tmp_path: Path) -> Service:
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "apology.md").write_text("Something went wrong on our side.")
    (prompts / "cut_off.md").write_text("Sorry, we were cut off.")
    (prompts / "technical_problem.md").write_text("We have a technical problem. We will call you back.")
    return _Service("billing", CallAgent, Voice("onyx"), home=tmp_path)


@pytest.fixture
async def first() -> AsyncIterator[FaultySpeech]:
    async with FaultySpeech(tone=1000, heard="First.") as speech:
        yield speech


@pytest.fixture
async def second() -> AsyncIterator[FaultySpeech]:
    async with FaultySpeech(tone=2000, heard="Second.") as speech:
        yield speech


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "SPEECH_TIMEOUT_SECONDS", 0.3)


def provider(service: Service, first: FaultySpeech, second: FaultySpeech | None = None) -> speech.Provider:
    spare = speech.SpareSpeech(second.url) if second else None
    return speech.Provider(make_settings(speech_url=first.url), service, spare=spare)


async def heard_of(voice: Any, text: str) -> set[int]:
    async with voice.stream() as stream:
        stream.push_text(text)
        stream.end_input()
        return {sample for piece in [p async for p in stream] for sample in piece.frame.data if sample}


SOUND = rtc.AudioFrame(bytes(4800), 24000, 1, 2400)
FAULTS = ["status", "stall", "cut", "freeze"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_voice_provider_that_fails_is_replaced_in_the_same_sentence(
    service: Service, first: FaultySpeech, second: FaultySpeech, fault: str
) -> None:
    first.fault = fault
    provided = provider(service, first, second)
    assert 2000 in await heard_of(provided.voice(), "How can I help you today?")
    await provided.aclose()


@pytest.mark.parametrize("fault", ["status", "stall"])
async def test_a_transcription_provider_that_fails_is_replaced_in_the_same_utterance(
    service: Service, first: FaultySpeech, second: FaultySpeech, fault: str
) -> None:
    first.fault = fault
    provided = provider(service, first, second)
    event = await provided.ears().recognize(SOUND)
    assert event.alternatives[0].text == "Second."
    await provided.aclose()


class Ear(io.AudioOutput):
    """What the caller hears."""

    def __init__(self) -> None:
        super().__init__(label="ear", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=24000)
        self.heard: list[int] = []

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self.heard += [sample for sample in frame.data if sample]

    def flush(self) -> None:
        super().flush()
        self.on_playback_finished(playback_position=0.2, interrupted=False)

    def clear_buffer(self) -> None:
        """Nothing waits here."""


@dataclass
class Calling:
    """An agent's session whose voice is lost while it speaks, and what follows."""

    session: AgentSession[Any]
    ear: Ear
    ended: asyncio.Future[Ending]


async def calling(
    closing: AsyncExitStack, service: Service, first: FaultySpeech, kept: KeptClips, store: Any, checkpoint: Checkpoint
) -> Calling:
    ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
    provided = provider(service, first)
    closing.push_async_callback(provided.aclose)

    saying: list[asyncio.Task[None]] = []

    def lost() -> None:
        saying.append(asyncio.create_task(last_words()))

    async def last_words() -> None:
        cast = Cast(None, session, None, checkpoint)  # type: ignore[arg-type]
        ended.set_result(await worst_case.say_last_words(cast, kept, store, service="billing", can_speak=False))

    session: AgentSession[Any] = AgentSession(tts=provided.voice(recorded=kept.find, on_lost=lost))
    ear = Ear()
    session.output.audio = ear
    await session.start(Agent(instructions=""))
    closing.push_async_callback(session.aclose)
    return Calling(session, ear, ended)


async def test_a_caller_whose_agent_lost_its_voice_hears_a_recording_and_is_called_back(
    mesh: Mesh, service: Service, first: FaultySpeech, tmp_path: Path
) -> None:
    """Recorded while the provider was well; then it is dead for everything."""
    kept = KeptClips(make_settings(speech_url=first.url), service, folder=tmp_path / "clips")
    healthy = provider(service, first)
    await kept.get("technical_problem", healthy.voice())
    await healthy.aclose()
    first.fault = "status"
    job = await mesh.owner()
    async with AsyncExitStack() as closing:
        call = await calling(closing, service, first, kept, job.store.as_store, job.checkpoint)
        call.session.say("Your refund of forty-nine dollars is on its way. Is there anything else?")
        async with asyncio.timeout(PATIENT_SECONDS):
            assert await call.ended is Ending.CALLBACK_BOOKED
        assert set(call.ear.heard) == {1000}, "the recording, in the service's own voice"
    tickets, _ = await mesh.connect().callbacks()
    assert [ticket.call_id for ticket in tickets] == ["call-1"]


async def test_without_a_recording_and_without_redis_the_caller_still_hears_something(
    mesh: Mesh, service: Service, first: FaultySpeech, tmp_path: Path
) -> None:
    kept = KeptClips(make_settings(speech_url=first.url), service, folder=tmp_path / "clips")
    first.fault = "stall"
    job = await mesh.owner()
    await mesh.redis.stop()
    await away(job)
    async with AsyncExitStack() as closing:
        call = await calling(closing, service, first, kept, job.store.as_store, job.checkpoint)
        call.session.say("Your refund of forty-nine dollars is on its way.")
        async with asyncio.timeout(PATIENT_SECONDS):
            assert await call.ended is Ending.FAILED, "no callback is promised that nobody has noted"
        assert len(call.ear.heard) > 20_000, "the three tones, one second"


async def test_a_recording_is_never_made_of_a_voice_that_fails(
    service: Service, first: FaultySpeech, tmp_path: Path
) -> None:
    kept = KeptClips(make_settings(speech_url=first.url), service, folder=tmp_path / "clips")
    first.fault = "status"
    provided = provider(service, first)
    with pytest.raises(APIError):
        await kept.get(APOLOGY, provided.voice(recorded=kept.find))
    assert kept.find(kept.text(APOLOGY)) is None
    await provided.aclose()


# --- the disc under the log -----------------------------------------------------------------------------------------------
def test_a_full_disc_under_the_log_is_nobodys_fault() -> None:
    full = open("/dev/full", "w")  # noqa: SIM115 - closing it fails as well
    handler = SteadyHandler(logging.StreamHandler(full))
    for n in range(3):
        handler.handle(logging.LogRecord("call", logging.INFO, __file__, 1, f"line {n}", (), None))
    handler.close()
    assert handler.lost == 3
    with suppress(OSError):
        full.close()


def test_a_reader_of_the_log_that_sleeps_stops_nobody() -> None:
    """A pipe that nobody empties is full after 64 kB: a plain handler would stand still in the event loop."""
    reader, writer = os.pipe()
    pipe = os.fdopen(writer, "w")
    handler = SteadyHandler(logging.StreamHandler(pipe), max_waiting=10)
    for _ in range(200):
        handler.handle(logging.LogRecord("call", logging.INFO, __file__, 1, "x" * 1000, (), None))
    assert handler.lost > 0
    os.close(reader)  # the writer's thread is let go
    handler.close()
    with suppress(OSError):
        pipe.close()
