"""For tests of what an agent hears: a detector of voices that needs no model, and sound for it. 32 ms a window, as LiveKit's has."""

from __future__ import annotations

from collections.abc import Iterator

from livekit import rtc
from livekit.agents import vad
from livekit.agents.vad import VADEvent, VADEventType

WINDOW = 0.032
"""Seconds."""
_RATE = 16000
_SAMPLES = int(_RATE * WINDOW)
_ENDS_SECONDS = 0.25
_PADDING = 2
"""Windows kept before the first word."""


def sound(*windows: tuple[int, int]) -> Iterator[rtc.AudioFrame]:
    """Pairs: how many windows of voice, and of silence after it."""
    for voiced, silent in windows:
        for value in [1] * voiced + [0] * silent:
            yield rtc.AudioFrame(bytes([value, 0]) * _SAMPLES, _RATE, 1, _SAMPLES)


class VoiceDetector(vad.VAD):
    """Takes every window that is not zero for voice, and tells of it in the order and with the counts of LiveKit's own."""

    def __init__(self) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=WINDOW))

    def stream(self) -> vad.VADStream:
        """A detector of its own for each listener."""
        return _Detecting(self)


class _Detecting(vad.VADStream):
    async def _main_task(self) -> None:
        self._speaking, self._silence, self._spoken = False, 0.0, 0.0
        self._speech: list[rtc.AudioFrame] = []
        async for frame in self._input_ch:
            if isinstance(frame, rtc.AudioFrame):
                self._look_at(frame)

    def _look_at(self, frame: rtc.AudioFrame) -> None:
        self._speech.append(frame)
        self._spoken += WINDOW if self._speaking else 0.0
        self._tell(VADEventType.INFERENCE_DONE, [frame])
        if any(frame.data):
            self._silence = 0.0
            if not self._speaking:
                self._speaking, self._spoken = True, WINDOW
                self._tell(VADEventType.START_OF_SPEECH, self._speech)
        else:
            self._silence += WINDOW
            if not self._speaking:
                self._speech = self._speech[-_PADDING:]
            elif self._silence >= _ENDS_SECONDS:
                self._speaking = False
                self._tell(VADEventType.END_OF_SPEECH, self._speech)
                self._speech, self._spoken = [], 0.0

    def _tell(self, kind: VADEventType, frames: list[rtc.AudioFrame]) -> None:
        event = VADEvent(
            type=kind,
            samples_index=0,
            timestamp=0.0,
            speech_duration=self._spoken,
            silence_duration=self._silence,
            frames=[*frames],
            probability=float(any(frames[-1].data)),
            speaking=self._speaking,
            raw_accumulated_silence=self._silence,
        )
        self._event_ch.send_nowait(event)
