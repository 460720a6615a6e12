"""What a sentence is about: one of five intents, out of scope, or an answer in a dialogue.

A logistic regression over its vector, its keywords and its words, and the vote of the training sentences nearest to it, each as
strong as the other. Both are made by `python -m bench.intent.train` and kept beside the encoder's vocabulary.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from worker.understanding import keywords
from worker.understanding.encoder import DATA, MODEL_SHA256, SIZE, Encoder, ModelMissing, ModelProblem, Vector
from worker.understanding.neighbours import Floats, Neighbours, from_kept
from worker.understanding.wording import pairs_and_words, plain

__all__ = [
    "ANSWER",
    "LABELS",
    "OUT_OF_SCOPE",
    "ModelProblem",
    "combine",
    "features",
    "preload",
    "probabilities",
    "save",
]

OUT_OF_SCOPE, ANSWER = "out_of_scope", "answer"
LABELS = (*keywords.INTENTS, OUT_OF_SCOPE, ANSWER)
WEIGHTS = DATA / "weights.npz"

_KEYWORD_SHARE = 0.5
"""How large the keywords' weights (0 to 1) stand beside the vector, and beside the words, of length 1 each."""
_NEVER_ZERO = 1e-3
"""Added to each likelihood: none of the two may rule a label out alone."""
_KEPT = 64
"""Readings kept: a playbook asks several times about the same words, and about their clauses."""

_log = logging.getLogger(__name__)


class Classifier:
    """The encoder and the weights. Raises ModelProblem (ModelMissing without the model's package)."""

    def __init__(self) -> None:
        self._encoder = Encoder()
        self._words, self._weights, self._neighbours = _load()

    def probabilities(self, text: str) -> dict[str, float]:
        """How likely the text has each label; they add up to 1."""
        said = plain(text)
        vector = self._encoder.vector(said)
        scores = features(said, vector, self._words)[None] @ self._weights[:-1] + self._weights[-1]
        likely = combine(scores, self._neighbours.likely(vector[None]))[0]
        return dict(zip(LABELS, likely.tolist(), strict=True))


def preload() -> bool:
    """Loads the model now, before the first call needs it (about 0.3 s); False without its package. Raises ModelProblem."""
    return _loaded() is not None


@lru_cache(maxsize=_KEPT)
def probabilities(text: str) -> Mapping[str, float] | None:
    """How likely the text has each label, or None without the model's package. Raises ModelProblem."""
    classifier = _loaded()
    return classifier.probabilities(text) if classifier is not None else None


def features(said: str, vector: Vector, words: Mapping[str, int]) -> Floats:
    """What the regression sees: the vector of a plain text, its keywords, and which of ``words`` (and pairs of words) it holds."""
    weights = keywords.weights(said)
    found = [words[word] for word in pairs_and_words(said) if word in words]
    held = np.zeros(len(words), np.float32)
    held[found] = 1 / np.sqrt(len(found)) if found else 0.0
    return np.concatenate([vector, np.array([weights[i] * _KEYWORD_SHARE for i in keywords.INTENTS], np.float32), held])


def combine(scores: Floats, voted: Floats) -> Floats:
    """The regression's scores and the neighbours' votes (rows of labels) as one: their geometric mean, each row adding up to 1."""
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    both = np.sqrt((likely + _NEVER_ZERO) * (voted + _NEVER_ZERO))
    return np.asarray(both / both.sum(axis=1, keepdims=True), np.float32)


def save(words: Sequence[str], weights: Floats, neighbours: Neighbours) -> None:
    """Keeps what training has made; ``weights`` has a row for each feature and one more for the bias, a column for each label."""
    listed = np.frombuffer("\n".join(words).encode(), np.uint8)
    kept: dict[str, npt.NDArray[Any]] = {
        "weights": weights.astype(np.float16),
        "words": listed,
        "model_sha256": np.array(MODEL_SHA256),
    }
    np.savez_compressed(WEIGHTS, allow_pickle=False, **(kept | neighbours.kept()))


@cache
def _loaded() -> Classifier | None:
    try:
        return Classifier()
    except ModelMissing as problem:
        _log.warning("%s", problem)
        return None


def _load() -> tuple[dict[str, int], Floats, Neighbours]:
    with np.load(WEIGHTS, allow_pickle=False) as kept:
        made_for, weights = str(kept["model_sha256"]), np.asarray(kept["weights"], np.float32)
        words = kept["words"].tobytes().decode().split("\n")
        neighbours = from_kept(kept, len(LABELS))
    if made_for != MODEL_SHA256 or weights.shape != (SIZE + len(keywords.INTENTS) + len(words) + 1, len(LABELS)):
        raise ModelProblem(f"{WEIGHTS.name} was made for another model: run `python -m bench.intent.train`")
    return {word: place for place, word in enumerate(words)}, weights, neighbours
