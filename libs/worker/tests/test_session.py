"""How patient an agent is, whom it listens to, and which options its session has."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import AgentSession, room_io
from livekit.agents.voice import io
from livekit.agents.voice.transcription.synchronizer import TranscriptSynchronizer
from livekit.plugins import openai
from worker.agent import session
from worker.agent.session import CODE, PROMPT, SPELLING, WHOLE
from worker.speech.at_once import AtOnce
from worker.speech.early_ears import EarlyEars
from worker.speech.steady_ears import SteadyEars
from worker.testing.told import ToldModel


@pytest.mark.parametrize(
    "question",
    [
        "Could you tell me your account ID, please?",
        "What is your account number?",
        "Please say the four digits once more, would you?",
        "Do you have the reference at hand?",
        "Could you spell that for me?",
        "I can't find it. Could you say your account ID again, please?",
    ],
)
def test_a_caller_who_is_asked_for_a_code_may_pause_between_its_digits(question: str) -> None:
    assert session.endpointing_after(question) is SPELLING


@pytest.mark.parametrize(
    "said",
    [
        "How can I help you today?",
        "Would you like me to refund it?",
        "Your reference is R F, 2 0 4 1 7. Is there anything else I can help you with today?",
        "Your account ID is at the top of the invoice.",
        "Did you say a valid thing?",
        "",
    ],
)
def test_any_other_question_is_answered_in_one_go(said: str) -> None:
    assert session.endpointing_after(said) is PROMPT


ASKS_ID, ASKS_ZIP = "Could you tell me your account ID, please?", "And what is the ZIP code, all five digits?"


@pytest.mark.parametrize(
    ("question", "heard"), [(ASKS_ID, "It's A C four seven two one."), (ASKS_ZIP, "Nine seven two oh nine.")]
)
def test_a_whole_code_needs_no_more_time(question: str, heard: str) -> None:
    assert session.endpointing_after(question, heard) is CODE


@pytest.mark.parametrize(
    ("question", "heard"), [(ASKS_ID, "It's A C four seven"), (ASKS_ZIP, "Nine seven two"), (ASKS_ID, "Um,")]
)
def test_half_a_code_is_waited_for(question: str, heard: str) -> None:
    assert session.endpointing_after(question, heard) is SPELLING


@pytest.mark.parametrize(
    "heard",
    [
        "Yes, please.",
        "No, that's all, thank you.",
        "No, that's all. Goodbye.",
        "Okay, go ahead.",
        "That's it, thanks. Bye-bye.",
        "Yes. Yes, please do.",
    ],
)
def test_an_answer_that_leaves_nothing_open_needs_no_more_time(heard: str) -> None:
    assert session.endpointing_after("Shall I book that?", heard) is WHOLE


@pytest.mark.parametrize("heard", ["Yes.", "Yes, please, and", "No, thank you for", "Thank you, but", "", "Yes, it's"])
def test_an_answer_that_may_go_on_is_waited_for(heard: str) -> None:
    assert session.endpointing_after("Shall I book that?", heard) is PROMPT


def test_a_polite_word_is_not_the_code_that_was_asked_for() -> None:
    assert session.endpointing_after(ASKS_ID, "Sure, thank you.") is SPELLING


def test_spelling_gets_more_time_than_talking_and_talking_more_than_what_leaves_nothing_open() -> None:
    assert SPELLING["min_delay"] > PROMPT["min_delay"] > CODE["min_delay"] >= WHOLE["min_delay"]
    assert SPELLING["max_delay"] > PROMPT["max_delay"] >= CODE["max_delay"] > WHOLE["max_delay"]


class Output(io.AudioOutput):
    def __init__(self) -> None:
        super().__init__(label="Output", capabilities=io.AudioOutputCapabilities(pause=True))

    async def capture_frame(self, frame: rtc.AudioFrame) -> None: ...
    def flush(self) -> None: ...
    def clear_buffer(self) -> None: ...


def some_ears(*, may_guess: bool = False) -> SteadyEars:
    return SteadyEars([openai.STT(api_key="none")], timeout_seconds=4.0, may_guess=may_guess)


async def test_ears_that_cost_nothing_are_asked_before_the_end_and_a_provider_is_not() -> None:
    for may_guess in (True, False):
        ears = some_ears(may_guess=may_guess)
        running = session.build(ears=ears, voice=openai.TTS(api_key="none"), brain=ToldModel())
        assert isinstance(running.stt, EarlyEars) is may_guess
        assert (running.stt is ears) is not may_guess


async def test_patience_with_one_code_is_not_kept_for_all_that_is_said_after_it() -> None:
    """LiveKit writes every change into the options that it was given: they must not be the constants."""
    running = session.build(ears=some_ears(), voice=openai.TTS(api_key="none"), brain=ToldModel())
    running.update_options(endpointing_opts=SPELLING)
    running.update_options(endpointing_opts=PROMPT)
    assert (PROMPT["min_delay"], PROMPT["max_delay"]) == (0.5, 1.1)
    assert (SPELLING["min_delay"], SPELLING["max_delay"]) == (1.0, 2.5)
    assert running.options.endpointing["min_delay"] == 0.5


def test_an_agents_end_is_not_the_calls_end() -> None:
    options = session.room_options("caller-1")
    assert options.participant_identity == "caller-1"
    assert options.delete_room_on_close is False
    assert options.close_on_disconnect is True
    assert options.text_input is False


def test_audio_comes_as_the_detectors_want_it_so_that_nobody_resamples_it_again() -> None:
    audio = session.room_options("caller-1").audio_input
    assert isinstance(audio, room_io.AudioInputOptions)
    assert audio.sample_rate == 16_000


async def test_the_voice_detector_has_no_threads() -> None:
    running = session.build(ears=some_ears(), voice=openai.TTS(api_key="none"), brain=ToldModel())
    assert isinstance(running.vad._executor, AtOnce)  # type: ignore[union-attr]


async def test_the_pace_of_captions_is_looked_at_four_times_a_second() -> None:
    """This reaches into LiveKit: a version that keeps its options elsewhere must be noticed here."""
    synchronizer = TranscriptSynchronizer(next_in_chain_audio=Output(), next_in_chain_text=None)
    session.pace_captions(SimpleNamespace(_room_io=SimpleNamespace(_tr_synchronizer=synchronizer)))  # type: ignore[arg-type]
    stream = synchronizer._impl._audio_data.sr_stream
    tone = (8000 * np.sin(np.arange(24_000 * 3) * 2 * np.pi * 300 / 24_000)).astype(np.int16)
    stream.push_frame(rtc.AudioFrame(tone.tobytes(), 24_000, 1, tone.size))
    stream.end_input()
    paces = [event async for event in stream]
    await synchronizer.aclose()
    assert 8 <= len(paces) <= 11  # LiveKit's own options make 21


def test_a_session_without_captions_has_no_pace() -> None:
    session.pace_captions(SimpleNamespace(_room_io=None))  # type: ignore[arg-type]
    session.pace_captions(SimpleNamespace(_room_io=SimpleNamespace(_tr_synchronizer=None)))  # type: ignore[arg-type]


def test_livekit_keeps_the_synchronizer_where_it_is_looked_for() -> None:
    assert "_tr_synchronizer" in inspect.getsource(room_io.RoomIO.__init__)
    assert "_room_io" in inspect.getsource(AgentSession.__init__)


# --- whom it listens to -----------------------------------------------------------------------------------------------
class Publication:
    def __init__(self, kind: rtc.TrackKind) -> None:
        self.kind = kind
        self.subscribed = False

    def set_subscribed(self, subscribed: bool) -> None:
        self.subscribed = subscribed


class Room(rtc.EventEmitter):
    """A room whose participants are already there, or come later."""

    def __init__(self, *identities: str) -> None:
        super().__init__()
        self.remote_participants = {identity: self._with_a_microphone(identity) for identity in identities}

    @staticmethod
    def _with_a_microphone(identity: str) -> SimpleNamespace:
        return SimpleNamespace(identity=identity, track_publications={"mic": Publication(rtc.TrackKind.KIND_AUDIO)})

    def publishes(self, identity: str, kind: rtc.TrackKind) -> Publication:
        publication = Publication(kind)
        self.emit("track_published", publication, SimpleNamespace(identity=identity))
        return publication

    def hears(self, identity: str) -> bool:
        return self.remote_participants[identity].track_publications["mic"].subscribed


def test_the_caller_who_is_there_is_heard_and_the_other_agent_is_not() -> None:
    room = Room("caller-1", "triage-1")
    session.hear_only_the_caller(room, "caller-1")
    assert (room.hears("caller-1"), room.hears("triage-1")) == (True, False)


def test_a_microphone_that_comes_later_is_heard_when_it_is_the_callers() -> None:
    room = Room()
    session.hear_only_the_caller(room, "caller-1")
    assert room.publishes("caller-1", rtc.TrackKind.KIND_AUDIO).subscribed
    assert not room.publishes("billing-1", rtc.TrackKind.KIND_AUDIO).subscribed
    assert not room.publishes("caller-1", rtc.TrackKind.KIND_VIDEO).subscribed


class Ears(io.AudioInput):
    def __init__(self) -> None:
        super().__init__(label="Ears")
        self.journal: list[str] = []

    def on_attached(self) -> None:
        self.journal.append("hears")

    def on_detached(self) -> None:
        self.journal.append("is deaf")


async def test_a_session_that_was_made_deaf_before_its_room_gives_it_ears_stays_deaf_until_it_may_hear() -> None:
    """A waiting taker is: heard from its first moment in the room, the caller would be thought about by two."""
    running: AgentSession[Any] = AgentSession(llm=ToldModel(), vad=None, turn_handling={"turn_detection": None})
    running.input.set_audio_enabled(False)
    running.input.audio = ears = Ears()
    assert ears.journal == ["is deaf"]
    running.input.set_audio_enabled(True)
    assert ears.journal == ["is deaf", "hears"]


# --- the gate on its voice --------------------------------------------------------------------------------------------
def test_the_gate_goes_on_top_of_the_sessions_voice() -> None:
    running = SimpleNamespace(output=SimpleNamespace(audio=Output()))
    gate = session.attach_gate(running, is_open=False)
    assert running.output.audio is gate
    assert not gate.is_open
