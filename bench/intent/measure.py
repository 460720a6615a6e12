"""What is counted for a set of labelled sentences: understood, routed, refused, and how long it takes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from worker.understanding import classifier
from worker.understanding.classifier import ANSWER, OUT_OF_SCOPE
from worker.understanding.intent import best_guess, find_intents, is_out_of_scope
from worker.understanding.keywords import INTENTS
from worker.understanding.wording import is_bare_answer

from bench.intent.sentences import Sentence

ASKED = "asked"
"""In the table: no intent was sure, so the caller is asked."""
ELSEWHERE = "elsewhere"
"""In the table: recognised as out of scope."""
KEPT = 0.95


@dataclass(frozen=True, slots=True)
class Judged:
    """One sentence and what the product makes of it."""

    sentence: Sentence
    guess: str
    """The likeliest intent, however unsure."""
    confidence: float
    intents: tuple[str, ...]
    elsewhere: bool
    milliseconds: float

    @property
    def outcome(self) -> str:
        """An intent, `asked`, or `elsewhere`."""
        return self.intents[0] if self.intents else ELSEWHERE if self.elsewhere else ASKED


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares from 0 to 1 (None without such sentences), counts, and milliseconds."""

    in_scope: int
    understood: float | None
    """Of in-scope: the likeliest intent is the right one."""
    routed: float | None
    """Of in-scope: an intent is sure, and it is the right one."""
    asked: float | None
    """Of in-scope: nothing is sure, so the caller is asked, or told that this is something else."""
    misrouted: float | None
    several: float | None
    """Of in-scope: more than one intent is found in what was written as one."""
    out_of_scope: int
    refused: float | None
    """Of out-of-scope: no intent is sure."""
    recognised: float | None
    """Of out-of-scope: known to be something else, so it is answered and not asked about."""
    refused_at_kept: float | None
    """Of out-of-scope: refused at the confidence that keeps 95 % of in-scope."""
    confidence_at_kept: float
    answers: int
    answers_left_alone: float | None
    by_label: dict[str, float]
    """Understood, by label."""
    table: dict[tuple[str, str], int]
    """How often (label, outcome) came up."""
    milliseconds: tuple[float, float, float]
    """Of a turn: minimum, median, 95th percentile."""


def judge(sentences: Sequence[Sentence]) -> list[Judged]:
    """Every sentence as a caller's turn of its own, nothing remembered from one to the next."""
    classifier.preload()
    find_intents("hello there")
    return [_judge(sentence) for sentence in sentences]


def count(judged: Sequence[Judged]) -> Figures:
    """The figures of what was judged."""
    inside = [j for j in judged if j.sentence.label in INTENTS]
    outside = [j for j in judged if j.sentence.label == OUT_OF_SCOPE]
    answers = [j for j in judged if j.sentence.label == ANSWER]
    enough = float(np.quantile([j.confidence for j in inside], 1 - KEPT, method="lower")) if inside else 0.0
    times = sorted(j.milliseconds for j in judged)
    return Figures(
        in_scope=len(inside),
        understood=_share(j.guess == j.sentence.label for j in inside),
        routed=_share(j.outcome == j.sentence.label for j in inside),
        asked=_share(not j.intents for j in inside),
        misrouted=_share(bool(j.intents) and j.intents[0] != j.sentence.label for j in inside),
        several=_share(len(j.intents) > 1 for j in inside),
        out_of_scope=len(outside),
        refused=_share(not j.intents for j in outside),
        recognised=_share(j.elsewhere for j in outside),
        refused_at_kept=_share(j.confidence < enough for j in outside) if inside else None,
        confidence_at_kept=enough,
        answers=len(answers),
        answers_left_alone=_share(not j.intents and not j.elsewhere for j in answers),
        by_label={
            label: float(np.mean([j.guess == label for j in inside if j.sentence.label == label]))
            for label in INTENTS
            if any(j.sentence.label == label for j in inside)
        },
        table=dict(Counter((j.sentence.label, j.outcome) for j in judged)),
        milliseconds=(times[0], times[len(times) // 2], times[min(len(times) - 1, int(len(times) * 0.95))]),
    )


def _judge(sentence: Sentence) -> Judged:
    find_intents.cache_clear()
    classifier.probabilities.cache_clear()
    began = time.perf_counter()
    intents = find_intents(sentence.text)
    elsewhere = is_out_of_scope(sentence.text)
    took = (time.perf_counter() - began) * 1000
    guess = best_guess(sentence.text)
    confidence = 0.0 if is_bare_answer(sentence.text) else guess.confidence
    return Judged(sentence, guess.name, confidence, tuple(i.name for i in intents), elsewhere, took)


def _share(hits: Iterable[bool]) -> float | None:
    values = list(hits)
    return sum(values) / len(values) if values else None
