"""Ears whose provider fails: another one hears the same words, and when nobody does somebody is told, and no session ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import NOT_GIVEN, APIConnectionError, APIStatusError, stt
from livekit.agents.language import LanguageCode
from worker.speech.standby import REST_SECONDS
from worker.speech.steady_ears import SteadyEars
from worker.testing.jumping_time import without_waiting

SAID = "my account is A C four seven two one"


class Provider(stt.STT[Any]):
    """Hears everything as ``name: words``, unless it is told to do something else."""

    def __init__(self, name: str, deed: str = "hears") -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self.name = name
        self.deed = deed
        self.asked = 0

    async def _recognize_impl(self, buffer: Any, *, language: Any = NOT_GIVEN, conn_options: Any) -> stt.SpeechEvent:
        self.asked += 1
        if self.deed == "refuses":
            raise APIStatusError(f"cannot transcribe {SAID}", status_code=429)
        if self.deed == "is away":
            raise APIConnectionError()
        if self.deed == "stalls":
            await asyncio.sleep(60)
        if self.deed == "is slow":
            await asyncio.sleep(10)
        heard = stt.SpeechData(text=f"{self.name}: {SAID}", language=LanguageCode("en"), confidence=0.9)
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[heard])


def some_speech() -> rtc.AudioFrame:
    return rtc.AudioFrame(data=bytes(2 * 2400), sample_rate=24000, num_channels=1, samples_per_channel=2400)


async def heard(ears: SteadyEars) -> str:
    return (await ears.recognize(some_speech())).alternatives[0].text


@without_waiting
async def test_ears_that_are_well_hear_alone() -> None:
    second = Provider("second")
    assert await heard(SteadyEars([Provider("first"), second], timeout_seconds=4.0)) == f"first: {SAID}"
    assert second.asked == 0


@pytest.mark.parametrize("fault", ["refuses", "is away", "stalls", "is slow"])
def test_the_next_in_line_hears_what_the_first_one_does_not(fault: str) -> None:
    @without_waiting
    async def check() -> None:
        ears = SteadyEars([Provider("first", fault), Provider("second")], timeout_seconds=4.0)
        assert await heard(ears) == f"second: {SAID}"
        assert asyncio.get_running_loop().time() <= 4.0

    check()


@without_waiting
async def test_who_failed_is_not_waited_for_again_and_comes_back_when_it_is_well() -> None:
    first, second = Provider("first", "stalls"), Provider("second")
    ears = SteadyEars([first, second], timeout_seconds=4.0)
    await heard(ears)
    assert (await heard(ears), first.asked) == (f"second: {SAID}", 1)
    first.deed = "hears"
    await asyncio.sleep(REST_SECONDS)
    assert await heard(ears) == f"second: {SAID}"
    await asyncio.sleep(1)
    assert await heard(ears) == f"first: {SAID}"
    await ears.aclose()


@without_waiting
async def test_the_only_ears_are_given_time_when_they_are_slow() -> None:
    assert await heard(SteadyEars([Provider("only", "is slow")], timeout_seconds=4.0)) == f"only: {SAID}"


@without_waiting
async def test_the_only_ears_get_a_second_try_when_they_refuse_and_none_when_they_stall() -> None:
    refusing, stalling = Provider("only", "refuses"), Provider("only", "stalls")
    await heard(SteadyEars([refusing], timeout_seconds=4.0))
    await heard(SteadyEars([stalling], timeout_seconds=4.0))
    assert (refusing.asked, stalling.asked) == (2, 1)


@without_waiting
async def test_what_nobody_hears_is_no_words_and_no_error() -> None:
    errors: list[object] = []
    ears = SteadyEars([Provider("first", "refuses"), Provider("second", "is away")], timeout_seconds=4.0)
    ears.on("error", errors.append)
    assert (await heard(ears), errors) == ("", [])


@without_waiting
async def test_after_two_utterances_that_nobody_heard_somebody_is_told_once() -> None:
    lost: list[str] = []
    ears = SteadyEars([Provider("only", "refuses")], timeout_seconds=4.0, on_lost=lambda: lost.append("ears"))
    await heard(ears)
    assert lost == []
    await heard(ears)
    await heard(ears)
    assert lost == ["ears"]


@without_waiting
async def test_one_utterance_that_was_heard_starts_the_count_again() -> None:
    lost: list[str] = []
    only = Provider("only", "refuses")
    ears = SteadyEars([only], timeout_seconds=4.0, on_lost=lambda: lost.append("ears"))
    for deed in ("refuses", "hears", "refuses"):
        only.deed = deed
        await heard(ears)
    assert lost == []


@without_waiting
async def test_a_refusal_that_quotes_the_caller_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    await heard(SteadyEars([Provider("first", "refuses"), Provider("second")], timeout_seconds=4.0))
    assert "the transcription failed: APIStatusError 429" in caplog.text
    assert SAID not in caplog.text
