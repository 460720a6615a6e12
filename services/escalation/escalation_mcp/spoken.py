"""Money, days and hours as an agent says them, and the hour that a caller wishes for, read from free words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOURS = (
    "twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
)  # fmt: skip
_FIRST_MORNING_HOUR = 8
""""At seven" is in the evening for an office, "at eight" in the morning."""
_PARTS = {"morning": (0, 12), "afternoon": (12, 18), "evening": (16, 24)}
_CLOCK = re.compile(
    rf"\b(?:at |around |about )?({'|'.join(_HOURS)}|1[0-2]|[1-9])(?::?(?:00|30))?\s*(o'?clock|a\.?m\b|p\.?m\b|in the)?"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """When a caller would like to be called: any of these may be None, meaning any. ``hours`` is a half-open range of the day."""

    day: date | None = None
    hours: tuple[int, int] | None = None
    hour: int | None = None

    def misses(self, starts_at: datetime) -> tuple[bool, bool, int]:
        """How far a slot is from the wish: wrong day, wrong part of the day, hours off; all false or 0 when it fits."""
        return (
            self.day is not None and starts_at.date() != self.day,
            self.hours is not None and not self.hours[0] <= starts_at.hour < self.hours[1],
            0 if self.hour is None else abs(starts_at.hour - self.hour),
        )


def dollars(cents: int) -> str:
    """5000 -> ``"$50"``, 4999 -> ``"$49.99"``."""
    return f"${cents // 100}" + (f".{cents % 100:02d}" if cents % 100 else "")


def day_in_words(day: date, now: datetime) -> str:
    """``"today"``, ``"tomorrow"``, ``"on Friday"``, ``"on Friday of next week"``."""
    ahead = (day - now.date()).days
    if ahead in (0, 1):
        return ("today", "tomorrow")[ahead]
    return f"on {DAYS[day.weekday()]}{' of next week' if ahead >= 7 else ''}"


def time_in_words(moment: datetime, now: datetime) -> str:
    """``"tomorrow at three in the afternoon"``; for full hours."""
    if moment.hour == 12:
        return f"{day_in_words(moment.date(), now)} at noon"
    part = "morning" if moment.hour < 12 else "afternoon" if moment.hour < 18 else "evening"
    return f"{day_in_words(moment.date(), now)} at {_HOURS[moment.hour % 12]} in the {part}"


def wish(words: str, now: datetime) -> Wish:
    """``"tomorrow at three"``, ``"friday morning"``, ``"after four p.m."`` -> a Wish; what says no time says nothing."""
    text = words.lower().replace("’", "'")
    part = next((span for name, span in _PARTS.items() if re.search(rf"\b{name}\b", text)), None)
    return Wish(_day(text, now), part, _hour(text, part))


def _day(text: str, now: datetime) -> date | None:
    today = now.date()
    if re.search(r"\bday after tomorrow\b", text):
        return today + timedelta(days=2)
    if re.search(r"\btomorrow\b", text):
        return today + timedelta(days=1)
    if re.search(r"\btoday\b|\bthis (?:morning|afternoon|evening)\b", text):
        return today
    for weekday, name in enumerate(DAYS):
        if re.search(rf"\b{name.lower()}\b", text):
            return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    return None


def _hour(text: str, part: tuple[int, int] | None) -> int | None:
    """The hour of the day. A bare number counts only with "at", "o'clock", "a.m.", "p.m." or a part of the day."""
    if re.search(r"\bnoon\b", text):
        return 12
    for said in _CLOCK.finditer(text):
        mark = (said[2] or "").replace(".", "")
        is_hour = mark or part or re.match(r"at |around |about ", said[0])
        if not is_hour:
            continue
        number = int(said[1]) if said[1].isdigit() else _HOURS.index(said[1]) or 12
        afternoon = mark == "pm" or (mark != "am" and (part[0] >= 12 if part else number < _FIRST_MORNING_HOUR))
        return number % 12 + (12 if afternoon or (number == 12 and mark != "am") else 0)
    return None
