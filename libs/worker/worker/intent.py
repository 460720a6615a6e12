"""What a caller wants, by weighted keywords: milliseconds, no model. Unsure means None, and None leads to a question.

The weights are judgement, tested on phrases (test_intent_*): near 0.9 names the matter by itself, near 0.3 only supports it.
"""

from __future__ import annotations

import re

from handoff.call import Intent

SURE = 0.5
"""Below this confidence nothing is reported: a wrong transfer costs a caller more than a question."""
_RIVAL = 0.6
"""How much of the second best intent's weight speaks against the best."""

_WEIGHTS: dict[str, dict[str, float]] = {
    "billing": {
        r"invoices?|in voice|inn voice": 0.8,
        r"bill(?:s|ed|ing)?": 0.75,
        r"charge[ds]?|charging": 0.7,
        r"(?:charged|billed|paid|payed) (?:me )?(?:twice|double|two times)|double[- ]charged?|overcharged": 0.9,
        r"duplicate (?:charge|payment)": 0.85,
        r"refund(?:s|ed|ing)?|money back": 0.85,
        r"payments?|receipts?": 0.65,
        r"paid|pay(?:ing)?|credit card": 0.45,
        r"twice|statement|subscription|money|card": 0.3,
    },
    "technical": {
        r"technical|tech support|troubleshoot\w*": 0.8,
        r"(?:not|n't|never|stopped|isn t|doesn t) work(?:ing)?|won't (?:start|load|open|connect)": 0.7,
        r"errors?|crash(?:es|ed|ing)?|outage|bugs?": 0.65,
        r"broken|offline|(?:is|are|went|gone) down": 0.6,
        r"log(?:ging)? ?in|sign(?:ing)? in|password|can't (?:access|connect|open)|cannot (?:access|connect|open)": 0.6,
        r"slow|timeouts?|time[sd]? out|deploy\w*|install\w*|freez\w+": 0.5,
        r"servers?|database|api|website|app|internet|connection": 0.3,
    },
    "sales": {
        r"sales|quote|demo|upgrad(?:e|es|ing)": 0.75,
        r"pric(?:e|es|ing)|buy(?:ing)?|purchase|free trial|new (?:customer|plan)": 0.6,
        r"how much (?:does|do|is|are|would)|discounts?|sign(?:ing)? up|enterprise plan|more seats": 0.55,
        r"plans?|trial|cost|seats|licen[cs]es?": 0.3,
    },
    "escalation": {
        r"manager|supervisor|complaint|complain(?:ing)?|lawyer|lawsuit": 0.8,
        r"(?:speak|talk|talking|speaking) (?:to|with) (?:a |an |some |the )?(?:human|person|someone|somebody|people|representative)": 0.75,
        r"real (?:human|person)|human being|close my account|cancel (?:my|the|our) (?:account|plan|subscription|service|contract)": 0.75,
        r"unacceptable|ridiculous|terrible|disgusted|furious|fed up": 0.5,
        r"cancel|human|representative|operator": 0.4,
    },
    "general": {
        r"opening hours|business hours|office hours|what time|when (?:are|do) you|are you open": 0.8,
        r"hours|address|located|location|where are you|where (?:is|are) your": 0.65,
        r"phone number|e-?mail address|how (?:can|do) i (?:contact|reach)": 0.6,
        r"open|closed?|weekends?|saturday|sunday|holidays?|contact": 0.35,
    },
}
_KEYWORDS = {
    intent: [(re.compile(rf"(?<!\w)(?:{pattern})(?!\w)"), weight) for pattern, weight in patterns.items()]
    for intent, patterns in _WEIGHTS.items()
}
_NEGATED = re.compile(
    r"(?<!\w)(?:(?:not|isn't) (?:about |for |a |an |my |the |really )+|(?:don't|do not) (?:need|want) (?:a |an |any |the |to )*)\w+"
    r"(?: (?:problem|issue|question|support|plan))?"
)
"""What it is not about: "it's not about billing", "I don't want an upgrade". A verb after not ("not working") stays."""


def find_intent(text: str) -> Intent | None:
    """The intent of a caller's words and its confidence (0 to 1), or None when unsure."""
    words = _NEGATED.sub(" ", text.lower().replace("’", "'"))
    weights = sorted(((_weight(words, intent), intent) for intent in _KEYWORDS), reverse=True)
    (best, name), (second, _) = weights[0], weights[1]
    confidence = round(best - _RIVAL * second, 2)
    return Intent(name, confidence, "keywords") if confidence >= SURE else None


def _weight(words: str, intent: str) -> float:
    """Independent hints add up, never above 1."""
    doubt = 1.0
    for pattern, weight in _KEYWORDS[intent]:
        if pattern.search(words):
            doubt *= 1 - weight
    return 1 - doubt
