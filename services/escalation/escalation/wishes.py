"""What the caller wishes for, read out of his own words in the call: for tools' arguments, and for the story.

Nothing here is a fact of the call: it is read anew each time, and crosses to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from handoff.call import Attempt, Role, Turn
from worker.playbook.conversation import Answer, yes_or_no
from worker.understanding.phone_numbers import phone_number

MANAGER = re.compile(
    r"\b(manager|supervisor|boss|human|real person|person in charge)\b"
    r"(?![^.?!]{0,30}\b(?:said|says|approved?|allowed|agreed|promised|told|confirmed|authori[sz]ed|signed off|okayed)\b)",
    re.IGNORECASE,
)
"""Who is asked for; not who is said to have allowed something."""
CANCEL = re.compile(
    r"\b(cancel(?:l?ing)?\b(?!(?:\W+\w+){0,3}?\W+(?:demo|ticket|callback|call|back ?up|appointment)s?\b)|close (?:my|our|the) account|leav(?:e|ing) (?:you|acme)|switch(?:ing)? (?:to|away|provider))\b",
    re.IGNORECASE,
)
COMPLAINT = re.compile(r"\bcomplain(?:t|ts|ing)?\b", re.IGNORECASE)
ASKS_AFTER = re.compile(
    r"\bcomplaints?\b.*\b(?:answered|read|status|decided|resolved|closed|handled|news|update|progress|anything)\b|\bstatus\b.*\bcomplaint"
    r"|\b(?:any )?(?:news|update|answer|word)\b.*\b(?:about|on|to)\b.*\bcomplaint|\bcomplaint(?: \w+){0,2}\W+c\W?c\W|\b(?:what|how|when|where)\b.*\b(?:my|the|our) complaint",
    re.IGNORECASE,
)
"""A complaint that is there already is asked about: no second one is made of it."""
_PRICE = re.compile(r"\b(?:expensive|cheaper|price|pricey|afford|costs? too much)\b", re.IGNORECASE)
_ABOUT_CALLING = re.compile(r"\bcall(?:s|ed)? (?:me|us|you)\b|\bcall ?back|\bsuits? you|\bmanager\b", re.IGNORECASE)
_TIME = re.compile(
    r"\b(?:today|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday|morning|noon|afternoon|evening)\b"
    r"|\bat (?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b|\bo'?clock\b|\b[ap]\.?m\b",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.,;?!]+|\b(?:and|but|so|because)\b", re.IGNORECASE)
_PAST = re.compile(
    r"(?<!be )(?<!get )(?<!if you )(?<!somebody )(?<!someone )\bcalled\b|\b(?:phoned|rang|waited|tried|spoke|talked|promised|happened|broke|stopped|crashed|ago|since|yesterday)\b"
    r"|\bnobody called\b|\b(?:was|were)\b(?! (?:hoping|thinking|wondering))|\b(?:have|has|had|'ve) been\b|\b(?:did|didn't)\b|\blast (?:week|night|mon|tues|wednes|thurs|fri)",
    re.IGNORECASE,
)
"""What is told: a time in it was, and is none that is wished."""
_NOT_THEN = re.compile(
    r"\b(?:not|n't|cannot|but|except)\b|n't\b|\bno (?:mon|tues|wednes|thurs|fri)days?\b|\b(?:is|are) (?:bad|out)\b",
    re.IGNORECASE,
)
_OFFERS_CALLBACK = re.compile(r"\bcall you back\b[^.?!]*\?|\bbook (?:a manager's call|that)\b[^.?!]*\?", re.IGNORECASE)
_SPECIALISTS = ("billing", "technical", "sales")


def wishes(turns: Sequence[Turn], services: Sequence[str], attempts: Sequence[Attempt] = ()) -> dict[str, str]:
    """``why``, ``matter``, ``callback_wish``, ``callback_number`` as the back office reads them; ``callback_agreed``: another
    service offered a call, and the caller said yes; ``above_limit``: the refund that billing might not make. Empty: not so."""
    said = " ".join(turn.text for turn in turns if turn.role is Role.CALLER)
    why = "cancel" if CANCEL.search(said) else "price" if _PRICE.search(said) else ""
    matter = next((service for service in reversed(services) if service in _SPECIALISTS), "")
    said_times = ((question, wished, text) for question, text in _exchanges(turns) if (wished := _without_past(text)))
    when = [
        wished for question, wished, text in said_times if _is_news(question, wished) and _is_callback(question, text)
    ]
    # A number that was told to another service does not cross; this one asks.
    ours = (turn for turn in turns if turn.service in ("", "escalation"))
    numbers = [found for _, text in _exchanges(ours) if (found := phone_number(text))]
    return {
        "why": why,
        "matter": matter,
        "callback_wish": _together(when),
        "callback_agreed": "yes" if _has_agreed(turns) else "",
        "above_limit": "refund" if is_above_limit(attempts) else "",
        "callback_number": numbers[-1] if numbers else "",
    }


def is_above_limit(attempts: Sequence[Attempt]) -> bool:
    """Whether billing found a refund to be more than it may make."""
    return any(attempt.outcome == "above_limit" for attempt in attempts)


def _has_agreed(turns: Sequence[Turn]) -> bool:
    """Whether the caller said yes to the last call back that a specialist offered: he has it coming, and is not asked again."""
    answers = [
        yes_or_no(text)
        for question, text in _exchanges(turn for turn in turns if turn.service != "escalation")
        if _OFFERS_CALLBACK.search(question)
    ]
    return answers[-1:] == [Answer.YES]


def complains(turns: Iterable[Turn]) -> bool:
    """Whether the caller makes a complaint, and does not only ask after one."""
    said = (turn.text for turn in turns if turn.role is Role.CALLER)
    return any(COMPLAINT.search(text) and not ASKS_AFTER.search(text) for text in said)


def _without_past(text: str) -> str:
    """The words without what is only told: "I called this morning, I want a manager" wishes for no morning."""
    parts = [part.strip() for part in _CLAUSE.split(text) if part.strip()]
    if not any(_PAST.search(part) and _TIME.search(part) for part in parts):
        return text
    return ", ".join(part for part in parts if not _PAST.search(part))


def _together(wishes: Sequence[str]) -> str:
    """The last wish, with the days that did not suit right before it: who can't on Monday still can't when Tuesday is out too."""
    kept = list(wishes[-1:])
    for earlier in reversed(wishes[:-1]):
        if not _NOT_THEN.search(earlier):
            break
        kept.insert(0, earlier)
    return ". ".join(
        " ".join(wish.split()).rstrip(".") if n < len(kept) - 1 else " ".join(wish.split())
        for n, wish in enumerate(kept)
    )


def _is_news(question: str, text: str) -> bool:
    """Whether a time is said, and another one than was offered: "Thursday works" agrees to a Thursday, "not Thursday" does not."""
    if _NOT_THEN.search(text) and _TIME.search(text):
        return True
    offered = {match[0].lower() for match in _TIME.finditer(question)}
    return any(match[0].lower() not in offered for match in _TIME.finditer(text))


def _is_callback(question: str, text: str) -> bool:
    """Whether a time in ``text`` is one for a callback, and not when something broke."""
    return bool(_ABOUT_CALLING.search(question) or _ABOUT_CALLING.search(text))


def _exchanges(turns: Iterable[Turn]) -> Iterator[tuple[str, str]]:
    """What an agent said, and what the caller answered."""
    question = ""
    for turn in turns:
        if turn.role is Role.AGENT:
            question = turn.text
        else:
            yield question, turn.text
