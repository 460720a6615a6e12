"""What callers and models write for company sizes, discounts and wished times; and times as a voice says them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from backoffice.words import Unreadable

MAX_SEATS = 5000
"""A larger company's quote is made by people."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOURS = ("twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth",
    "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth",
    "twenty-first", "twenty-second", "twenty-third", "twenty-fourth", "twenty-fifth", "twenty-sixth", "twenty-seventh",
    "twenty-eighth", "twenty-ninth", "thirtieth", "thirty-first",
)  # fmt: skip
_NOON, _FIRST_HOUR = 12, 8
"""From eight on an hour is in the morning; before, in the afternoon."""
_HOUR = re.compile(
    rf"(?P<at>\b(?:at|around|after) (?:about )?)?\b(?P<hour>{'|'.join(_HOURS)}|1[0-2]|[1-9])(?::\d\d)?\b"
    r"(?P<mark> ?o'?clock)?(?:\W*(?P<part>[ap]\.? ?m\b|in the morning|in the afternoon|in the evening))?"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """When a demo would suit: ``weekday`` 0 (Monday) to 6, ``morning`` True, False for the afternoon, ``hour`` 0 to 23; None: any.

    ``but`` are weekdays that would not.
    """

    weekday: int | None = None
    morning: bool | None = None
    hour: int | None = None
    but: tuple[int, ...] = ()

    def __str__(self) -> str:
        not_then = " ".join(f"not {DAYS[day].lower()}" for day in self.but)
        day = DAYS[self.weekday].lower() if self.weekday is not None else not_then
        half = {True: "morning", False: "afternoon", None: ""}[self.morning]
        when = half if self.hour is None else _clock(self.hour)
        return f"{day} {when}".strip() or "any"

    def fits(self, moment: datetime) -> bool:
        """Whether a demo that begins then is as wished."""
        return (
            self.weekday in (None, moment.weekday())
            and moment.weekday() not in self.but
            and self.morning in (None, moment.hour < _NOON)
            and self.hour in (None, moment.hour)
        )

    def hours_off(self, moment: datetime) -> int:
        """How far from the wished hour it begins; 0 when any hour would do."""
        return 0 if self.hour is None else abs(moment.hour - self.hour)


def company_size(size: str | float) -> int:
    """``"40"``, ``40``, ``"40 people"``, ``"1,200"`` -> seats. Raises Unreadable unless it is a whole number from 1 to MAX_SEATS."""
    text = re.sub(r"\s*(?:people|persons?|seats?|employees|users)$", "", str(size).strip().lower()).replace(",", "")
    seats = _whole(text)
    if seats is None or seats < 1:
        raise Unreadable("The company size is not clear: give the number of people, such as 40.")
    if seats > MAX_SEATS:
        raise Unreadable(f"A quote for more than {MAX_SEATS} people is made by the customer care lead.")
    return seats


def percent(discount: str | float) -> int:
    """``"10"``, ``10``, ``"10 %"``, ``"10 percent"`` -> 10. Raises Unreadable unless it is a whole number from 0 to 100."""
    value = _whole(re.sub(r"\s*(?:%|per ?cent)$", "", str(discount).strip().lower()))
    if value is None or not 0 <= value <= 100:
        raise Unreadable("The discount is not clear: give it in whole percent, such as 10.")
    return value


def _whole(text: str) -> int | None:
    """A finite whole number of at most nine digits, or None."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value) >= 10**9 or value != int(value):
        return None
    return int(value)


def wish(text: str, today: date) -> Wish:
    """``"Thursday afternoon"``, ``"tomorrow at ten"``, ``"not in the morning"``, ``""`` -> Wish. What is not understood is no wish."""
    words = re.sub(r"\bnot (?:in |on )?(?:the )?morning\b", "afternoon", text.lower().replace("’", "'"))
    words = re.sub(r"\bnot (?:in |on )?(?:the )?afternoon\b", "morning", words)
    but = tuple(
        n for n, day in enumerate(DAYS) if re.search(rf"\b(?:not|but|except) (?:on )?(?:a )?{day.lower()}s?\b", words)
    )
    days = [n for n, day in enumerate(DAYS) if n not in but and re.search(rf"\b{day.lower()}s?\b", words)]
    if re.search(r"\btomorrow\b", words):
        days.append((today + timedelta(days=1)).weekday())
    halves = {half for half in ("morning", "afternoon") if half in words}
    day, hour = days[0] if len(days) == 1 else None, _hour(words)
    if hour is not None:
        return Wish(day, hour=hour, but=but)
    return Wish(day, halves == {"morning"} if len(halves) == 1 else None, but=but)


def _hour(words: str) -> int | None:
    """The hour of the day. A bare number counts only with "at", "o'clock", "a.m.", "p.m." or a part of the day."""
    if re.search(r"\bat noon\b", words):
        return _NOON
    for said in _HOUR.finditer(words):
        part = re.sub(r"\W", "", said["part"] or "")
        if not (said["at"] or said["mark"] or part):
            continue
        hour = (int(said["hour"]) if said["hour"].isdigit() else _HOURS.index(said["hour"])) % _NOON
        is_late = part in ("pm", "intheafternoon", "intheevening") or (not part and hour < _FIRST_HOUR)
        return hour + _NOON if is_late else hour
    return None


def moment(when: datetime, today: date) -> str:
    """``"Tuesday at ten in the morning"``; from a week on ``"Tuesday the eleventh at ten in the morning"``."""
    day = DAYS[when.weekday()]
    if (when.date() - today).days >= len(DAYS):
        day += f" the {_ORDINALS[when.day - 1]}"
    return f"{day} {_clock(when.hour, when.minute)}"


def _clock(hour: int, minute: int = 0) -> str:
    """``"at ten in the morning"``."""
    half = "in the morning" if hour < _NOON else "in the afternoon"
    minutes = f" {_minutes(minute)}" if minute else ""
    return f"at {_HOURS[hour % _NOON]}{minutes} {half}"


def _minutes(minute: int) -> str:
    return {15: "fifteen", 30: "thirty", 45: "forty-five"}[minute]
