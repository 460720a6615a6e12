"""The telephone's band: 8 kHz, 300-3400 Hz, mu-law there and back (ITU-T G.711), without moving anything in time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

Samples = npt.NDArray[np.int16]
"""Mono audio; the rate is said by whoever hands it on."""

RATE = 48_000
"""The rate of everything a caller publishes, hears and records, in Hz."""
FRAME = RATE // 100
"""Samples in the 10 ms frame that everything is counted in."""

_PHONE_RATE = 8_000
_LOW_HZ, _HIGH_HZ = 300.0, 3400.0
_TAPS = 257
_MU = 255.0


def through_the_phone(samples: Samples) -> Samples:
    """What is left of 48 kHz audio after a telephone line; same length, same place in time."""
    if not samples.size:
        return samples
    narrow = soxr.resample(samples.astype(np.float32) / 32768.0, RATE, _PHONE_RATE, quality="VHQ")
    narrow = np.convolve(narrow, _band_pass(), mode="same") if narrow.size >= _TAPS else _short(narrow)
    wide = soxr.resample(_mu_law_and_back(narrow), _PHONE_RATE, RATE, quality="VHQ")
    fitted = np.zeros(samples.size, dtype=np.float64)
    count = min(samples.size, wide.size)
    fitted[:count] = wide[:count]
    return to_int16(fitted)


def to_int16(samples: npt.NDArray[np.floating]) -> Samples:
    """From -1..1 to int16; what is louder is cut off, not wrapped round."""
    return np.asarray(np.clip(np.rint(samples * 32768.0), -32768, 32767), dtype=np.int16)


def at_our_rate(samples: Samples, rate: int) -> Samples:
    """Audio of any rate at 48 kHz."""
    if rate == RATE:
        return samples
    return to_int16(soxr.resample(samples.astype(np.float32) / 32768.0, rate, RATE, quality="HQ"))


def mono(samples: npt.NDArray[np.int16]) -> Samples:
    """One channel out of one or several (frames first, as soundfile gives them)."""
    if samples.ndim == 1:
        return samples
    return np.asarray(np.rint(samples.astype(np.float64).mean(axis=1)), dtype=np.int16)


def whole_frames(samples: Samples) -> Samples:
    """Padded with silence to a whole number of 10 ms frames."""
    return np.pad(samples, (0, -samples.size % FRAME))


def _short(narrow: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    padded = np.pad(narrow, _TAPS)
    return np.convolve(padded, _band_pass(), mode="same")[_TAPS:-_TAPS]


def _band_pass() -> npt.NDArray[np.float64]:
    """Windowed sinc, linear phase: its delay is exactly half its length, which mode="same" takes out again."""
    n = np.arange(_TAPS) - (_TAPS - 1) / 2
    high = 2 * _HIGH_HZ / _PHONE_RATE * np.sinc(2 * _HIGH_HZ / _PHONE_RATE * n)
    low = 2 * _LOW_HZ / _PHONE_RATE * np.sinc(2 * _LOW_HZ / _PHONE_RATE * n)
    return np.asarray((high - low) * np.hamming(_TAPS))


def _mu_law_and_back(samples: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    x = np.clip(samples, -1.0, 1.0)
    code = np.rint(np.sign(x) * np.log1p(_MU * np.abs(x)) / np.log1p(_MU) * 127.0)
    y = code / 127.0
    return np.asarray(np.sign(y) * np.expm1(np.abs(y) * np.log1p(_MU)) / _MU)
