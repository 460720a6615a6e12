"""A voice that nobody can understand: a sentence backwards, muffled, in a room, with noise over it. Makes the caller who mumbles.

`python -m local.speech.mumble FILE.flac` writes local/callers/audio/mumble.flac's content again.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from local.speech import sound_files
from local.speech.features import Float
from local.speech.synthesis import synthesise, to_int16

_WORDS, _VOICE = "Well, I was hoping somebody could look into it for me.", "heart"
_FILE_RATE = 8_000
_MUFFLED_HZ, _ROOM_SECONDS, _NOISE_DB = 3000.0, 0.1, 25.0
"""Backwards it has the melody and the loudness of speech, so voice activity detection takes all of it for speech on the web and
by telephone; Whisper makes up words for it (average log-probability below -1.3) or hears none."""
_PEAK = 0.6


def mumbled(
    samples: Float,
    rate: int,
    *,
    muffled_hz: float = _MUFFLED_HZ,
    room_seconds: float = _ROOM_SECONDS,
    noise_db: float = _NOISE_DB,
) -> Float:
    """``samples`` backwards, as from the far end of a bathroom: echo of ``room_seconds``, nothing above ``muffled_hz``, noise
    ``noise_db`` below the voice. The same every time."""
    dice = np.random.default_rng(1)
    echo_samples = max(1, int(room_seconds * rate))
    echo = dice.standard_normal(echo_samples) * np.exp(-4 * np.arange(echo_samples) / echo_samples)
    voice = _low_pass(_convolved(samples[::-1], echo), rate, muffled_hz)
    noise = _low_pass(dice.standard_normal(samples.size), rate, muffled_hz)
    mixed = voice / _loudness(voice) + noise / _loudness(noise) / 10 ** (noise_db / 20)
    return np.asarray(mixed / np.abs(mixed).max() * _PEAK, np.float32)


def clip() -> bytes:
    """The shipped clip, as FLAC at 8 kHz."""
    samples, rate = synthesise(_WORDS, _VOICE)
    hard = mumbled(np.asarray(samples / 32768, np.float32), rate)
    return sound_files.write(to_int16(soxr.resample(hard, rate, _FILE_RATE)), _FILE_RATE, "flac")


def _convolved(samples: Float, echo: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    length = samples.size + echo.size
    product = np.fft.rfft(samples, length) * np.fft.rfft(echo, length)
    return np.asarray(np.fft.irfft(product, length)[: samples.size])


def _low_pass(samples: npt.NDArray[np.float64], rate: int, hertz: float) -> npt.NDArray[np.float64]:
    frequencies = np.fft.rfftfreq(samples.size, 1 / rate)
    slope = 1 / np.sqrt(1 + (frequencies / hertz) ** 8)
    return np.asarray(np.fft.irfft(np.fft.rfft(samples) * slope, samples.size))


def _loudness(samples: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(samples**2))) or 1.0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    Path(sys.argv[1]).write_bytes(clip())
