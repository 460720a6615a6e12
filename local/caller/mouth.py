"""The caller's mouth: one track, published without a break, 10 ms frames paced by the call's clock.

Frame k of the recording leaves at k * 10 ms after the call's zero. Frames are handed over a little ahead; when this process was
held up for longer than that, the source had nothing to send, and the recording gets that silence too instead of lagging behind.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass

import numpy as np
from livekit import rtc

from local.caller.band import FRAME, RATE, Samples, whole_frames

FRAME_SECONDS = 0.01
_AHEAD = 6
"""Frames handed over before they are due."""
_SILENCE = np.zeros(FRAME, dtype=np.int16)


@dataclass(slots=True)
class _Line:
    frames: deque[Samples]
    spoken: asyncio.Future[tuple[int, int]]
    start: int | None = None


class Mouth:
    """Publishes silence, and whatever `say` puts in, from `open` to `close`; keeps exactly what it published."""

    def __init__(self, zero: float) -> None:
        """``zero`` is the call's zero on the monotonic clock."""
        self._zero = zero
        self._published: list[Samples] = []
        self._queue: deque[_Line] = deque()
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=400)
        self._track = rtc.LocalAudioTrack.create_audio_track("caller", self._source)
        self._task: asyncio.Task[None] | None = None
        self.held_up_frames = 0
        """Frames of silence that the source had to put in because this process was late."""

    @property
    def frame_count(self) -> int:
        """Frames published so far."""
        return len(self._published)

    async def open(self, room: rtc.Room) -> None:
        """Publishes the track and begins with silence."""
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, dtx=False)
        await room.local_participant.publish_track(self._track, options)
        self._task = asyncio.create_task(self._speak())

    async def close(self) -> None:
        """Falls silent for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for line in self._queue:
            line.spoken.cancel()
        await self._source.aclose()

    async def say(self, samples: Samples) -> tuple[int, int]:
        """Speaks; returns, when the last word has left, the first and one past the last frame on the time line."""
        if not samples.size:
            return self.frame_count, self.frame_count
        line = _Line(deque(whole_frames(samples).reshape(-1, FRAME)), asyncio.get_running_loop().create_future())
        self._queue.append(line)
        start, end = await line.spoken
        await asyncio.sleep(max(0.0, self._zero + end * FRAME_SECONDS - time.monotonic()))
        return start, end

    def recorded(self) -> Samples:
        """Everything published so far."""
        return np.concatenate(self._published) if self._published else np.zeros(0, dtype=np.int16)

    async def _speak(self) -> None:
        while True:
            due = int((time.monotonic() - self._zero) / FRAME_SECONDS)
            if self._published and due > len(self._published):
                self.held_up_frames += due - len(self._published)
            while len(self._published) < due:
                self._published.append(_SILENCE)
            while len(self._published) < due + _AHEAD:
                await self._publish_one()
            onward = self._zero + (len(self._published) - _AHEAD + 1) * FRAME_SECONDS
            await asyncio.sleep(max(0.001, onward - time.monotonic()))

    async def _publish_one(self) -> None:
        frame = self._next_frame()
        self._published.append(frame)
        await self._source.capture_frame(rtc.AudioFrame(frame.tobytes(), RATE, 1, FRAME))

    def _next_frame(self) -> Samples:
        if not self._queue:
            return _SILENCE
        line, index = self._queue[0], len(self._published)
        frame = line.frames.popleft()
        line.start = index if line.start is None else line.start
        if not line.frames:
            self._queue.popleft()
            if not line.spoken.done():
                line.spoken.set_result((line.start, index + 1))
        return frame
