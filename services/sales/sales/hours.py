"""The hour in a caller's words, as an office means it: "at two" is in the afternoon, "at nine" in the morning."""

from __future__ import annotations

import re

_WORDS = ("twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
_NUMBER = rf"(?:{'|'.join(_WORDS)}|1[0-2]|[1-9])"
_MINUTES = r"(?:[:.]\d\d| (?:o'?clock|fifteen|thirty|forty[ -]five))?"
_NO_HOUR = r"(?! (?:people|persons?|employees|users|seats|of us|percent|or so people|hundred|thousand|days?|weeks?|hours?|minutes?)\b)"
HOUR = rf"(?:(?:half past )?{_NUMBER}{_MINUTES}|noon)"
"""A number that may be an hour, where it is clear already that a time is spoken of."""
_DAY = r"(?:monday|tuesday|wednesday|thursday|friday|tomorrow)"
_HALF_PAST = r"(?:half past |quarter (?:past|after) )?"
_FORMS = (
    rf"\b(?:at|around|by|from|after|make it)(?: about| around)? {_HALF_PAST}(?P<hour>{_NUMBER})\b{_MINUTES}{_NO_HOUR}",
    rf"\b(?P<hour>{_NUMBER}) ?o'?clock\b",
    r"\b(?P<hour>1[0-2]|[1-9]):\d\d\b",
    rf"\b(?P<hour>{_NUMBER})(?::\d\d| thirty)?(?= ?[ap]\.? ?m\b| in the (?:morning|afternoon))",
)
_SAID = tuple(re.compile(form) for form in _FORMS)
_BEFORE_IT = (
    r"yes|yeah|yep|no|nope|sure|ok|okay|well|um|uh|oh|sorry|and|but|rather|better|maybe|then|(?:how|what) about"
    rf"|(?:can|could) we do|let's do|(?:i'd|i would) (?:prefer|like)|(?:on )?{_DAY}"
)
_AFTER_IT = (
    r"please|then|instead|rather|for me|if (?:possible|you can|that's possible|you have it)|(?:is|works|would be|suits)(?: me)?"
    rf"|better|fine|good|great|perfect|(?:on )?{_DAY}"
)
_BARE = re.compile(
    rf"(?:^|[.,;?!]|\bbut\b|\brather\b)\W*(?:(?:{_BEFORE_IT})\W+)*"
    rf"{_HALF_PAST}(?P<hour>{_NUMBER})\b{_MINUTES}{_NO_HOUR}(?:\W+(?:{_AFTER_IT}))*\W*$"
)
_PART = re.compile(r"\W*(?P<part>[ap]\.? ?m\b|(?:in the |this )?(?:morning|afternoon|evening)\b)")
_HALF = re.compile(r"\bafter noon\b|\bbefore noon\b")
_OFFERED = re.compile(rf"\bat ({_NUMBER})\b[\w -]* in the (morning|afternoon)\b")
_NOON = 12
_FIRST_HOUR = 8
"""From eight on it is in the morning; before, in the afternoon."""


def named(words: str, *, alone: bool) -> int | None:
    """The last hour that is named, 0 to 23. ``alone``: a time was offered, so a mere "ten please" names one too."""
    text = _HALF.sub(" ", words)
    found = [match for form in _SAID for match in form.finditer(text)]
    if not found and alone:
        found = list(_BARE.finditer(text))
    last = max(found, key=lambda match: match.start("hour"), default=None)
    noon = text.rfind("noon") if re.search(r"\bnoon\b", text) else -1
    if last is None or noon > last.start("hour"):
        return _NOON if noon >= 0 else None
    part = _PART.match(text, last.end())
    return _of_day(last["hour"], part["part"] if part else "")


def offered(question: str) -> int | None:
    """The hour that an agent offered: "at two in the afternoon" is 14."""
    match = _OFFERED.search(question)
    return _of_day(match[1], match[2]) if match else None


def said(hour: int) -> str:
    """14 -> ``"at two in the afternoon"``."""
    if hour == _NOON:
        return "at noon"
    part = "morning" if hour < _NOON else "afternoon" if hour < 18 else "evening"
    return f"at {_WORDS[hour % 12]} in the {part}"


def _of_day(number: str, mark: str) -> int:
    hour = (int(number) if number.isdigit() else _WORDS.index(number)) % 12
    marked = re.sub(r"\W", "", mark)
    if marked == "am" or "morning" in marked:
        return hour
    if marked == "pm" or "noon" in marked or "evening" in marked:
        return hour + 12
    return hour + 12 if hour < _FIRST_HOUR else hour
