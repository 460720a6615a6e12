"""What a playbook says about the caller's matter in its own words: the summary for a specialist, the matter that waits."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from handoff.call import Fact, Intent, Role, Source, Turn
from handoff.directory import DIRECTORY
from handoff.redact import redact
from handoff.summary import MAX_SUMMARY_CHARS, clip, summarise

from worker.playbook.phrases import LAST_QUESTION
from worker.understanding.extract_technical import error_message, product
from worker.understanding.intent import find_intent

_PENDING = {
    "billing": "a question about your bill",
    "technical": "a technical problem",
    "sales": "a question about our plans",
    "escalation": "a complaint",
    "general": "another question",
}
_MOST_WORDS = 10
_AS_WE_SAY = {"my": "your", "our": "your", "i": "you", "we": "you", "am": "are", "me": "you"}
_YOURS = re.compile(r"\b(?:my|our|i|we|am|me)\b", re.IGNORECASE)
_ASKED_FOR = {
    "the ZIP code": re.compile(r"\bZIP\b", re.IGNORECASE),
    "the account ID": re.compile(r"\baccount ID\b", re.IGNORECASE),
    "the ticket": re.compile(r"\bticket\b", re.IGNORECASE),
    "the number of people": re.compile(r"\bhow many people\b", re.IGNORECASE),
}
_OPEN = re.compile(r"\bwhat is (?:it|its number)\b|\bsay (?:it|its|them)\b", re.IGNORECASE)
_TOLD = frozenset().union(*(entry.receives for entry in DIRECTORY.values())) - {"postal_code", "identity_capability"}
"""Facts that a summary may tell: what one service tells another. Values that a service made for its own playbook are none."""


def pending_words(intent: str, caller_turns: Sequence[str]) -> str:
    """As it fits into "You also mentioned ...": "that the app keeps crashing", "error 503", "a question about our plans"."""
    if intent == "technical":
        trouble = next(filter(None, map(error_message, reversed(caller_turns))), "")
        if trouble and " " in trouble and len(trouble.split()) <= _MOST_WORDS and not trouble.startswith("error"):
            return f"that {_YOURS.sub(lambda word: _AS_WE_SAY[word[0].lower()], trouble)}"
        if trouble.startswith("error"):
            return trouble
        if made := next(filter(None, map(product, reversed(caller_turns))), ""):
            return f"a problem with {made}"
    return _PENDING.get(intent, "another matter")


def asked_for(said: str) -> str:
    """What an agent's question wants, in a few words: it is named again while the caller looks for it, so that the digits that
    come are known. A mere "What is it?" is about what stands before it."""
    found = LAST_QUESTION.search(said)
    question = said if _OPEN.search(found[0] if found else said) else found[0] if found else ""
    return next((words for words, pattern in _ASKED_FOR.items() if pattern.search(question)), "")


def is_waiting(said: str) -> bool:
    """Whether an agent only gave the caller time."""
    return said.startswith("Of course, take your time")


def summary(
    caller_turns: Sequence[str], facts: Mapping[str, str], names: Collection[str], effects: Sequence[str]
) -> str:
    """For a specialist: what the caller wants, what is known and done, redacted as everything that leaves."""
    turns = [Turn(Role.CALLER, redact(text), 0.0) for text in caller_turns]
    wanted = sorted(_TOLD.intersection(names))
    known = [Fact(name, facts[name], Source.CALLER, 0.0) for name in wanted if facts.get(name)]
    intents = (find_intent(text) for text in reversed(caller_turns))
    told = summarise(next(filter(None, intents), Intent("general", 0.0, "keywords")), known, turns)
    done = f" Done so far: {'; '.join(effects)}." if effects else ""
    return clip(told, MAX_SUMMARY_CHARS - len(done)) + done if len(done) < MAX_SUMMARY_CHARS // 2 else told
