"""Was a caller asked twice? Questions are told apart by what they ask for, else by their words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from handoff.call import Fact

from local.eval.conversation import Patterns
from local.eval.evidence import Said

_ASKS = r"\b(?:what|which|tell|give|read|have|get|know|need|share|provide|say|spell|repeat|confirm)\b.{0,60}"
_KINDS = {
    "account_id": re.compile(_ASKS + r"\baccount (?:ID|number)", re.IGNORECASE),
    "postal_code": re.compile(_ASKS + r"\b(?:ZIP|postal code)", re.IGNORECASE),
    "error_message": re.compile(_ASKS + r"\berror\b", re.IGNORECASE),
    "product": re.compile(r"\b(?:which|what)\b.{0,30}\bproducts?\b", re.IGNORECASE),
    "steps_tried": re.compile(r"\bwhat have you (?:already )?tried\b|\bhave you tried anything\b", re.IGNORECASE),
    "company_size": re.compile(
        r"\bhow many (?:people|seats|employees|users)\b|\bhow (?:big|large)\b.{0,30}\b(?:team|company)\b", re.IGNORECASE
    ),
    "current_plan": re.compile(r"\b(?:which|what) plan (?:are you|do you have)\b", re.IGNORECASE),
    "date": re.compile(r"\b(?:which|what) (?:month|invoice)\b", re.IGNORECASE),
}
"""What callers are asked for, by the name of the fact that answers it."""
_MAY_COME_AGAIN = re.compile(
    r"\banything else\b|\b(?:can|may|could) I (?:help|do)\b|\bstill there\b|\bis that (?:right|correct)\b|\b(?:right|correct)\?$",
    re.IGNORECASE,
)
"""Offers and confirmations, which are no question for something new."""
_ASKED_TO_REPEAT = re.compile(
    r"\b(?:what did you (?:say|ask)|say (?:that|it) again|pardon|come again|repeat|didn't (?:catch|hear)|what was that|hold on|one (?:second|moment))\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.?!]+[.?!]*")


def questions(text: str) -> list[str]:
    """The sentences that ask."""
    return [s.strip() for s in _SENTENCE.findall(text) if s.strip().endswith("?")]


def kind(question: str) -> str | None:
    """The fact that the question asks for; None when it is none of the usual ones."""
    return next((name for name, pattern in _KINDS.items() if pattern.search(question)), None)


def asked_twice(said: Iterable[Said], may_come_again: Patterns = ()) -> list[str]:
    """One sentence for each question that was asked again without need."""
    asked: dict[str, Said] = {}
    found: list[str] = []
    excused = False
    for utterance in said:
        if utterance.is_caller:
            excused = utterance.mumbled or bool(_ASKED_TO_REPEAT.search(utterance.text))
            continue
        for question in questions(utterance.text):
            if _MAY_COME_AGAIN.search(question) or any(p.search(question) for p in may_come_again):
                continue
            what = kind(question) or _words(question)
            before = asked.get(what)
            asked[what] = utterance
            if before is not None and not excused:
                whom = "" if before.service == utterance.service else f" (after {before.service})"
                found.append(f"{utterance.service} asked again{whom}: {question!r}")
    return found


def asked_what_was_known(
    said: Iterable[tuple[Said, float]], facts: Iterable[Fact], excused: Patterns = ()
) -> list[str]:
    """One sentence for each question for a fact that was known when it was asked; with each utterance, when it was said."""
    known: dict[str, float] = {}
    for fact in facts:
        known[fact.name] = min(fact.learned_at, known.get(fact.name, fact.learned_at))
    found = []
    for utterance, spoken_at in said:
        for question in [] if utterance.is_caller else questions(utterance.text):
            what = kind(question)
            if what in known and known[what] < spoken_at and not any(p.search(question) for p in excused):
                found.append(f"{utterance.service} asked for the {what}, which was known: {question!r}")
    return found


def _words(question: str) -> str:
    return " ".join(re.findall(r"[a-z0-9']+", question.lower()))
