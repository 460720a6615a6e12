"""Sentences rendered ahead of time, with the silence at their edges cut off.

A handoff's gap is heard between the last audible frame of one voice and the first of the next: a voice model's own leading and
trailing silence (Piper: 100-300 ms) would be most of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import numpy as np
from livekit import rtc
from livekit.agents import tts

_AUDIBLE = 10 ** (-45 / 20) * 32768
"""Peak of a 10 ms block, in int16 steps, above which it counts as speech (-45 dBFS)."""
_KEEP_BLOCKS = 1
"""Blocks of 10 ms kept outside the speech, so that no soft onset is cut."""
_AHEAD_SECONDS = 0.4
"""How far a clip runs ahead of its own playing: enough for a busy process never to run dry."""


async def render(voice: tts.TTS[Any], text: str) -> tuple[rtc.AudioFrame, ...]:
    """The sentence as frames of 20 ms, edges trimmed. Raises livekit.agents.APIError when the voice fails."""
    samples: list[np.ndarray] = []
    rate = voice.sample_rate
    async with voice.synthesize(text) as stream:
        async for piece in stream:
            rate = piece.frame.sample_rate
            samples.append(np.frombuffer(piece.frame.data, dtype=np.int16))
    return frames(trimmed(np.concatenate(samples) if samples else np.zeros(0, np.int16), rate), rate)


def trimmed(samples: np.ndarray, rate: int) -> np.ndarray:
    """Mono int16 samples without the silence before the first and after the last audible block of 10 ms."""
    block = rate // 100
    whole = samples[: len(samples) // block * block].reshape(-1, block)
    audible = np.flatnonzero(np.abs(whole.astype(np.int32)).max(axis=1) > _AUDIBLE) if len(whole) else np.zeros(0, int)
    if not len(audible):
        return samples[:0]
    first = max(0, int(audible[0]) - _KEEP_BLOCKS)
    last = int(audible[-1]) + 1 + _KEEP_BLOCKS
    return samples[first * block : last * block]


def frames(samples: np.ndarray, rate: int) -> tuple[rtc.AudioFrame, ...]:
    """Mono int16 samples as AudioFrames of 20 ms (the last one may be shorter)."""
    size = rate // 50
    return tuple(
        rtc.AudioFrame(data=part.tobytes(), sample_rate=rate, num_channels=1, samples_per_channel=len(part))
        for part in (samples[at : at + size] for at in range(0, len(samples), size))
    )


async def played(clip: Iterable[rtc.AudioFrame]) -> AsyncIterator[rtc.AudioFrame]:
    """The frames as the stream that AgentSession.say takes, a little ahead of real time, as a voice model would send them.

    All at once, LiveKit would estimate the speaking rate of the whole sentence (30-80 ms of work) before its first frame plays.
    """
    clock = asyncio.get_running_loop().time
    began_at, given = 0.0, 0.0
    for frame in clip:
        yield frame
        # The clock starts after the first frame was taken: a closed gate may have held it.
        began_at = began_at or clock()
        given += frame.duration
        # Never without a turn for the loop: the frame just given shall play before the next one is worked on.
        await asyncio.sleep(max(0.0, given - _AHEAD_SECONDS - (clock() - began_at)))
