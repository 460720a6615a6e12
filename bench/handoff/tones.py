"""Tones in place of voices: of a known length, told apart by pitch, and never the same twice.

A pure tone looks alike everywhere, so nobody could tell how much of its beginning is missing. These change their pitch every 20 ms
in an order that each word decides, which lays a heard piece to its place in the sentence as speech would; and a text that is
spoken in pieces sounds the same as in one.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

RATE = 24_000
"""Hz, as OpenAI's speech API sends it."""
STEP_SECONDS = 0.02
"""A character of a word, or the space after it, lasts this long."""
PITCHES_HZ = {"alloy": range(400, 801, 50), "onyx": range(1200, 2001, 50)}
"""By the voice's name. Whole periods in each step, so that no step begins or ends with a click."""
_OTHER_HZ = range(2400, 3001, 50)
_LOUDNESS = 10_000
"""Amplitude in int16 steps: -10 dBFS."""


def seconds_of(text: str) -> float:
    """How long the tone for ``text`` lasts: proportional to its characters."""
    return sum(len(word) + 1 for word in text.split()) * STEP_SECONDS


def tone(text: str, voice: str) -> Samples:
    """The sentence as a tone, mono at ``RATE``; audible from its first sample to its last."""
    pitches = PITCHES_HZ.get(voice, _OTHER_HZ)
    at = np.arange(int(RATE * STEP_SECONDS)) / RATE
    melodies = [np.random.default_rng(zlib.crc32(w.encode())).choice(pitches, len(w) + 1) for w in text.split()]
    melody = np.concatenate([np.zeros(0), *melodies])
    waves = np.sin(2 * np.pi * melody[:, None] * at[None, :])
    return np.asarray(np.rint(waves.reshape(-1) * _LOUDNESS), dtype=np.int16)
