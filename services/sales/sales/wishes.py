"""When a demo would suit the caller, read out of their own words: "friday afternoon", as the back office reads it too.

It is no fact of the call: it is read anew each time, and crosses to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from handoff.call import Role, Turn
from worker.playbook.conversation import Answer, yes_or_no

from sales import hours

_DAYS = r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|tomorrow"
_DAY = re.compile(rf"\b({_DAYS})s?\b")
_TIME = rf"(?:{_DAYS}|mornings?|afternoons?|{hours.HOUR})"
_NOT_THAT = re.compile(
    rf"\b(?:not|except|can't|cannot|couldn't|(?:any|every) ?\w* but)(?: (?!but\b)\w+){{0,3}} {_TIME}\b(?: (?:in the )?(?:morning|afternoon))?(?: or (?:at |on |in the )?{_TIME}\b)*"
    rf"|\bno (?:{_DAYS}|morning|afternoon)s\b"
    rf"|\b(?:at )?{_TIME}(?: \w+){{0,2}} (?:isn't|doesn't|won't|is not|does not|is bad|is out|is too (?:early|late))\b"
)
_ANY_OTHER_DAY = re.compile(
    rf"\b(?:any|every) ?(?:other )?(?:day|time)? (?:but|except) (?:on )?({_DAYS})\b|\b(?:another|(?:a )?different|some other) day\b"
)
_ABOUT_A_DEMO = re.compile(
    r"\bdemo\b|\bsuits? you\b|\bHow about\b|\bshall I book\b|\bbe all right\b|\ball right for you\b", re.IGNORECASE
)
_OFFERS = re.compile(r"\bat \w+(?: \w+)? in the (?:morning|afternoon)\b", re.IGNORECASE)
_AGREES = re.compile(r"\b(?:fine|perfect|great|works|good|suits)\b")
_MORNING = re.compile(r"\bmornings?\b|\btoo late\b|\bearlier in the day\b|\bbefore noon\b")
_AFTERNOON = re.compile(r"\bafternoons?\b|\btoo early\b|\blater in the day\b|\bafter (?:noon|lunch)\b")


def demo_wish(turns: Sequence[Turn]) -> str:
    """``"friday"``, ``"friday afternoon"``, ``"monday at ten in the morning"``; empty when nothing was wished. Later words win."""
    day, half, hour = "", "", None
    for question, text in _exchanges(turns):
        words = text.lower().replace("’", "'")
        if not (_ABOUT_A_DEMO.search(question) or "demo" in words):
            continue
        offered = question.lower() if _OFFERS.search(question) else ""
        named, wanted, at = _day(words, offered), _half(words), _hour(words, offered)
        if at is not None and at == hours.offered(offered) and named in ("", _day(offered)):
            at = None  # the hour that was offered
        # "Thursday works" and "yes, Thursday at nine" agree to a Thursday that was offered; of any other day it is a wish.
        if at is None and named in offered and "n't" not in words and _agrees(words) and not _but(words, offered):
            continue
        # Another day is asked for afresh, and so is any day but one; an hour alone is one of the day that was offered; a half of that which was wished.
        if named:
            day, half, hour = named, wanted, at
        elif but := _but(words, offered):
            day, half, hour = f"not {but}", wanted, at
        elif at is not None:
            day, half, hour = _day(offered) or day, "", at
        elif wanted:
            half, hour = wanted, None
    return f"{day} {hours.said(hour) if hour is not None else half}".strip()


def _agrees(words: str) -> bool:
    return bool(_AGREES.search(words)) or yes_or_no(words) is Answer.YES


def _day(words: str, offered: str = "") -> str:
    """The day that is named. Of several it is the first that was not offered: whom two days suit, one of them suits."""
    days = _DAY.findall(_NOT_THAT.sub(" ", words))
    return next((day for day in days if day not in offered), days[0] if days else "")


def _but(words: str, offered: str) -> str:
    """The only day that would not do: "any day but Monday"; "another day" and "not Monday" of one that was offered."""
    if other := _ANY_OTHER_DAY.search(words):
        return other[1] or _day(offered)
    refused = " ".join(match[0] for match in _NOT_THAT.finditer(words))
    return next((day for day in _DAY.findall(refused) if day in offered), "")


def _hour(words: str, offered: str) -> int | None:
    """The hour that is named; the last one of "not at nine, at ten"."""
    return hours.named(_NOT_THAT.sub(" ", words), alone=bool(offered))


def _half(words: str) -> str:
    if "morning" in words and "morning" not in _NOT_THAT.sub(" ", words):
        return "afternoon"
    if "afternoon" in words and "afternoon" not in _NOT_THAT.sub(" ", words):
        return "morning"
    halves = [name for name, half in (("morning", _MORNING), ("afternoon", _AFTERNOON)) if half.search(words)]
    return halves[0] if len(halves) == 1 else ""


def _exchanges(turns: Sequence[Turn]) -> Iterator[tuple[str, str]]:
    """What an agent said last, and what the caller said then."""
    question = ""
    for turn in turns:
        if turn.role is Role.AGENT:
            question = turn.text
        else:
            yield question, turn.text
