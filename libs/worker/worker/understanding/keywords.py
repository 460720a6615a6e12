"""Weighted keywords: how much a text speaks for each intent, in microseconds and with no model.

The weights are judgement, tested on phrases (test_intent_*): near 0.9 names the matter by itself, near 0.3 only supports it.
"""

from __future__ import annotations

import re

from worker.understanding.wording import plain

INTENTS = ("billing", "technical", "sales", "escalation", "general")
RIVAL = 0.6
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
        r"fees?|direct debit|autopay|transactions?|debited|installments?|instalments?|reimburse\w*|withdrawals?|top up": 0.5,
        r"transfer(?:red)? (?:money|to my|from my)|(?:my|the|a|bank|wire) transfer|overdue|balance|owe": 0.4,
        r"twice|statement|subscription|money|card|deposit|credit|cheques?|due date": 0.3,
    },
    "technical": {
        r"technical|tech support|troubleshoot\w*": 0.8,
        r"(?:not|n't|never|stopped|isn t|doesn t) work(?:ing)?|won't (?:start|load|open|connect)": 0.7,
        r"errors?|crash(?:es|ed|ing)?|outage|bugs?": 0.65,
        r"nothing (?:has )?work(?:s|ed|ing)|broken|offline|(?:is|are|went|gone) down": 0.6,
        r"log(?:ging)? ?in|sign(?:ing)? in|password|can't (?:access|connect|open)|cannot (?:access|connect|open)": 0.6,
        r"slow|timeouts?|time[sd]? out|deploy\w*|install(?:ing|ation|er)?|freez\w+|frozen|stuck|locked out|activat\w+|reset|repair\w*": 0.5,
        r"(?:no|without) (?:signal|internet|service|sound|connection)|(?:doesn't|won't|does not|will not|isn't|can't) (?:load|open|start|sync\w*|connect|respond|turn on|install|upload|save)": 0.6,
        r"(?:cuts?|cutting|drops?|dropping|dropped) out|disconnect\w*|sync\w*|backup (?:failed|job)|hacked|cracked|verification code|pin": 0.4,
        r"servers?|database|api|website|app|internet|connection|wi ?fi|router|modem|phone|laptop|device|software|sim": 0.3,
    },
    "sales": {
        r"sales|quote|demo|upgrad(?:e|es|ing)": 0.75,
        r"pric(?:e|es|ing)|buy(?:ing)?|purchase|free trial|new (?:customer|plan)": 0.6,
        r"how much (?:does|do|is|are|would)|discounts?|sign(?:ing)? up|enterprise plan|more seats": 0.55,
        r"interested in|would like to (?:buy|order)|place an order|package|offers?|loan|mortgage|insurance|new (?:phone|account|line|contract)": 0.4,
        r"plans?|trial|costs?|seats|licen[cs]es?|features?|products?": 0.3,
    },
    "escalation": {
        r"manager|supervisor|complaint|complain(?:ing)?|lawyer|lawsuit": 0.8,
        r"(?:speak|talk|talking|speaking) (?:to|with) (?:a |an |some |the )?(?:human|person|someone|somebody|people|representative)": 0.75,
        r"real (?:human|person)|human being|live agent|(?:close|delete|terminate|cancel|end) (?:my|the|our) (?:account|plan|subscription|service|contract|membership|order)": 0.75,
        r"unacceptable|ridiculous|terrible|disgusted|furious|fed up": 0.5,
        r"cancel|human|representative|operator": 0.4,
    },
    "general": {
        r"opening (?:hours|times?)|business hours|office hours|what time|when (?:are|do) you|are you (?:guys )?(?:still )?open|when you(?:'re| are)? open": 0.8,
        r"hours|address|located|location|where are you|where (?:is|are) your": 0.65,
        r"phone number|e-?mail address|how (?:can|do) i (?:contact|reach)": 0.6,
        r"(?:track|where is|where's|status of) (?:my|the) (?:order|package|parcel|delivery)|return policy|warranty|newsletter": 0.6,
        r"open|closed?|weekends?|saturday|sunday|holidays?|contact|deliver\w*|shipping|policy|branch|store|how do i": 0.35,
    },
}
_KEYWORDS = {
    intent: [(re.compile(rf"(?<!\w)(?:{pattern})(?!\w)"), weight) for pattern, weight in patterns.items()]
    for intent, patterns in _WEIGHTS.items()
}
_DENIED = re.compile(
    r"(?<!\w)(?:(?:not|isn't) (?:(?:about |for |a |an |my |the |really )+\w+|technical|billing|sales)"
    r"|(?:don't|do not) (?:need|want) (?!to (?:talk|speak|deal|be|keep|stay|continue|renew|pay|use|wait|have)|your|you|it|this|that|these|my|our)"
    r"(?:a |an |any |the |to )*\w+(?! any ?more| any longer))"
    r"(?!\w)(?: (?:problem|issue|question|support|plan))?",
    re.IGNORECASE,
)
"""What it is not about: "it's not about billing", "I don't want an upgrade". A verb after not ("not working") stays."""


