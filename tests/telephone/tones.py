"""Voices of tests without speech: everybody is a tone, and a listener tells who was heard."""

from __future__ import annotations

import numpy as np

_LOUD = 0.3
_WINDOW_SECONDS = 0.2
_PURE = 0.35
"""A window belongs to a tone that has so much of its energy."""
_QUIET = 200.0
"""Below this root mean square, in int16 steps, nobody is heard."""


def tone(pitch_hz: float, seconds: float, rate: int) -> np.ndarray:
    """Mono int16 samples."""
    at = np.arange(int(rate * seconds)) / rate
    return (np.sin(2 * np.pi * pitch_hz * at) * _LOUD * 32767).astype(np.int16)


def heard_seconds(samples: np.ndarray, pitch_hz: float, rate: int) -> float:
    """For how long that tone was among what was heard."""
    size = int(rate * _WINDOW_SECONDS)
    windows = samples[: len(samples) // size * size].reshape(-1, size).astype(np.float64)
    count = sum(_has(window, pitch_hz, rate) for window in windows)
    return count * _WINDOW_SECONDS


def _has(window: np.ndarray, pitch_hz: float, rate: int) -> bool:
    if np.sqrt(np.mean(window**2)) < _QUIET:
        return False
    spectrum = np.abs(np.fft.rfft(window * np.hanning(len(window)))) ** 2
    pitches = np.fft.rfftfreq(len(window), 1 / rate)
    near = spectrum[np.abs(pitches - pitch_hz) < 25].sum()
    return bool(near > _PURE * spectrum.sum())
