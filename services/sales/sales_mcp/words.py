"""What callers and models write for company sizes, discounts and wished times; and times as a voice says them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
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
_NOON = 12


@dataclass(frozen=True, slots=True)
class Wish:
    """When a demo would suit: ``weekday`` 0 (Monday) to 6, ``morning`` True, False for the afternoon; None: any."""

    weekday: int | None = None
    morning: bool | None = None

    def __str__(self) -> str:
        day = DAYS[self.weekday].lower() if self.weekday is not None else ""
        half = {True: "morning", False: "afternoon", None: ""}[self.morning]
        return f"{day} {half}".strip() or "any"

    def fits(self, moment: datetime) -> bool:
        """Whether a demo that begins then is as wished."""
        return self.weekday in (None, moment.weekday()) and self.morning in (None, moment.hour < _NOON)


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


def wish(text: str) -> Wish:
    """``"Thursday afternoon"``, ``"not in the morning"``, ``""`` -> Wish. What is not understood is no wish."""
    words = re.sub(r"\bnot (?:in |on )?(?:the )?morning\b", "afternoon", text.lower())
    words = re.sub(r"\bnot (?:in |on )?(?:the )?afternoon\b", "morning", words)
    days = [n for n, day in enumerate(DAYS) if re.search(rf"\b{day.lower()}s?\b", words)]
    halves = {half for half in ("morning", "afternoon") if half in words}
    return Wish(days[0] if len(days) == 1 else None, halves == {"morning"} if len(halves) == 1 else None)


def moment(when: datetime, today: date) -> str:
    """``"Tuesday at ten in the morning"``; from a week on ``"Tuesday the eleventh at ten in the morning"``."""
    day = DAYS[when.weekday()]
    if (when.date() - today).days >= len(DAYS):
        day += f" the {_ORDINALS[when.day - 1]}"
    half = "in the morning" if when.hour < _NOON else "in the afternoon"
    minutes = f" {_minutes(when.minute)}" if when.minute else ""
    return f"{day} at {_HOURS[when.hour % _NOON]}{minutes} {half}"


def _minutes(minute: int) -> str:
    return {15: "fifteen", 30: "thirty", 45: "forty-five"}[minute]
