"""Speech to text that does not wait until a pause has become the end.

A voice has ended after 0.25 s of silence, and to hear what was said takes as long again. So a tenth of a second into every pause the
ears are asked what was said until then: when the voice goes on, nobody is told; when it has ended, the words are there, or on their way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable
from typing import Any

from livekit import rtc
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    NOT_GIVEN,
    APIConnectOptions,
    stt,
    utils,
    vad,
)
from livekit.agents.types import NotGivenOr
from livekit.agents.utils import AudioBuffer
from livekit.agents.vad import VADEvent, VADEventType

from worker.speech.standby import ONCE
from worker.speech.steady_ears import SteadyEars

_PAUSE_SECONDS = 0.09
"""Silence after which, when it goes on, the words so far are worth a try; between two words of a sentence it is rarely as long."""
_VOICE_PROBABILITY = 0.35
"""From here on LiveKit's detector takes a sound for a voice that goes on."""
_LONGEST_SECONDS = 12.0
"""To hear a longer speech takes too long to do it in vain; whoever speaks so long waits 0.13 s more."""

_Hearing = asyncio.Task[stt.SpeechEvent | None]
"""Ears at work; None when nobody could hear."""


class EarlyEars(stt.STT[Any]):
    """``ears`` as a stream of speech, cut by ``voice_detector``: the events of LiveKit's StreamAdapter, the words sooner."""

    def __init__(self, ears: SteadyEars, voice_detector: vad.VAD) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=False))
        self._recognize_metrics_needed = False  # whoever heard it tells
        self._ears = ears
        self._voice_detector = voice_detector
        ears.on("metrics_collected", self._pass_on)

    @property
    def model(self) -> str:
        """Of the ears."""
        return self._ears.model

    @property
    def provider(self) -> str:
        """Of the ears."""
        return self._ears.provider

    def _pass_on(self, *args: Any, **kwargs: Any) -> None:
        self.emit("metrics_collected", *args, **kwargs)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str | list[str]] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        return await self._ears.recognize(buffer, conn_options=conn_options)

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> stt.RecognizeStream:
        """What is said in the frames that are pushed."""
        return _Stream(self, self._ears, self._voice_detector)

    async def aclose(self) -> None:
        """The ears are their provider's."""
        self._ears.off("metrics_collected", self._pass_on)


class _Stream(stt.RecognizeStream):
    def __init__(self, early: EarlyEars, ears: SteadyEars, voice_detector: vad.VAD) -> None:
        self._ears = ears
        self._voice_detector = voice_detector
        self._said: list[rtc.AudioFrame] = []
        """The speech of now, from before its first word on."""
        self._guess: _Hearing | None = None
        """What was said until the pause of now, when the ears were asked."""
        self._in_vain: _Hearing | None = None
        """A guess that the voice has overtaken. The ears hear it out."""
        self._ended: utils.aio.Chan[tuple[float, _Hearing]] = utils.aio.Chan()
        """Speech that is over: when it ended, and what it was."""
        self._untold = 0
        super().__init__(stt=early, conn_options=ONCE)

    async def _metrics_monitor_task(self, event_aiter: AsyncIterable[stt.SpeechEvent]) -> None:
        async for _ in event_aiter:
            pass  # the ears tell their own

    async def _run(self) -> None:
        voice = self._voice_detector.stream()
        parts = [asyncio.create_task(part) for part in (self._forward(voice), self._listen(voice), self._tell())]
        try:
            await asyncio.gather(*parts)
        finally:
            guesses = [guess for guess in (self._guess, self._in_vain) if guess is not None]
            await utils.aio.cancel_and_wait(*parts, *guesses)
            await voice.aclose()

    async def _listen(self, voice: vad.VADStream) -> None:
        async for event in voice:
            self._voiced(event)
        self._ended.close()

    async def _forward(self, voice: vad.VADStream) -> None:
        async for frame in self._input_ch:
            if isinstance(frame, rtc.AudioFrame):
                voice.push_frame(frame)
            else:
                voice.flush()
        voice.end_input()

    def _voiced(self, event: VADEvent) -> None:
        if event.type is VADEventType.START_OF_SPEECH:
            self._goes_on()
            self._said = [*event.frames]
            self._event_ch.send_nowait(stt.SpeechEvent(stt.SpeechEventType.START_OF_SPEECH))
        elif event.type is VADEventType.END_OF_SPEECH:
            self._is_over(event)
        elif event.speaking:
            self._said += event.frames
            if event.raw_accumulated_silence == 0:
                self._goes_on()
            elif self._is_worth_a_try(event):
                self._guess = asyncio.create_task(self._ears.hear(utils.merge_frames(self._said)))

    def _is_worth_a_try(self, event: VADEvent) -> bool:
        """Never while the ears are busy: what is said last would wait for what was asked in vain."""
        # Its silence is that before it: the sound of now is told by its probability.
        is_pause = event.raw_accumulated_silence >= _PAUSE_SECONDS and event.probability < _VOICE_PROBABILITY
        are_busy = self._untold > 0 or (self._in_vain is not None and not self._in_vain.done())
        return is_pause and self._guess is None and not are_busy and event.speech_duration <= _LONGEST_SECONDS

    def _goes_on(self) -> None:
        if self._guess is not None:
            self._in_vain, self._guess = self._guess, None

    def _is_over(self, event: VADEvent) -> None:
        ended_at = time.time() - event.silence_duration - event.inference_duration
        self._event_ch.send_nowait(stt.SpeechEvent(stt.SpeechEventType.END_OF_SPEECH, speech_end_time=ended_at))
        hearing = self._guess or asyncio.create_task(self._ears.hear(utils.merge_frames(event.frames)))
        self._guess, self._said = None, []
        self._untold += 1
        self._ended.send_nowait((ended_at, hearing))

    async def _tell(self) -> None:
        async for ended_at, hearing in self._ended:
            heard = await hearing
            self._untold -= 1
            if heard is None:
                heard = self._ears.nothing()
            if heard.alternatives and heard.alternatives[0].text:
                final = stt.SpeechEvent(
                    stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=heard.alternatives[:1], speech_end_time=ended_at
                )
                self._event_ch.send_nowait(final)