_SHORT = {
    "billing": "billing|bills?|payments?|invoices?|refunds?|charges?|accounting|money",
    "technical": "technical|tech|tech(?:nical)? support|support|errors?|crash(?:es)?|login|log in|passwords?|outage|broken|bugs?",
    "sales": "sales|plans?|pric(?:es?|ing)|upgrad(?:e|ing)|quotes?|demos?|buying|subscriptions?",
    "escalation": "human|manager|supervisor|person|real person|agent|complaints?|representative|operator|cancel(?:ling|lation)?",
    "general": "general|opening hours|hours|address|location|contact|directions",
}
_LEAD = (
    r"(?:(?:um|uh|oh|yes|yeah|no|well|so|okay|it's|its|it is|that's|that would be|i think|i guess|probably|maybe|just|like|mostly|more|"
    r"about|for|to|with|a|an|the|your|our|my|some|something|i want|i need|i'd like|the first one|the second one|the last one|kind of) )*"
)
_TAIL = r"(?: (?:please|thing|things|stuff|one|problems?|questions?|issues?|matter|department|team|side|part|i guess|i think|thanks|thank you|related))*"
_NAMES_A_SERVICE = {name: re.compile(rf"{_LEAD}(?:{words}){_TAIL}") for name, words in _SHORT.items()}
"""Short answers to "Is this about billing, a technical problem, or our plans?"."""
_SURE_OF_A_NAME = 0.95
_ELSEWHERE = re.compile(
    r"(?<!\w)(?:weather|wrong number|jokes?|recipes?|football|pizza|horoscope|sing|songs?|music|alarm|flights?|hotel|traffic)(?!\w)"
)


def without_denied(text: str) -> str:
    """The text without what it is said not to be about: "it's not about billing", "I don't need support"."""
    return " ".join(_DENIED.sub(" ", text.replace("’", "'")).split())


def names_a_service(text: str) -> str:
    """The intent that a short answer names ("billing", "it's a technical thing"); empty when it is not one."""
    said = plain(text)
    return next((name for name, pattern in _NAMES_A_SERVICE.items() if pattern.fullmatch(said)), "")


def is_out_of_scope(text: str) -> bool:
    """Whether a few words that no service deals with stand in the text."""
    return _ELSEWHERE.search(plain(text)) is not None


def weights(text: str) -> dict[str, float]:
    """What speaks for each intent, 0 to 1; independent hints add up."""
    words = without_denied(text.lower())
    return {intent: _weight(words, intent) for intent in INTENTS}


def best(text: str) -> tuple[str, float]:
    """The intent with the most weight, and how sure that is (0 to 1): a rival speaks against it."""
    if named := names_a_service(text):
        return named, _SURE_OF_A_NAME
    ranked = sorted(((weight, intent) for intent, weight in weights(text).items()), reverse=True)
    (first, name), (second, _) = ranked[0], ranked[1]
    return name, round(first - RIVAL * second, 2)


def _weight(words: str, intent: str) -> float:
    doubt = 1.0
    for pattern, weight in _KEYWORDS[intent]:
        if pattern.search(words):
            doubt *= 1 - weight
    return 1 - doubt
