"""Which other service the caller's last words ask for: a transfer that nobody wanted costs more than a question.

The classifier is made for first sentences; in the middle of a matter short answers look like anything. So there it must be
surer, what it takes for a complaint needs a word that says so, and "how long is it valid?" is no question for the front desk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from handoff.call import Intent
from handoff.directory import DIRECTORY, service_for

from worker.playbook.conversation import Answer, yes_or_no
from worker.understanding.sentiment import LEGAL_THREAT

SURE_IN_THE_MIDDLE = 0.85
"""Confidence from which the classifier by itself takes a caller away from a specialist."""
_COMPLAINS = re.compile(
    r"\b(?:cancel\w*|clos(?:e|ing) (?:my|our|the|this)|leav(?:e|ing) (?:you|us|acme|your)|switch(?:ing)? (?:to|provider)|manager|supervisor|boss|in charge|superior|higher|human|"
    r"representative|operator|complain\w*|unacceptable|ridiculous|terrible|awful|"
    r"horrible|disappoint\w*|fed up|furious|angry|annoyed|upset|frustrat\w*|unhappy|call(?:ed|s)? me back|callback|competitor\w*)\b"
    # "It's for one person" asks for nobody.
    r"|\b(?:(?:speak|talk|chat)\w*|connect|transfer|through|real|actual|live|another|different)\b[^.?!]{0,20}\b(?:person|people|somebody|someone|anybody|anyone)\b"
    r"|\b(?:want|need|get me|give me|put me|prefer|rather|like|ask(?:ing|ed)? for)(?: to| with| have| on| a| an| some)* (?:person|somebody|someone)\b"
    r"|\b(?:can|could|may|is there|isn't there)(?: a)? (?:person|somebody|someone)\b"
    r"|\b(?:person|people|somebody|someone)\b (?:who|real|call)\b",
    re.IGNORECASE,
)
_THREATENS = re.compile(rf"(?<!\w)(?:{LEGAL_THREAT})(?!\w)", re.IGNORECASE)
_ALLOWED = re.compile(
    r"\b(?:managers?|supervisors?|boss|(?:last|other|first|previous|your|the) (?:agent|colleague|person|lady|man|woman|guy)|somebody|someone)\b"
    r"[^.?!]{0,30}\b(?:said|says|approved?|allowed|agreed|promised|told (?:me|us)|confirmed|authori[sz]ed|signed off|verified|okayed)\b",
    re.IGNORECASE,
)
"""What somebody is said to have said: a manager in it is none that is wanted now."""
_HARMLESS = re.compile(
    r"\bmy (?:own )?(?:managers?|boss(?:es)?|supervisors?|superiors?)\b"
    r"|\b(?:ask|check with|tell|convince|run it by|consult)\b[^.?!]{0,10}\b(?:our|the) (?:managers?|boss|supervisor)\b"
    r"|\b(?:can|could|may|able to|free to|if) (?:(?:i|we|you) )?(?:always |still |then )?cancel (?:it |that |them )?(?:any ?time|at any time|whenever|later|early|every month|monthly)\b"
    r"|\bcancellation (?:polic\w+|period|fees?|terms?|notice)\b"
    r"|\b(?<!ask )(?<!asking )(?<!asked )for (?:just |only |about )*\w+ (?:person|people)\b"
    r"|\blaw ?(?:yers?|firms?)\b|\b(?:attorneys?|solicitors?)\b",
    re.IGNORECASE,
)
"""The caller's own boss, a term of the contract, a trade: words that sound like customer care's and ask for nothing of it."""
_PRICE = re.compile(r"\bhow much\b|\b(?:costs?|pric(?:e|es|ey))\b", re.IGNORECASE)
_ABOUT_THIS = re.compile(
    r"^\W*(?:(?:and|but|so|okay|ok|yes|um|uh|oh|well|wait|then)\W+)*(?:will|would|does|did|is|was|can|could|should) (?:it|this|that)\b",
    re.IGNORECASE,
)
"""A question about what was just said: "will it affect my plan?"."""
_TO_BUY = re.compile(
    r"\b(?:plans?|quot(?:e|es|ation)|seats?|upgrad\w+|downgrad\w+|licen[cs]es?|packages?|demos?|trial|discounts?|sales|sign(?:ing)? up|buy\w*|"
    r"purchas\w+|pricing|price list|enterprise|(?:cloud|the) (?:pro|team|business))\b",
    re.IGNORECASE,
)
_OWN_PLAN = re.compile(r"\b(?:my|our|the) (?:\w+ )?plan\b", re.IGNORECASE)
_FRONT_DESK = re.compile(
    r"\b(?:back to|put|send|transfer|connect|take|bring|pass|return|go|get|talk|speak|through)\b[^.?!]*\b(?:front ?desk|reception(?:ist)?|switchboard)\b",
    re.IGNORECASE,
)
_SHORT_WORDS = 6
_DROPS = re.compile(
    r"\b(?:forget|never ?mind|leave|drop|skip)\b|\binstead\b|\b(?:before (?:we|i|that)|first of all|but first)\b",
    re.IGNORECASE,
)


def other_service(intent: str, service: str) -> str:
    """The service that takes ``intent``; empty when that is ``service`` itself, or nobody."""
    entry = service_for(intent) if intent else None
    return entry.name if entry is not None and entry.name != service else ""


def leads_to(intents: Iterable[Intent], words: str, service: str) -> str:
    """The other service that ``words`` ask for; empty when ``service`` takes one of their intents itself, or when it is not clear.

    Escalation goes before everything, and keeps what it hears of; who says "forget the bill" does not ask billing any more.
    """
    if _FRONT_DESK.search(words):
        return "" if service == "triage" else "triage"
    is_answer = len(words.split()) <= _SHORT_WORDS and yes_or_no(words) is not Answer.UNCLEAR
    sure = (i for i in intents if is_meant(i, words, service) and not (is_answer and i.found_by != "keywords"))
    meant = [intent.name for intent in sure]
    ours = DIRECTORY[service].intents if service in DIRECTORY else frozenset[str]()
    if ours.intersection(meant) - {"general"} and not _DROPS.search(words) and "escalation" not in set(meant) - ours:
        return ""
    return next(filter(None, (other_service(name, service) for name in meant)), "")


def is_meant(intent: Intent, words: str, service: str) -> bool:
    """Whether that is reason enough to leave ``service``."""
    if intent.name == "escalation":
        rest = _HARMLESS.sub(" ", _ALLOWED.sub(" ", words))
        complains = _COMPLAINS.search(rest) is not None or _THREATENS.search(words) is not None
        return complains or (intent.found_by == "keywords" and rest == words)
    if intent.name == "sales" and service not in ("triage", "sales") and _asks_about_this(words):
        return False
    if intent.found_by == "keywords":
        return True
    if service == "triage":
        return True
    return intent.name != "general" and intent.confidence >= SURE_IN_THE_MIDDLE


def _asks_about_this(words: str) -> bool:
    """Whether a price, or a question about "it", belongs to what is spoken of here: a purchase names what is bought."""
    if _ABOUT_THIS.search(words):
        return _TO_BUY.search(_OWN_PLAN.sub(" ", words)) is None
    return _PRICE.search(words) is not None and _TO_BUY.search(words) is None
