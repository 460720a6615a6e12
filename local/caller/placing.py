"""Where received audio belongs on the call's time line.

Frames of a remote track come every 10 ms from the moment of subscription, but reach us late and in bursts whenever this process
is busy. Lateness is never negative, so the true time of a run of frames is the earliest that any of them allows. A run is kept
contiguous; only a hole that does not close again starts a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from local.caller.band import FRAME, Samples

FRAME_SECONDS = 0.01
HOLE_SECONDS = 0.08
"""A delay longer than this that never recovers is a hole in the stream, not jitter."""
_LOOK_AHEAD = 300
"""Frames within which a burst must have caught up; longer stalls count as holes."""


@dataclass(slots=True)
class Arrivals:
    """The frames of one remote track as they came in: 10 ms each, with the time since the call's zero, in seconds."""

    frames: list[Samples] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def add(self, frame: Samples, at_seconds: float) -> None:
        """Notes a 10 ms frame received at that time."""
        self.frames.append(frame)
        self.times.append(at_seconds)


def places(times: Sequence[float], *, phase: float | None = None) -> npt.NDArray[np.int64]:
    """The frame index, on the call's time line, of each received frame; strictly rising.

    ``phase`` (0 to 0.01 s) is where in a 10 ms frame this receiver's clock ticks. It is one clock for all tracks, so take it
    from the first track (`phase_of`) and tracks keep their distance to each other exactly.
    """
    arrived = np.asarray(times, dtype=np.float64)
    count = arrived.size
    if not count:
        return np.zeros(0, dtype=np.int64)
    late = arrived - np.arange(count) * FRAME_SECONDS
    ahead = _earliest_ahead(late)
    phase = phase_of(times) if phase is None else phase
    placed = np.empty(count, dtype=np.int64)
    start = 0
    onward = 0
    for end in [*_holes(late, ahead), count]:
        anchor = float(late[start:end].min()) + start * FRAME_SECONDS
        first = max(int(np.rint((anchor - phase) / FRAME_SECONDS)), onward)
        placed[start:end] = first + np.arange(end - start)
        onward = first + end - start
        start = end
    return placed


def phase_of(times: Sequence[float]) -> float:
    """Where in a 10 ms frame the receiver's clock ticks, seconds."""
    if not len(times):
        return 0.0
    arrived = np.asarray(times, dtype=np.float64)
    return float((arrived - np.arange(arrived.size) * FRAME_SECONDS).min() % FRAME_SECONDS)


def lay_out(frames: Sequence[Samples], placed: npt.NDArray[np.int64], *, frame_count: int) -> Samples:
    """One track of ``frame_count`` frames with the received ones in their places and silence elsewhere."""
    track = np.zeros((frame_count, FRAME), dtype=np.int16)
    for frame, index in zip(frames, placed.tolist(), strict=True):
        if 0 <= index < frame_count:
            track[index] = frame
    return track.reshape(-1)


def _earliest_ahead(late: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """For each frame, the least lateness among it and the next few hundred."""
    padded = np.concatenate([late, np.full(_LOOK_AHEAD, np.inf)])
    window = np.lib.stride_tricks.sliding_window_view(padded, _LOOK_AHEAD)[: late.size]
    return np.asarray(window.min(axis=1))


def _holes(late: npt.NDArray[np.float64], ahead: npt.NDArray[np.float64]) -> list[int]:
    """Indices of the frames that come first after a hole."""
    found: list[int] = []
    base = float(late[0])
    for index in range(1, late.size):
        base = min(base, float(late[index]))
        if ahead[index] - base > HOLE_SECONDS:
            found.append(index)
            base = float(ahead[index])
    return found
