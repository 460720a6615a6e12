"""What a caller wants: keywords and an embedded classifier, about 5 ms. Unsure means None, and None leads to a question.

Of several matters in one turn the most urgent comes first: a caller who wants a person or wants to leave; an outage that keeps
people from working; money; a fault; a purchase; general questions. Without the classifier's model keywords do alone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import cache, lru_cache

from handoff.call import Intent

from worker.understanding import classifier, keywords
from worker.understanding.classifier import ANSWER, OUT_OF_SCOPE, ModelProblem
from worker.understanding.wording import clauses, is_bare_answer, plain

SURE = 0.5
"""Below this confidence nothing is reported: a wrong transfer costs a caller more than a question."""
SURE_OF_A_CLAUSE = 0.75
"""A second matter must be clearer: most clauses only tell the first one's story."""
SURELY_OUT_OF_SCOPE = 0.6

_NAMED = 0.3
_CLAUSE_WORDS_MIN = 3
_URGENCY = ("escalation", "outage", "billing", "technical", "sales", "general")
_OUTAGE = re.compile(
    r"(?<!\w)(?:outage|nothing works|lost (?:all )?(?:our|my) (?:data|files)|(?:none of us|nobody|no one|we) (?:can|can't|cannot) work|"
    r"(?:everything|site|website|system|servers?|service|network|production|platform) (?:is|are|s|has gone|went) (?:all |completely )?down)(?!\w)"
)

_CORRECTS = re.compile(
    r"[\s,.;!?-]+(?:(?:oh|um|uh|well|but)[\s,]+)*(?:(?:no|wait|sorry|actually|scratch that|correction|hang on)[\s,.!-]+){1,3}"
    r"(?:i (?:mean|meant)[\s,]+)?(?![\s,.!-]*(?:and|also|but|plus)\b)"
    r"|[\s,.;!?-]+(?:i mean|i meant)[\s,]+(?=(?:it's|it is|its|that's|about|the|my|our|an?)\b)",
    re.IGNORECASE,
)
"""What comes after takes the place of what was said before: "my invoice, no wait, the app". A filler ("I mean, I paid") does not."""
_AND = re.compile(r"\s*(?:,|\band\b|\bplus\b|\bas well as\b)\s*", re.IGNORECASE)

_log = logging.getLogger(__name__)


def find_intent(text: str) -> Intent | None:
    """The intent of a caller's words and its confidence (0 to 1), or None when unsure. Of several, the most urgent."""
    found = find_intents(text)
    return found[0] if found else None


@lru_cache(maxsize=32)
def find_intents(text: str) -> tuple[Intent, ...]:
    """Every intent in a caller's words that is sure, most urgent first; empty when none is."""
    if is_bare_answer(text):
        return ()
    if several := _named_together(text):
        return several
    about = keywords.without_denied(_corrected(text))
    whole = best_guess(about)
    found = {whole.name: whole} if whole.confidence >= SURE else {}
    for clause in clauses(about):
        other = best_guess(clause) if clause != about and len(clause.split()) >= _CLAUSE_WORDS_MIN else None
        if other is not None and other.confidence >= SURE_OF_A_CLAUSE and _is_named(other.name, clause):
            found.setdefault(other.name, other)
    is_outage = _OUTAGE.search(plain(text)) is not None
    return tuple(sorted(found.values(), key=lambda intent: _urgency(intent.name, is_outage)))


def is_out_of_scope(text: str) -> bool:
    """Whether the words are about something that no service deals with ("what's the weather"); an answer is not, nor is a mumble."""
    if is_bare_answer(text) or find_intents(text):
        return False
    likely = _probabilities(text)
    if likely is None:
        return keywords.is_out_of_scope(text)
    return likely[OUT_OF_SCOPE] >= SURELY_OUT_OF_SCOPE


def best_guess(text: str) -> Intent:
    """The likeliest intent, however unsure: for measuring, and for a choice that must be made."""
    about = keywords.without_denied(text)
    likely = _probabilities(about)
    name, confidence = keywords.best(about)
    if likely is None or keywords.names_a_service(about):
        return Intent(name, confidence, "keywords")
    inside = 1 - likely[OUT_OF_SCOPE] - likely[ANSWER]
    likeliest = max(keywords.INTENTS, key=lambda intent: likely[intent])
    found_by = "keywords" if likeliest == name and confidence >= SURE else "classifier"
    # As sure as it is both one of ours, and this one of ours: their geometric mean.
    return Intent(likeliest, round((inside * likely[likeliest]) ** 0.5, 2), found_by)


def _corrected(text: str) -> str:
    """The text from its last correction on, when another matter stands there as clearly as before it; else all of it."""
    for cut in reversed(list(_CORRECTS.finditer(text))):
        before, after = best_guess(text[: cut.start()]), best_guess(text[cut.end() :])
        if (
            after.name != before.name
            and min(before.confidence, after.confidence) >= SURE
            and _is_named(after.name, text[cut.end() :])
        ):
            return text[cut.end() :]
    return text


def _named_together(text: str) -> tuple[Intent, ...]:
    """The intents of an answer that names several ("both billing and technical"); empty for any other words."""
    parts = [
        part for part in _AND.split(re.sub(r"\bboth(?: of them)?\b", " ", text, flags=re.IGNORECASE)) if plain(part)
    ]
    names = list(dict.fromkeys(keywords.names_a_service(part) for part in parts))
    if len(names) < 2 or "" in names:
        return ()
    is_outage = _OUTAGE.search(plain(text)) is not None
    found = (Intent(name, keywords.best(name)[1], "keywords") for name in names)
    return tuple(sorted(found, key=lambda intent: _urgency(intent.name, is_outage)))


def _is_named(intent: str, clause: str) -> bool:
    """Whether a keyword bears out what the classifier makes of a clause: "and I tried it again" belongs to any matter."""
    return keywords.weights(clause)[intent] >= _NAMED


def _probabilities(text: str) -> Mapping[str, float] | None:
    """None without a classifier. A file that is not the right one is not used either: the call goes on with keywords."""
    try:
        return classifier.probabilities(text)
    except ModelProblem as problem:
        _complain(str(problem))
        return None


@cache
def _complain(problem: str) -> None:
    _log.error("%s", problem)  # once; a worker that preloads the classifier does not even start


def _urgency(name: str, is_outage: bool) -> int:
    return _URGENCY.index("outage" if name == "technical" and is_outage else name)
