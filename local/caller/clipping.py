"""How much of the beginning of a sentence was not heard: what arrived, laid against the whole sentence.

The beginning of what was heard is there by definition, so it is searched for in the whole sentence; how far into the sentence
it is found is what is missing. The waveform is compared first (a codec keeps it), the loudness when a jitter buffer has
stretched it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

from local.caller.band import FRAME, RATE, Samples

_RATE = 8_000
_STEP = _RATE // 100
_LEAD = _RATE // 2
"""Silence put before the sentence, so that something heard before it begins can be laid there."""
_PIECES_SECONDS = (0.5, 0.8, 0.3)
"""Lengths of the heard beginning that are tried."""
_VOICE_SECONDS = 0.5
"""What it takes to tell a voice by."""
SURE = 0.55
"""Normalised correlation from which the waveforms are the same words; chance gives below 0.4."""
_SURE_LOUDNESS = 0.8
_MUCH_WEAKER = 0.25
"""A frame counts as missing when it arrived more than 12 dB weaker than it was spoken."""
_AUDIBLE = 10 ** (-45 / 20)

Signal = npt.NDArray[np.float64]


def clipped_ms(heard: Samples, spoken: Samples) -> int | None:
    """Milliseconds, in steps of 10, of the spoken sentence's beginning that are missing in what was heard.

    ``heard`` starts with the first audible frame; both at 48 kHz. None when the two cannot be laid against each other.
    """
    ear, mouth = _slow(heard), np.concatenate([np.zeros(_LEAD), _slow(spoken)])
    offset = _by_waveform(ear, mouth)
    if offset is None:
        offset = _by_loudness(ear, mouth)
    if offset is None:
        return None
    # The frames of both now lie on each other: count the spoken ones, from the sentence's first, that did not arrive.
    grid = mouth[offset % _STEP :]
    begins = offset // _STEP
    said = _frame_levels(grid)
    got = np.concatenate([np.zeros(begins), _frame_levels(ear)])
    first = int(np.argmax(said >= _AUDIBLE)) if (said >= _AUDIBLE).any() else begins
    missing = 0
    for frame in range(first, begins):
        if said[frame] >= _AUDIBLE and got[frame] < said[frame] * _MUCH_WEAKER:
            missing = frame - first + 1
    return missing * 10


def likeness(heard: Samples, spoken: Samples) -> float:
    """How surely the beginning of ``heard`` is, wave by wave, in ``spoken``: the same words in the same voice; 1 is certain.

    Only of half a second and more: among many voices a shorter piece is found in a wrong one by chance.
    """
    ear, mouth = _slow(heard), np.concatenate([np.zeros(_LEAD), _slow(spoken)])
    pieces = [ear[: int(seconds * _RATE)] for seconds in _PIECES_SECONDS if seconds >= _VOICE_SECONDS]
    fitting = [piece for piece in pieces if int(_VOICE_SECONDS * _RATE) <= piece.size <= mouth.size]
    return max((float(_correlate(piece, mouth).max()) for piece in fitting), default=0.0)


def _slow(samples: Samples) -> Signal:
    scaled = samples.astype(np.float64) / 32768.0
    return np.asarray(soxr.resample(scaled, RATE, _RATE, quality="HQ")) if samples.size >= FRAME else np.zeros(0)


def _frame_levels(signal: Signal) -> Signal:
    whole = signal[: signal.size - signal.size % _STEP].reshape(-1, _STEP)
    return np.sqrt(np.mean(whole * whole, axis=1)) if whole.size else np.zeros(0)


def _by_waveform(ear: Signal, mouth: Signal) -> int | None:
    """Sample of ``mouth`` at which ``ear`` begins, or None when nothing fits well enough."""
    best_score, best = SURE, None
    for seconds in _PIECES_SECONDS:
        piece = ear[: int(seconds * _RATE)]
        if piece.size < int(0.2 * _RATE) or piece.size > mouth.size:
            continue
        scores = _correlate(piece, mouth)
        at = int(np.argmax(scores))
        if scores[at] > best_score:
            best_score, best = float(scores[at]), at
    return best


def _by_loudness(ear: Signal, mouth: Signal) -> int | None:
    """The same from the loudness of the frames: precise to 10 ms."""
    said, got = _frame_levels(mouth), _frame_levels(ear[: int(1.2 * _RATE)])
    if got.size < 40 or got.size > said.size:
        return None
    scores = _correlate(got - got.mean(), said - said.mean())
    at = int(np.argmax(scores))
    return at * _STEP if scores[at] >= _SURE_LOUDNESS else None


def _correlate(piece: Signal, whole: Signal) -> Signal:
    """Normalised correlation (-1 to 1) of ``piece`` with ``whole`` at each place where it fits in."""
    size = 1 << (piece.size + whole.size - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(piece, size)), size)
    product = product[: whole.size - piece.size + 1]
    energy = np.concatenate([[0.0], np.cumsum(whole * whole)])
    local = energy[piece.size :] - energy[: -piece.size]
    scale = np.sqrt(np.maximum(local, 1e-6) * max(float(piece @ piece), 1e-6))
    return np.asarray(product / scale)
