"""An answer begins with a sound: the silence that a voice model puts before it is time that a caller waits.

Sentences rendered ahead lose it as well, and more of it: see clips.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT

_SILENT = 10 ** (-60 / 20) * 32768
"""Peak of a 10 ms block, in int16 steps, up to which it is silence (-60 dBFS). A soft "h" or "f" lies above it, a model's noise
(-85) far below."""
_KEPT_BLOCKS = 2
"""Blocks of 10 ms kept before the first sound."""
_LONGEST_SECONDS = 0.5
"""A longer silence is meant."""


async def from_first_sound(frames: AsyncIterable[rtc.AudioFrame]) -> AsyncIterator[rtc.AudioFrame]:
    """Mono ``frames`` from 20 ms before the first sound on. What is silent for more than 0.5 s, or altogether, is left as it is."""
    held: list[rtc.AudioFrame] = []
    has_begun = False
    async for frame in frames:
        if has_begun:
            yield frame
            continue
        held.append(frame)
        if (first := _first_sound(held)) is not None:
            has_begun = True
            yield _joined(held, since=first)
        elif sum(silent.duration for silent in held) > _LONGEST_SECONDS:
            has_begun = True
            for silent in held:
                yield silent
    if not has_begun:
        for silent in held:
            yield silent


def _first_sound(frames: list[rtc.AudioFrame]) -> int | None:
    """The sample with which the blocks begin that are kept; None when all is silence."""
    samples = np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames]).astype(np.int32)
    block = frames[0].sample_rate // 100
    loud = np.flatnonzero(np.abs(samples) > _SILENT)
    return max(0, int(loud[0]) // block - _KEPT_BLOCKS) * block if loud.size else None


def _joined(frames: list[rtc.AudioFrame], *, since: int) -> rtc.AudioFrame:
    """One frame from that sample on, with all that LiveKit has noted on any of them."""
    noted: dict[str, Any] = {}
    for frame in reversed(frames):
        noted |= frame.userdata
    if words := [word for frame in frames for word in frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, [])]:
        noted[USERDATA_TIMED_TRANSCRIPT] = words
    whole = rtc.combine_audio_frames(frames)
    data = bytes(whole.data.cast("b"))[2 * since :]
    return rtc.AudioFrame(data, whole.sample_rate, 1, len(data) // 2, userdata=noted)
