"""From the recording of a call to the figures of its handoff, at the caller's ear; the mesh's and the baseline's alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from local.caller import Recording, service_of
from local.caller.band import FRAME, RATE, Samples
from local.caller.ear import FRAME_MS, Change, audible, changes

Signal = npt.NDArray[np.float64]

GIVER, TAKER = "triage", "billing"
_SEARCH_RATE = 8_000
_PIECES_SECONDS = ((0.0, 0.8), (0.0, 0.4), (0.3, 0.4), (0.7, 0.4), (1.1, 0.4))
"""Beginning and length of the pieces of the opening that are looked for, in turn, in the track of an agent that changed its voice:
a busy machine's jitter buffer stretches sound here and there, and one piece will have been left alone."""
_SURE = 0.6
"""Normalised correlation from which the opening is found; what is not there gives below 0.4."""
_NEAR_MS = 150
"""How far the stretching may have moved the opening from where a later piece puts it."""


_LATE_MS = 300
"""By how much holes and stretching may make the opening longer."""


class NotHeard(Exception):
    """The handoff was not heard at the ear; the message says what was."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One handoff at the ear, milliseconds; times on the recording's time line."""

    gap_ms: int
    overlap_ms: int
    clipped_ms: int | None
    """Missing at the beginning of the opening; None when it could not be laid against the whole sentence."""
    shorter_ms: int
    """By how much the opening was heard for less long than it lasts: what is missing anywhere in it (negative: longer)."""
    giver_end_ms: int
    taker_start_ms: int


def of_mesh(recording: Recording, opening: Samples) -> Figures:
    """Giver and taker are two participants, so two tracks. Raises NotHeard."""
    tracks = {service_of(identity): track for identity, track in recording.agents.items()}
    return _figures(tracks, opening)


def of_one_worker(recording: Recording, opening: Samples) -> Figures:
    """Both voices are in one track: it is cut where the opening begins. Raises NotHeard."""
    if len(recording.agents) != 1:
        raise NotHeard(f"{len(recording.agents)} agents were heard instead of one")
    track = next(iter(recording.agents.values()))
    cut = place_of(opening, track)
    if cut is None:
        raise NotHeard("the opening was not heard")
    giver, taker = track.copy(), track.copy()
    giver[cut:] = 0
    taker[:cut] = 0
    return _figures({GIVER: giver, TAKER: taker}, opening)


def _figures(tracks: Mapping[str, Samples], opening: Samples) -> Figures:
    found = changes(tracks, first_words={TAKER: "opening"}, reference=lambda _: opening)
    change = next((c for c in found if (c.giver, c.taker) == (GIVER, TAKER)), None)
    if change is None:
        raise NotHeard(f"no change of voice was heard; heard: {', '.join(sorted(tracks)) or 'nobody'}")
    return Figures(
        gap_ms=change.gap_ms,
        overlap_ms=change.overlap_ms,
        clipped_ms=change.clipped_ms,
        shorter_ms=_length_ms(opening) - _heard_ms(tracks[TAKER], opening, change),
        giver_end_ms=change.at_ms - change.gap_ms,
        taker_start_ms=change.at_ms,
    )


def _length_ms(sentence: Samples) -> int:
    frames = np.flatnonzero(audible(sentence))
    return int(frames[-1] - frames[0] + 1) * FRAME_MS if frames.size else 0


def _heard_ms(track: Samples, opening: Samples, change: Change) -> int:
    """From the taker's first audible frame to the last that can still belong to the opening; nothing is said right after it."""
    begins = change.at_ms // FRAME_MS
    frames = np.flatnonzero(audible(track)[begins : begins + (_length_ms(opening) + _LATE_MS) // FRAME_MS])
    return int(frames[-1] + 1) * FRAME_MS if frames.size else 0


def place_of(sentence: Samples, track: Samples) -> int | None:
    """The sample of ``track`` at which ``sentence`` begins, also when its very beginning is missing; None: not in it."""
    spoken, heard = _slow(sentence), _slow(track)
    loud = np.flatnonzero(np.abs(spoken) > 0.01)
    for begins, seconds in _PIECES_SECONDS if loud.size else ():
        offset = int(loud[0]) + int(begins * _SEARCH_RATE)
        piece = spoken[offset : offset + int(seconds * _SEARCH_RATE)]
        at, score = _best_fit(piece, heard)
        if score >= _SURE:
            return _nearest_onset(track, max(0, at - int(begins * _SEARCH_RATE)) * RATE // _SEARCH_RATE)
    return None


def _best_fit(piece: Signal, heard: Signal) -> tuple[int, float]:
    """Where in ``heard`` the piece fits best, and how well (normalised correlation)."""
    if not piece.size or heard.size < piece.size:
        return 0, 0.0
    size = 1 << (heard.size + piece.size).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(piece, size)), size)
    energy = np.concatenate([[0.0], np.cumsum(heard * heard)])
    local = energy[piece.size :] - energy[: -piece.size]
    score = product[: local.size] / np.sqrt(np.maximum(local, 1e-4) * max(float(piece @ piece), 1e-6))
    best = int(np.argmax(score))
    return best, float(score[best])


def _nearest_onset(track: Samples, at: int) -> int:
    """The first sample after the silence whose end lies nearest to ``at``; ``at`` itself when there is none near."""
    is_heard = audible(track)
    onsets = np.flatnonzero(is_heard[1:] & ~is_heard[:-1]) + 1
    near = [int(o) for o in onsets if abs(o - at / FRAME) * FRAME_MS <= _NEAR_MS]
    return min(near, key=lambda o: abs(o - at / FRAME)) * FRAME if near else at


def _slow(samples: Samples) -> Signal:
    return np.asarray(soxr.resample(samples.astype(np.float64) / 32768.0, RATE, _SEARCH_RATE, quality="HQ"))
