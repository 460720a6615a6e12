"""What lies between an agent and the caller: words do not overtake the end of the voice that said them, and an answer begins with a
sound.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from livekit import rtc
from livekit.agents import NOT_GIVEN, AgentSession, UserStateChangedEvent, stt, tts
from livekit.agents.language import LanguageCode
from livekit.agents.voice import io
from worker.agent.senses import Senses, after_the_voice
from worker.speech.early_ears import EarlyEars
from worker.speech.steady_ears import SteadyEars
from worker.testing.ears import WINDOW, VoiceDetector, sound
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.told import ToldModel

START, END, FINAL = (
    stt.SpeechEventType.START_OF_SPEECH,
    stt.SpeechEventType.END_OF_SPEECH,
    stt.SpeechEventType.FINAL_TRANSCRIPT,
)


class Session(rtc.EventEmitter):
    """Knows whether the caller speaks."""

    user_state: Any = "speaking"

    def caller(self, state: Any) -> None:
        before, self.user_state = self.user_state, state
        self.emit("user_state_changed", UserStateChangedEvent(old_state=before, new_state=state))


async def events(*kinds: stt.SpeechEventType) -> AsyncIterator[stt.SpeechEvent]:
    for kind in kinds:
        words = stt.SpeechData(text="Yes, please.", language=LanguageCode("en"))
        yield stt.SpeechEvent(kind, alternatives=[words] if kind is FINAL else [])


async def note(session: Session, told: list[stt.SpeechEventType]) -> None:
    async for event in after_the_voice(events(START, END, FINAL, START), session):  # type: ignore[arg-type]
        assert isinstance(event, stt.SpeechEvent)
        told.append(event.type)


@without_waiting
async def test_a_transcript_waits_until_the_session_knows_that_the_voice_has_ended() -> None:
    session, told = Session(), list[stt.SpeechEventType]()
    noting = asyncio.create_task(note(session, told))
    await everything_ran()
    assert told == [START, END]
    session.caller("listening")
    await everything_ran()
    assert told == [START, END, FINAL, START]
    await noting


@without_waiting
async def test_when_it_has_ended_nothing_waits() -> None:
    session, told = Session(), list[stt.SpeechEventType]()
    session.caller("listening")
    await note(session, told)
    assert (told, asyncio.get_running_loop().time()) == ([START, END, FINAL, START], 0.0)


@without_waiting
async def test_words_of_a_caller_who_speaks_again_are_not_kept_for_long() -> None:
    session, told = Session(), list[stt.SpeechEventType]()
    await note(session, told)
    assert told == [START, END, FINAL, START]
    assert 0.0 < asyncio.get_running_loop().time() < 0.2


# --- in a session of LiveKit's ----------------------------------------------------------------------------------------
class Ears(stt.STT[Any]):
    """Hears the same in everything, after a fifth of a second."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))

    async def _recognize_impl(self, buffer: Any, *, language: Any = NOT_GIVEN, conn_options: Any) -> stt.SpeechEvent:
        await asyncio.sleep(0.2)
        return stt.SpeechEvent(FINAL, alternatives=[stt.SpeechData(text="Hello.", language=LanguageCode("en"))])


class Voice(tts.TTS[Any]):
    """A tenth of a second of silence, then as long a sound."""

    def __init__(self) -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=24000, num_channels=1)

    def synthesize(self, text: str, *, conn_options: Any = None) -> tts.ChunkedStream:
        return Sentence(tts=self, input_text=text, conn_options=conn_options)


class Sentence(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(request_id="1", sample_rate=24000, num_channels=1, mime_type="audio/pcm")
        output_emitter.push(bytes(2 * 2400) + b"\x00\x20" * 2400)
        output_emitter.flush()


class Microphone(io.AudioInput):
    def __init__(self) -> None:
        super().__init__(label="Microphone")
        self.frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()

    def __aiter__(self) -> Microphone:
        return self

    async def __anext__(self) -> rtc.AudioFrame:
        return await self.frames.get()


class Loudspeaker(io.AudioOutput):
    """Plays everything at once."""

    def __init__(self) -> None:
        super().__init__(label="Loudspeaker", capabilities=io.AudioOutputCapabilities(pause=True), sample_rate=24000)
        self.heard_seconds = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self.heard_seconds += frame.duration

    def flush(self) -> None:
        super().flush()
        self.on_playback_finished(playback_position=self.heard_seconds, interrupted=False)

    def clear_buffer(self) -> None: ...


@without_waiting
async def test_a_session_hears_a_turn_by_early_ears_once_and_answers_it_from_the_first_sound_on() -> None:
    detector = VoiceDetector()
    session: AgentSession[Any] = AgentSession(
        stt=EarlyEars(SteadyEars([Ears()], timeout_seconds=4.0), detector),
        vad=detector,
        llm=ToldModel("Good morning."),
        tts=Voice(),
        turn_handling={"turn_detection": "vad", "endpointing": {"min_delay": 0.4, "max_delay": 1.1}},
        aec_warmup_duration=None,
    )
    microphone, loudspeaker = Microphone(), Loudspeaker()
    session.input.audio, session.output.audio = microphone, loudspeaker
    states: list[str] = []
    session.on("user_state_changed", lambda event: states.append(event.new_state))
    session.on("user_input_transcribed", lambda event: states.append(event.transcript))
    async with session:
        await session.start(Senses(instructions=""), record=False)
        for frame in sound((20, 60)):
            microphone.frames.put_nowait(frame)
            await asyncio.sleep(WINDOW)
        said = [item.text_content for item in session.history.items if item.type == "message"]
    assert states[:3] == ["speaking", "listening", "Hello."]
    assert said == ["Hello.", "Good morning."]
    assert loudspeaker.heard_seconds < 0.15  # of 0.2; LiveKit itself adds 10 ms to each end
