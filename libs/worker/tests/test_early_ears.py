"""What was said is asked for in the pause and told when the pause was the end: sooner, once, and never in halves."""

from __future__ import annotations

import asyncio
from typing import Any

from livekit import rtc
from livekit.agents import NOT_GIVEN, APIConnectionError, stt
from livekit.agents.language import LanguageCode
from worker.speech.early_ears import EarlyEars
from worker.speech.steady_ears import SteadyEars
from worker.testing.ears import WINDOW, VoiceDetector, sound
from worker.testing.jumping_time import without_waiting


class Ears(stt.STT[Any]):
    """Hears how many windows it was given, after ``takes`` seconds."""

    def __init__(self, takes: float = 0.2) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self.takes = takes
        self.are_away = False
        self.asked_at: list[float] = []

    async def _recognize_impl(self, buffer: Any, *, language: Any = NOT_GIVEN, conn_options: Any) -> stt.SpeechEvent:
        self.asked_at.append(now())
        if self.are_away:
            raise APIConnectionError()
        await asyncio.sleep(self.takes)
        text = f"{round(rtc.combine_audio_frames(buffer).duration / WINDOW)} windows"
        heard = stt.SpeechData(text=text, language=LanguageCode("en"), confidence=0.9)
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[heard])


def now() -> float:
    return round(asyncio.get_running_loop().time(), 3)


class Listener:
    """A caller's microphone at one end, what is told at the other."""

    def __init__(self, ears: Ears, **given: Any) -> None:
        self._early = EarlyEars(SteadyEars([ears], timeout_seconds=4.0, may_guess=True, **given), VoiceDetector())
        self.told: list[tuple[str, float]] = []
        self.words: list[str] = []

    async def __aenter__(self) -> Listener:
        self._stream = self._early.stream()
        self._task = asyncio.create_task(self._note())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stream.aclose()
        await self._task

    async def _note(self) -> None:
        async for event in self._stream:
            self.told.append((event.type.value, now()))
            self.words += [heard.text for heard in event.alternatives]

    async def says(self, *windows: tuple[int, int]) -> None:
        """Pairs: how many windows of voice, and of silence after it, as they come from a microphone."""
        for frame in sound(*windows):
            await asyncio.sleep(WINDOW)
            self._stream.push_frame(frame)
        await asyncio.sleep(0)

    async def ends(self) -> None:
        self._stream.end_input()
        await self._task


@without_waiting
async def test_the_words_are_asked_for_in_the_pause_and_told_when_it_was_the_end() -> None:
    ears = Ears(takes=0.2)
    async with Listener(ears) as caller:
        await caller.says((10, 20))
        ended = 10 * WINDOW
        assert ears.asked_at == [round(ended + 4 * WINDOW, 3)]
        assert caller.told == [
            ("start_of_speech", round(WINDOW, 3)),
            ("end_of_speech", round(ended + 8 * WINDOW, 3)),
            ("final_transcript", round(ended + 4 * WINDOW + 0.2, 3)),
        ]
        assert caller.words == ["14 windows"]


@without_waiting
async def test_words_that_are_there_before_the_voice_has_ended_are_not_told_before() -> None:
    async with Listener(Ears(takes=0.01)) as caller:
        await caller.says((10, 7))
        assert [kind for kind, _ in caller.told] == ["start_of_speech"]
        await caller.says((0, 2))
        assert [kind for kind, _ in caller.told] == ["start_of_speech", "end_of_speech", "final_transcript"]


@without_waiting
async def test_a_voice_that_goes_on_is_heard_as_a_whole() -> None:
    ears = Ears(takes=0.05)
    async with Listener(ears) as caller:
        await caller.says((10, 5), (10, 20))
        assert caller.words == ["29 windows"]
        assert len(ears.asked_at) == 2


@without_waiting
async def test_the_pause_between_two_words_is_no_reason_to_ask() -> None:
    ears = Ears()
    async with Listener(ears) as caller:
        await caller.says((10, 3), (10, 3), (10, 20))
        assert len(ears.asked_at) == 1


@without_waiting
async def test_ears_that_were_asked_in_vain_are_not_asked_again_until_they_are_done() -> None:
    ears = Ears(takes=0.6)
    async with Listener(ears) as caller:
        await caller.says((10, 6), (4, 6), (4, 30))
        assert ears.asked_at == [round(14 * WINDOW, 3), round(34 * WINDOW, 3)]
        assert caller.words == ["34 windows"]


@without_waiting
async def test_while_an_utterance_is_still_being_heard_the_next_is_not_guessed_at_and_their_order_is_kept() -> None:
    ears = Ears(takes=0.9)
    async with Listener(ears) as caller:
        await caller.says((10, 10))
        ears.takes = 0.1
        await caller.says((10, 40))
        assert caller.words == ["14 windows", "20 windows"]


@without_waiting
async def test_a_long_speech_is_heard_once_when_it_is_over() -> None:
    ears = Ears()
    async with Listener(ears) as caller:
        await caller.says((400, 20))
        assert ears.asked_at == [round(408 * WINDOW, 3)]
        assert caller.words == ["408 windows"]


@without_waiting
async def test_two_utterances_that_nobody_heard_are_two_however_often_they_were_asked_for() -> None:
    lost: list[str] = []
    ears = Ears()
    ears.are_away = True
    async with Listener(ears, on_lost=lambda: lost.append("ears")) as caller:
        await caller.says((10, 5), (10, 5), (10, 20))
        assert (caller.words, lost) == ([], [])
        await caller.says((10, 20))
        assert (caller.words, lost) == ([], ["ears"])


@without_waiting
async def test_the_end_of_the_sound_is_the_end_of_the_words() -> None:
    async with Listener(Ears()) as caller:
        await caller.says((10, 9))
        await caller.ends()
        assert caller.words == ["14 windows"]


@without_waiting
async def test_who_stops_listening_leaves_no_question_behind() -> None:
    async with Listener(Ears(takes=60)) as caller:
        await caller.says((10, 5), (10, 5))
    assert asyncio.all_tasks() == {asyncio.current_task()}


@without_waiting
async def test_what_the_ears_tell_of_their_work_is_passed_on() -> None:
    told: list[Any] = []
    only = Ears()
    early = EarlyEars(SteadyEars([only], timeout_seconds=4.0), VoiceDetector())
    early.on("metrics_collected", told.append)
    heard = await early.recognize([*sound((1, 0))])
    assert (heard.alternatives[0].text, len(told)) == ("1 windows", 1)
    await early.aclose()
    await only.recognize([*sound((1, 0))])
    assert len(told) == 1
