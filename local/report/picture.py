"""The picture of a call: both tracks on one time line, drawn as SVG, coloured by who speaks."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from local.caller.band import FRAME, Samples

COLUMNS = 1_600
"""Most columns a track is drawn with; more cannot be told apart on a screen."""
HEIGHT = 100.0
"""Height of one lane in the picture's own units; the page stretches it."""
_FLOOR_DB = -54.0


def lane(tracks: Mapping[str, Samples], *, label: str) -> str:
    """One lane: the loudness of each track over the whole length, as a shape around the middle line.

    ``tracks`` maps a CSS class to its audio; all of the same length. The loudness is drawn in decibels, as ears work.
    """
    longest = max((track.size for track in tracks.values()), default=0)
    columns = max(2, min(COLUMNS, longest // FRAME))
    shapes = "".join(
        f'<path class="wave {name}" d="{_shape(_loudness(track, columns))}"/>' for name, track in tracks.items()
    )
    return (
        f'<svg class="lane" role="img" aria-label="{label}" viewBox="0 0 {columns} {HEIGHT:g}" preserveAspectRatio="none">'
        f'<path class="axis" d="M0 {HEIGHT / 2:g}H{columns}"/>{shapes}</svg>'
    )


def _loudness(track: Samples, columns: int) -> npt.NDArray[np.float64]:
    """0 (silence) to 1 (full scale) for each column: the loudest 10 ms in it."""
    frames = track[: track.size - track.size % FRAME].reshape(-1, FRAME).astype(np.float64)
    if not len(frames):
        return np.zeros(columns)
    rms = np.sqrt(np.mean(frames * frames, axis=1)) / 32768.0
    edges = np.linspace(0, len(rms), columns + 1).astype(int)
    loudest = np.array([rms[a : max(b, a + 1)].max() for a, b in pairwise(edges.tolist())])
    return np.asarray(np.clip(1.0 - 20 * np.log10(np.maximum(loudest, 1e-6)) / _FLOOR_DB, 0.0, 1.0))


def _shape(loudness: npt.NDArray[np.float64]) -> str:
    """A closed outline for each stretch that is not silent: out along the top, back along the bottom."""
    parts: list[str] = []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loudness > 0.01, [False]]).astype(np.int8)))
    for start, end in edges.reshape(-1, 2).tolist():
        reach = loudness[start:end] * HEIGHT / 2 * 0.94
        top = [f"{start + i} {HEIGHT / 2 - r:.1f}H{start + i + 1}" for i, r in enumerate(reach)]
        bottom = [f"{start + i + 1} {HEIGHT / 2 + r:.1f}H{start + i}" for i, r in reversed(list(enumerate(reach)))]
        parts.append("M" + "L".join([*top, *bottom]) + "Z")
    return "".join(parts)
