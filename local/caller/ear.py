"""Who speaks when, at the caller's ear: from the recorded audio alone, in frames of 10 ms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from local.caller.band import FRAME, Samples
from local.caller.clipping import clipped_ms

FRAME_MS = 10
AUDIBLE_DBFS = -45.0
"""A frame is audible when its RMS reaches this. A voice lies at -30 to -15, what a codec makes of silence below -70."""
CLOSED_HOLE_MS = 300
"""Pauses up to this length belong to the sentence around them."""
SHORTEST_MS = 30
"""A shorter sound is a click, not speech."""

AUDIBLE_RMS = 32768.0 * 10 ** (AUDIBLE_DBFS / 20)

Reference = Callable[[str], Samples | None]
"""The agents' voice saying a text, at 48 kHz; None when it cannot be had."""


@dataclass(frozen=True, slots=True)
class Speech:
    """An uninterrupted stretch of one speaker. Frames of 10 ms; ``end`` is the first frame after it."""

    speaker: str
    start: int
    end: int

    @property
    def start_ms(self) -> int:
        return self.start * FRAME_MS

    @property
    def end_ms(self) -> int:
        return self.end * FRAME_MS


@dataclass(frozen=True, slots=True)
class Change:
    """One agent follows another at the ear."""

    giver: str
    taker: str
    at_ms: int
    """The taker's first audible frame."""
    gap_ms: int
    """From the end of the giver's last audible frame to the taker's first; 0 when they overlap."""
    overlap_ms: int
    """How long both are audible in the same frames, from here to the next change."""
    clipped_ms: int | None = None
    """How much of the beginning of the taker's first sentence is missing; None when there is nothing to compare with."""


def levels(track: Samples) -> npt.NDArray[np.float64]:
    """RMS of each whole 10 ms frame, in int16 units."""
    whole = track[: track.size - track.size % FRAME].reshape(-1, FRAME).astype(np.float64)
    return np.asarray(np.sqrt(np.mean(whole * whole, axis=1))) if whole.size else np.zeros(0)


def audible(track: Samples) -> npt.NDArray[np.bool_]:
    """Which 10 ms frames have something to hear in them."""
    return levels(track) >= AUDIBLE_RMS


def is_audible(frame: Samples) -> bool:
    """The same for one frame, as it comes in."""
    x = frame.astype(np.float32)
    return float(np.dot(x, x)) >= AUDIBLE_RMS * AUDIBLE_RMS * frame.size


def speech_of(speaker: str, track: Samples, *, closed_hole_ms: int = CLOSED_HOLE_MS) -> list[Speech]:
    """The stretches in which this track speaks, holes up to ``closed_hole_ms`` closed, clicks left out."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], audible(track), [False]]).astype(np.int8)))
    sounds = [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if (b - a) * FRAME_MS >= SHORTEST_MS]
    closed: list[tuple[int, int]] = []
    for start, end in sounds:
        if closed and (start - closed[-1][1]) * FRAME_MS <= closed_hole_ms:
            closed[-1] = (closed[-1][0], end)
        else:
            closed.append((start, end))
    return [Speech(speaker, start, end) for start, end in closed]


def who_speaks_when(tracks: Mapping[str, Samples]) -> list[Speech]:
    """All stretches of all speakers, by their beginning."""
    found = [speech for speaker, track in tracks.items() for speech in speech_of(speaker, track)]
    return sorted(found, key=lambda s: (s.start, s.end, s.speaker))


def changes(
    tracks: Mapping[str, Samples], *, first_words: Mapping[str, str] | None = None, reference: Reference | None = None
) -> list[Change]:
    """Each change of speaker among the agents, in order.

    ``first_words`` gives, per agent, the first sentence that it said; with ``reference`` it tells how much of its beginning
    was not heard.
    """
    speeches = who_speaks_when(tracks)
    turns = [(before, after) for before, after in pairwise(speeches) if before.speaker != after.speaker]
    found: list[Change] = []
    for index, (_, after) in enumerate(turns):
        giver = turns[index][0].speaker
        until = turns[index + 1][1].start if index + 1 < len(turns) else None
        giver_end = max(s.end for s in speeches if s.speaker == giver and s.start <= after.start)
        both = audible(tracks[giver])[after.start : until] & audible(tracks[after.speaker])[after.start : until]
        found.append(
            Change(
                giver=giver,
                taker=after.speaker,
                at_ms=after.start_ms,
                gap_ms=max(0, (after.start - giver_end) * FRAME_MS),
                overlap_ms=int(both.sum()) * FRAME_MS,
                clipped_ms=_clipped(after, tracks, speeches, first_words or {}, reference),
            )
        )
    return found


def _clipped(
    speech: Speech,
    tracks: Mapping[str, Samples],
    speeches: list[Speech],
    first_words: Mapping[str, str],
    reference: Reference | None,
) -> int | None:
    """Only an agent's very first stretch can be compared: it is the one whose words we know."""
    is_first = next(s for s in speeches if s.speaker == speech.speaker) is speech
    words = first_words.get(speech.speaker, "")
    if reference is None or not is_first or not words:
        return None
    spoken = reference(words)
    if spoken is None:
        return None
    return clipped_ms(tracks[speech.speaker][speech.start * FRAME : speech.end * FRAME], spoken)
