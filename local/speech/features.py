"""Whisper's ears: 16 kHz audio to the log-mel spectrogram it was trained on, in numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
HOP = 160
"""Samples a frame: 10 ms."""
_FFT = 400
_MELS = 80
_LEAST = 1e-10
"""Power of silence: its logarithm must be finite."""

Float = NDArray[np.float32]


def log_mel(samples: Float, frames: int) -> Float:
    """(80, ``frames``) of the first ``frames`` * 10 ms of ``samples`` (-1 to 1 at 16 kHz), silence after their end.

    The silence is not computed but known: for 3 s of speech in a window of 15 s that is 11 of 13 ms.
    """
    said = samples[: frames * HOP]
    sounding = min(frames, (said.size + _FFT // 2) // HOP + 1)
    padded = np.zeros(frames * HOP, np.float32)
    padded[: said.size] = said
    padded = np.pad(padded, _FFT // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::HOP][:sounding] * _WINDOW
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2
    mel = np.full((_MELS, frames), np.log10(_LEAST), np.float32)
    mel[:, :sounding] = np.log10(np.maximum(_FILTERS @ power.T, _LEAST))
    mel = np.maximum(mel, mel.max() - 8.0)
    return np.ascontiguousarray((mel + 4.0) / 4.0, dtype=np.float32)


def _mel_filters() -> Float:
    """Slaney's mel scale: linear below 1 kHz, logarithmic above; triangles of equal area."""
    top = 15 + np.log(RATE / 2 / 1000) / (np.log(6.4) / 27)
    mels = np.linspace(0, top, _MELS + 2)
    hertz = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((np.log(6.4) / 27) * (mels - 15)))
    widths = np.diff(hertz)
    ramps = hertz[:, None] - np.linspace(0, RATE / 2, _FFT // 2 + 1)[None]
    triangles = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]))
    return (triangles * (2 / (hertz[2:] - hertz[:-2]))[:, None]).astype(np.float32)


_FILTERS = _mel_filters()
_WINDOW = np.hanning(_FFT + 1)[:-1].astype(np.float32)
