"""`python -m bench.intent.train`: makes the classifier's weights from data/train and data/templates.yaml, the same ones every time.

Sentences that nearly stand in the sets for measuring (cosine of 0.9 or more) are left out first. With --folds the hand-written sentences
are also judged by weights that have not seen them nor anything near them: a harder test than the held-out set, since each is the
only one of its kind.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from worker.understanding import keywords
from worker.understanding.classifier import LABELS, WEIGHTS, combine, features, save
from worker.understanding.encoder import SIZE, Encoder
from worker.understanding.intent import SURE
from worker.understanding.neighbours import Neighbours, of_sentences
from worker.understanding.wording import pairs_and_words, plain

from bench.intent.regression import Matrix, fit, predict
from bench.intent.sentences import HELD_OUT, TUNING, Sentence, from_templates, hand_written, read

STRENGTH = 4.0
"""Of 1 to 100 tried: unseen phrases were understood best from 3 to 5."""
SHARPNESS = 1.5
"""Factor on the scores: at it, 95 % of unseen in-scope phrases reach the confidence of 0.5 (--folds)."""
NEAR = 0.9
_WORD_SEEN_MIN = 4
_IN_SCOPE = len(keywords.INTENTS)


@dataclass(frozen=True, slots=True)
class Examples:
    """Features and labels, row by row; ``written`` tells the hand-written rows from the templates'."""

    features: Matrix
    labels: npt.NDArray[np.intp]
    written: npt.NDArray[np.bool_]

    def only(self, rows: npt.NDArray[np.bool_]) -> Examples:
        """Those rows."""
        return Examples(self.features[rows], self.labels[rows], self.written[rows])

    def near(self, others: Matrix) -> npt.NDArray[np.bool_]:
        """Which rows say nearly the same as one of the others."""
        return np.asarray((self.features[:, :SIZE] @ others[:, :SIZE].T).max(axis=1) >= NEAR)


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the weights beside the encoder's vocabulary; 0 when done. Raises ModelProblem without the model's package."""
    parser = argparse.ArgumentParser(prog="python -m bench.intent.train", description=__doc__)
    parser.add_argument(
        "--folds", type=int, default=0, metavar="N", help="judge unseen phrases in N rounds first (5 take minutes)"
    )
    options = parser.parse_args(arguments)
    examples, words, left_out = gather()
    print(
        f"{len(examples.labels)} sentences, {int(examples.written.sum())} of them by hand; {left_out} left out, too near the measured ones"
    )
    if options.folds > 1:
        print(judge_unseen(examples, options.folds))
    save(words, train(examples) * SHARPNESS, remembered(examples))
    print(f"written: {WEIGHTS.name}, {WEIGHTS.stat().st_size / 1024:.0f} KB, {len(words)} words and pairs")
    return 0


def gather() -> tuple[Examples, list[str], int]:
    """The training examples, the words among their features, and how many were left out."""
    encoder = Encoder()
    written, made = hand_written(), from_templates()
    sentences = [*written, *made]
    words = _frequent_words(sentences)
    seen = _features(sentences, words, encoder)
    labels = np.array([LABELS.index(sentence.label) for sentence in sentences])
    examples = Examples(seen, labels, np.arange(len(sentences)) < len(written))
    near = examples.near(_features([*read(HELD_OUT), *read(TUNING)], words, encoder))
    return examples.only(~near), words, int(near.sum())


def train(examples: Examples) -> Matrix:
    """The weights for these examples."""
    return fit(examples.features, examples.labels, len(LABELS), strength=STRENGTH)


def remembered(examples: Examples) -> Neighbours:
    """The hand-written sentences; the templates' are too much alike to vote."""
    written = examples.only(examples.written)
    return of_sentences(written.features[:, :SIZE], written.labels, len(LABELS))


def judge_unseen(examples: Examples, folds: int) -> str:
    """How hand-written sentences are understood by weights that never saw them, nor their near duplicates."""
    fold = np.random.default_rng(0).integers(0, folds, len(examples.labels))
    likely, wanted = [], []
    for number in range(folds):
        asked = examples.only(examples.written & (fold == number))
        rest = examples.only(~examples.near(asked.features))
        scores = predict(train(rest), asked.features) * SHARPNESS
        likely.append(combine(scores, remembered(rest).likely(asked.features[:, :SIZE])))
        wanted.append(asked.labels)
    return _verdict(np.vstack(likely), np.concatenate(wanted))


def _verdict(likely: Matrix, wanted: npt.NDArray[np.intp]) -> str:
    inside = wanted < _IN_SCOPE
    sure = np.sqrt(likely[:, :_IN_SCOPE].sum(axis=1) * likely[:, :_IN_SCOPE].max(axis=1))
    right = likely[:, :_IN_SCOPE].argmax(axis=1) == wanted
    enough = np.quantile(sure[inside], 0.05)
    refused = (sure[wanted == LABELS.index("out_of_scope")] < enough).mean()
    return (
        f"unseen phrases: {right[inside].mean():.1%} of {inside.sum()} in-scope understood, {(sure[inside] >= SURE).mean():.1%} surely; "
        f"at a confidence of {enough:.2f} 95 % of them are kept and {refused:.1%} of out-of-scope is refused"
    )


def _frequent_words(sentences: Sequence[Sentence]) -> list[str]:
    seen = Counter(word for sentence in sentences for word in pairs_and_words(plain(sentence.text)))
    return sorted(word for word, times in seen.items() if times >= _WORD_SEEN_MIN)


def _features(sentences: Sequence[Sentence], words: Sequence[str], encoder: Encoder) -> Matrix:
    places = {word: place for place, word in enumerate(words)}
    said = [plain(sentence.text) for sentence in sentences]
    return np.array([features(text, encoder.vector(text), places) for text in said], dtype=np.float32)


if __name__ == "__main__":
    sys.exit(main())
