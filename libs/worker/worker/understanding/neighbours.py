"""What the sentences nearest to one are about: the training sentences as short vectors, and a vote of the twenty nearest.

A regression generalises and a neighbour remembers: together they make a sixth fewer errors on phrases that neither
has seen (understood: 90.6 % by regression, 88.7 % by neighbours, 92.1 % by both; bench/intent).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_SHORT = 128
"""Numbers kept of a vector's 384, along the axes in which sentences differ most; costs no accuracy."""
_STEP = 300
"""A number of a short vector is kept as a whole number of 1/300."""
_NEAREST = 20
_NEARNESS = 0.07
"""Similarity by which a neighbour's vote grows e-fold."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """``axes`` and ``middle`` make a vector short; ``places`` are the sentences, ``labels`` their labels' numbers."""

    middle: Floats
    axes: Floats
    places: Floats
    labels: npt.NDArray[np.int8]
    votes: Floats
    """Of one sentence of each label: the fewer sentences a label has, the more each counts."""

    def likely(self, vectors: Floats) -> Floats:
        """For each vector (a row) how likely it has each label; a row adds up to 1."""
        near = _short(vectors, self.middle, self.axes) @ self.places.T
        nearest = np.argpartition(-near, _NEAREST, axis=1)[:, :_NEAREST]
        similarity = np.take_along_axis(near, nearest, axis=1)
        labels = self.labels[nearest]
        weights = np.exp((similarity - similarity.max(axis=1, keepdims=True)) / _NEARNESS) * self.votes[labels]
        counted = np.zeros((len(vectors), len(self.votes)), np.float32)
        np.add.at(counted, (np.arange(len(vectors))[:, None], labels), weights)
        return np.asarray(counted / counted.sum(axis=1, keepdims=True))

    def kept(self) -> dict[str, npt.NDArray[np.generic]]:
        """As small arrays for a file."""
        return {
            "middle": self.middle.astype(np.float16),
            "axes": self.axes.astype(np.float16),
            "places": np.rint(self.places * _STEP).clip(-127, 127).astype(np.int8),
            "labels": self.labels,
        }


def from_kept(kept: Mapping[str, npt.NDArray[np.generic]], classes: int) -> Neighbours:
    """What `kept` has made, ready to vote."""
    labels = np.asarray(kept["labels"], np.int8)
    share = 1 / np.bincount(labels, minlength=classes).clip(1)
    return Neighbours(
        np.asarray(kept["middle"], np.float32),
        np.asarray(kept["axes"], np.float32),
        np.asarray(np.asarray(kept["places"], np.float32) / _STEP, np.float32),
        labels,
        np.asarray(share / share.mean(), np.float32),
    )


def of_sentences(vectors: Floats, labels: npt.NDArray[np.integer], classes: int) -> Neighbours:
    """The neighbours that these vectors with their labels' numbers are, exactly as they come back from a file."""
    middle = vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(vectors - middle, full_matrices=False)
    axes = np.asarray(directions[:_SHORT].T, np.float32)
    places = _short(vectors, middle, axes)
    unfinished = Neighbours(middle, axes, places, labels.astype(np.int8), np.ones(classes, np.float32))
    return from_kept(unfinished.kept(), classes)


def _short(vectors: Floats, middle: Floats, axes: Floats) -> Floats:
    short = (vectors - middle) @ axes
    return np.asarray(short / np.linalg.norm(short, axis=1, keepdims=True), np.float32)
