"""When a demo would suit the caller, read out of their own words: "friday afternoon", as the back office reads it too.

It is no fact of the call: it is read anew each time, and crosses to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from handoff.call import Role, Turn

_DAYS = r"monday|tuesday|wednesday|thursday|friday"
_DAY = re.compile(rf"\b({_DAYS})s?\b")
_NOT_THAT = re.compile(
    rf"\b(?:not|except|can't|cannot|couldn't|no)(?: \w+){{0,3}} (?:{_DAYS}|mornings?|afternoons?)\b"
    rf"|\b(?:{_DAYS}|mornings?|afternoons?)(?: \w+){{0,2}} (?:isn't|doesn't|won't|is not|does not|is bad|is out)\b"
)
_ABOUT_A_DEMO = re.compile(r"\bdemo\b|\bsuits? you\b|\bHow about\b|\bshall I book\b", re.IGNORECASE)
_AGREES = re.compile(r"\b(?:fine|perfect|great|works|good|suits)\b")
_MORNING = re.compile(r"\bmornings?\b|\btoo late\b|\bearlier in the day\b|\bbefore noon\b")
_AFTERNOON = re.compile(r"\bafternoons?\b|\btoo early\b|\blater in the day\b|\bafter (?:noon|lunch)\b")


def demo_wish(turns: Sequence[Turn]) -> str:
    """``"friday"``, ``"afternoon"``, ``"friday afternoon"``; empty when nothing was wished. Later words win."""
    day, half = "", ""
    for question, text in _exchanges(turns):
        words = text.lower().replace("’", "'")
        if not (_ABOUT_A_DEMO.search(question) or "demo" in words):
            continue
        named, wanted = _day(words), _half(words)
        # "Thursday works" agrees to a Thursday that was offered; of any other day it is a wish.
        if _AGREES.search(words) and "n't" not in words and named in question.lower():
            continue
        # Another day is asked for afresh; a half alone goes on about the day that was wished.
        day, half = (named, wanted) if named else (day, wanted or half)
    return f"{day} {half}".strip()


def _day(words: str) -> str:
    days = set(_DAY.findall(_NOT_THAT.sub(" ", words)))
    return days.pop() if len(days) == 1 else ""


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
