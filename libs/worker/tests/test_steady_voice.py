"""A voice whose provider fails: another one says the sentence, then a recording does, and then somebody is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APIStatusError, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from worker.speech import clips
from worker.speech.standby import REST_SECONDS
from worker.speech.steady_voice import SteadyVoice
from worker.testing.jumping_time import without_waiting

RATE = 24000
Deed = str
"""What a provider does with a sentence: speaks, refuses, stalls, takes its time, breaks, trickles, is mute."""


class Provider(tts.TTS[Any]):
    """Says each sentence as one second of its own tone, unless it is told to do something else."""

    def __init__(self, tone: int, deed: Deed = "speaks") -> None:
        super().__init__(capabilities=tts.TTSCapabilities(streaming=False), sample_rate=RATE, num_channels=1)
        self.tone = tone
        self.deed = deed
        self.asked: list[str] = []

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        self.asked.append(text)
        return _Said(tts=self, input_text=text, conn_options=conn_options)


class _Said(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        provider = self._tts
        assert isinstance(provider, Provider)
        output_emitter.initialize(request_id="1", sample_rate=RATE, num_channels=1, mime_type="audio/pcm")
        if provider.deed == "refuses":
            raise APIStatusError("cannot say what the caller said", status_code=503)
        if provider.deed == "is away":
            raise APIConnectionError()
        if provider.deed == "takes its time":
            await asyncio.sleep(6)
        if provider.deed == "stalls":
            await asyncio.sleep(30)
        half = provider.tone.to_bytes(2, "little") * (RATE // 2)
        if provider.deed != "is mute":
            output_emitter.push(half)
        if provider.deed == "breaks":
            raise APIConnectionError()
        if provider.deed == "stops half way":
            await asyncio.sleep(30)
        if provider.deed == "trickles":
            await asyncio.sleep(3)
        if provider.deed != "is mute":
            output_emitter.push(half)
        output_emitter.flush()


def tones(frames: list[rtc.AudioFrame]) -> set[int]:
    """Which providers are heard."""
    return {sample for frame in frames for sample in frame.data if sample}


async def live(voice: SteadyVoice, *sentences: str) -> list[rtc.AudioFrame]:
    """As a session says it."""
    async with voice.stream() as stream:
        for sentence in sentences:
            stream.push_text(f"{sentence} ")
            stream.flush()
        stream.end_input()
        return [piece.frame async for piece in stream]


async def ahead(voice: SteadyVoice, text: str = "One moment please.") -> list[rtc.AudioFrame]:
    """As a clip is rendered."""
    async with voice.synthesize(text) as stream:
        return [piece.frame async for piece in stream]


def steady(*providers: Provider, **settings: Any) -> SteadyVoice:
    return SteadyVoice(providers, timeout_seconds=4.0, **settings)


FAULTS = ["refuses", "is away", "stalls", "is mute"]


@without_waiting
async def test_a_voice_that_is_well_says_everything_alone() -> None:
    first, second = Provider(1), Provider(2)
    voice = steady(first, second)
    assert tones(await live(voice, "How can I help you today?")) == {1}
    assert tones(await ahead(voice)) == {1}
    assert second.asked == []


@pytest.mark.parametrize("way", [live, ahead])
@pytest.mark.parametrize("fault", FAULTS)
def test_the_next_in_line_says_what_the_first_one_cannot(way: Callable[..., Any], fault: Deed) -> None:
    @without_waiting
    async def check() -> None:
        assert tones(await way(steady(Provider(1, fault), Provider(2)), "How can I help you today?")) == {2}

    check()


@pytest.mark.parametrize("fault", ["breaks", "stops half way"])
def test_a_sentence_that_breaks_off_is_said_again_from_its_beginning(fault: Deed) -> None:
    @without_waiting
    async def check() -> None:
        frames = await ahead(steady(Provider(1, fault), Provider(2)))
        heard = [sample for frame in frames for sample in frame.data]
        assert heard.count(2) == 2 * (RATE // 2)

    check()


@without_waiting
async def test_a_voice_that_is_slow_but_speaks_is_left_to_speak() -> None:
    second = Provider(2)
    assert tones(await ahead(steady(Provider(1, "trickles"), second))) == {1}
    assert second.asked == []


@without_waiting
async def test_the_only_voice_gets_a_second_try() -> None:
    only = Provider(1, "refuses")
    voice = steady(only)
    with pytest.raises(APIError):
        await ahead(voice)
    assert len(only.asked) == 2


@without_waiting
async def test_the_only_voice_has_more_time_on_its_second_try_than_one_that_another_stands_in_for() -> None:
    assert tones(await ahead(steady(Provider(1, "takes its time")))) == {1}
    assert tones(await ahead(steady(Provider(1, "takes its time"), Provider(2)))) == {2}


@without_waiting
async def test_who_failed_is_not_waited_for_again_and_comes_back_when_it_is_well() -> None:
    first, second = Provider(1, "stalls"), Provider(2)
    voice = steady(first, second)
    loop = asyncio.get_running_loop()
    await ahead(voice, "One.")
    began = loop.time()
    await ahead(voice, "Two.")
    assert (loop.time() - began, first.asked) == (0.0, ["One."])
    first.deed = "speaks"
    await asyncio.sleep(REST_SECONDS)
    assert tones(await ahead(voice, "Three.")) == {2}, "its try costs no caller's time"
    await asyncio.sleep(1)
    assert first.asked == ["One.", "Three."]
    assert tones(await ahead(voice, "Four.")) == {1}
    await voice.aclose()


# --- nobody speaks ----------------------------------------------------------------------------------------------------
KEPT = clips.frames(np.full(RATE, 7, np.int16), RATE)


def recorded(text: str) -> tuple[rtc.AudioFrame, ...] | None:
    return KEPT if text == "Are you still there?" else None


@pytest.mark.parametrize("way", [live, ahead])
def test_a_sentence_that_is_kept_is_heard_though_nobody_can_say_it(way: Callable[..., Any]) -> None:
    @without_waiting
    async def check() -> None:
        lost: list[str] = []
        voice = steady(
            Provider(1, "refuses"), Provider(2, "is away"), recorded=recorded, on_lost=lambda: lost.append("voice")
        )
        assert tones(await way(voice, "Are you still there?")) == {7}
        assert lost == []

    check()


@without_waiting
async def test_what_nobody_can_say_is_silence_in_a_session_and_somebody_is_told_once() -> None:
    lost: list[str] = []
    voice = steady(Provider(1, "refuses"), Provider(2, "is away"), on_lost=lambda: lost.append("voice"))
    frames = await live(voice, "Your refund of forty-nine dollars is on its way.", "Is there anything else?")
    assert tones(frames) == set()
    assert lost == ["voice"]
    assert voice.is_lost


@without_waiting
async def test_what_nobody_can_say_is_an_error_for_who_would_keep_it() -> None:
    lost: list[str] = []
    voice = steady(Provider(1, "refuses"), on_lost=lambda: lost.append("voice"))
    with pytest.raises(APIError):
        await ahead(voice)
    assert lost == []


@without_waiting
async def test_a_lost_voice_asks_nobody_any_more_and_still_finds_what_is_kept() -> None:
    only = Provider(1, "stalls")
    voice = steady(only, recorded=recorded)
    await live(voice, "Your refund is on its way.")
    asked = len(only.asked)
    assert tones(await live(voice, "Are you still there?")) == {7}
    assert len(only.asked) == asked


@without_waiting
async def test_no_fault_of_a_provider_is_logged_in_its_own_words(caplog: pytest.LogCaptureFixture) -> None:
    voice = steady(Provider(1, "refuses"), Provider(2))
    await live(voice, "How can I help you today?")
    assert "the voice failed: APIStatusError 503" in caplog.text
    assert "what the caller said" not in caplog.text


def test_voices_of_two_rates_do_not_stand_in_for_one_another() -> None:
    other = Provider(2)
    other._sample_rate = 16000
    with pytest.raises(ValueError, match="sample rate"):
        steady(Provider(1), other)
