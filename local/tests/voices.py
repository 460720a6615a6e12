"""Made-up voices for the tests: sound with the pitch and the rhythm of speech, the same each time for the same seed."""

from __future__ import annotations

from functools import cache

import numpy as np

from local.caller.band import RATE, Samples


@cache
def voice(seconds: float, *, seed: int = 1, pitch_hz: float = 120.0, level: float = 0.4) -> Samples:
    """A voice that is audible in each 10 ms frame from its first sample to its last."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    melody = pitch_hz * (1 + 0.15 * np.sin(4.4 * t + seed) + 0.05 * np.sin(14.5 * t))
    phase = 2 * np.pi * np.cumsum(melody) / RATE
    sound = sum(np.sin(k * phase + rng.uniform(0, 6)) * np.exp(-k / 8) for k in range(1, 25))
    syllables = np.clip(0.55 + 0.45 * np.sin(25 * t + seed), 0.15, 1.0)
    shaped = sound * syllables + rng.normal(0, 0.02, t.size)
    made = (shaped / np.abs(shaped).max() * level * 32767).astype(np.int16)
    made.flags.writeable = False  # it is shared
    return made


def track(total_seconds: float, *parts: tuple[float, Samples]) -> Samples:
    """Silence of that length with sounds put in at their seconds."""
    whole = np.zeros(round(total_seconds * RATE), dtype=np.int16)
    for at_seconds, sound in parts:
        start = round(at_seconds * RATE)
        whole[start : start + sound.size] += sound
    return whole


def hiss(samples: Samples, *, dbfs: float = -62.0, seed: int = 7) -> Samples:
    """The same with the noise that a codec leaves behind."""
    noise = np.random.default_rng(seed).normal(0, 32768 * 10 ** (dbfs / 20), samples.size)
    return np.clip(samples + noise, -32768, 32767).astype(np.int16)


def like_a_codec(samples: Samples, *, seed: int = 3) -> Samples:
    """The same after a lossy codec: a little weaker, low-passed, with noise that follows the signal, 6.5 ms later within frames."""
    kernel = np.hamming(13)
    smooth = np.convolve(samples.astype(np.float64), kernel / kernel.sum(), mode="same")
    noise = np.random.default_rng(seed).normal(0, 1, samples.size) * np.abs(smooth) * 0.15
    late = np.roll(smooth * 0.93 + noise, 312)
    late[:312] = 0
    return hiss(np.clip(late, -32768, 32767).astype(np.int16), dbfs=-70)
