"""A pause in an agent's sentence loses nothing of it.

LiveKit's room output throws away what its source still holds (up to 200 ms) when it is paused, and goes on after it. Here that
audio is kept, and played first when the pause is over.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from livekit import rtc
from livekit.agents.voice import io

_KEPT_SECONDS = 0.5
"""More than the source can hold."""


class UnheardSource:
    """Stands where the room output has its rtc.AudioSource; ``is_paused`` tells why its queue is cleared."""

    def __init__(self, source: rtc.AudioSource) -> None:
        self._source = source
        self._recent: deque[rtc.AudioFrame] = deque()
        self._unheard: list[rtc.AudioFrame] = []
        self.is_paused = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """What a pause cut off goes first."""
        unheard, self._unheard = self._unheard, []
        for each in (*unheard, frame):
            self._recent.append(each)
            while sum(kept.duration for kept in self._recent) > _KEPT_SECONDS:
                self._recent.popleft()
            await self._source.capture_frame(each)

    def clear_queue(self) -> None:
        """Keeps what was not heard when this is a pause; forgets it when the sentence is over."""
        self._unheard = _last(self._recent, self._source.queued_duration) if self.is_paused else []
        self._recent.clear()
        self._source.clear_queue()

    def forget(self) -> None:
        """The sentence was interrupted for good."""
        self.is_paused = False
        self._unheard.clear()


def keep_unheard(output: io.AudioOutput) -> UnheardSource | None:
    """Puts an UnheardSource at the bottom of a session's output; None when it ends in no room."""
    below: io.AudioOutput | None = output
    while below is not None:
        source = getattr(below, "_audio_source", None)
        if source is not None:
            kept = UnheardSource(source)
            setattr(below, "_audio_source", kept)  # noqa: B010 - LiveKit's own room output, which has no name in public
            return kept
        below = below.next_in_chain
    return None


def _last(frames: deque[rtc.AudioFrame], seconds: float) -> list[rtc.AudioFrame]:
    """The frames that hold the last ``seconds``; the first of them whole or from the middle."""
    found: list[rtc.AudioFrame] = []
    for frame in reversed(frames):
        if seconds < 0.001:
            break
        found.insert(0, frame if frame.duration <= seconds else _end_of(frame, seconds))
        seconds -= frame.duration
    return found


def _end_of(frame: rtc.AudioFrame, seconds: float) -> rtc.AudioFrame:
    count = min(frame.samples_per_channel, round(seconds * frame.sample_rate))
    data = bytes(frame.data.cast("b"))[-count * frame.num_channels * 2 :]
    return rtc.AudioFrame(data, frame.sample_rate, frame.num_channels, count)
