"""The caller's ear while the call runs: keeps every received frame, and knows since when nobody has been speaking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import numpy as np
from livekit import rtc

from local.caller.band import FRAME, RATE, Samples
from local.caller.ear import is_audible
from local.caller.placing import Arrivals, lay_out, phase_of, places


class Listening:
    """Subscribes to every agent's audio in the room."""

    def __init__(self, zero: float, *, is_agent: Callable[[rtc.RemoteParticipant], bool]) -> None:
        """``zero`` is the call's zero on the monotonic clock."""
        self._zero = zero
        self._is_agent = is_agent
        self._tracks: list[tuple[str, Arrivals]] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._last_audible: float | None = None

    def follow(self, room: rtc.Room) -> None:
        """Listens to what is published in the room; call it before connecting."""
        room.on("track_subscribed", self._subscribed)
        room.on("track_unsubscribed", self._unsubscribed)

    @property
    def silent_seconds(self) -> float:
        """For how long no agent has been audible; infinite when none has been heard yet."""
        return float("inf") if self._last_audible is None else time.monotonic() - self._last_audible

    @property
    def has_heard_anyone(self) -> bool:
        """Whether any agent has been audible at all."""
        return self._last_audible is not None

    async def close(self) -> None:
        """Stops listening."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def tracks(self, frame_count: int) -> dict[str, Samples]:
        """What was heard of each agent, by identity, ``frame_count`` frames long, on the call's time line."""
        first = next((a for _, a in self._tracks if a.times), None)
        phase = phase_of(first.times) if first is not None else 0.0
        found: dict[str, Samples] = {}
        for identity, arrivals in self._tracks:
            track = lay_out(arrivals.frames, places(arrivals.times, phase=phase), frame_count=frame_count)
            if identity in found:
                both = found[identity].astype(np.int32) + track
                track = np.clip(both, -32768, 32767).astype(np.int16)
            found[identity] = track
        return found

    def _subscribed(self, track: rtc.Track, _: rtc.RemoteTrackPublication, who: rtc.RemoteParticipant) -> None:
        if track.kind != rtc.TrackKind.KIND_AUDIO or not self._is_agent(who):
            return
        self._tasks[track.sid] = asyncio.create_task(self._listen(track, who.identity))

    def _unsubscribed(self, track: rtc.Track, _: rtc.RemoteTrackPublication, who: rtc.RemoteParticipant) -> None:
        """That agent has left. Its place in the connection is given to the next one, whose voice would be heard here too."""
        if (task := self._tasks.pop(track.sid, None)) is not None:
            task.cancel()

    async def _listen(self, track: rtc.Track, identity: str) -> None:
        arrivals = Arrivals()
        self._tracks.append((identity, arrivals))
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=10)
        try:
            async for event in stream:
                now = time.monotonic()
                frame = np.frombuffer(event.frame.data, dtype=np.int16).copy()
                if frame.size != FRAME:
                    continue
                arrivals.add(frame, now - self._zero)
                if is_audible(frame):
                    self._last_audible = now
        finally:
            await stream.aclose()
