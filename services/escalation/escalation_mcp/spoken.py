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
_DAY = rf"(?:{'|'.join(DAYS).lower()}|today|tomorrow)"
_PART = r"(?:morning|afternoon|evening)"
_WHEN = rf"(?:on |at |in the |a )?(?:{_DAY}s?(?: {_PART}s?)?|{_PART}s?|(?:{'|'.join(_HOURS)}|1[0-2]|[1-9])(?: o'?clock)?)\b(?! (?:works|is fine|is good|suits|would))"
_NOT_THEN = re.compile(
    rf"\b(?:not|except|anything but|(?:any|every)\w*(?: other)?(?: day| time)? but|can't|cannot|couldn't|don't|won't)(?: (?:do|make|on|at|for|it|work|have time))* {_WHEN}(?:(?: or| and) {_WHEN})*"
    rf"|\bno {_DAY}s?\b"
    rf"|\b{_WHEN}(?: \w+)?? (?:isn't|doesn't|don't|won't|is not|does not|will not|is bad|is out|is no good|is impossible)\b"
)
"""Named as what would not do: "any day but Tuesday", "not in the morning", "Monday doesn't work"."""


@dataclass(frozen=True, slots=True)
class Wish:
    """When a caller would like to be called: any of these may be None, meaning any. ``hours`` is a half-open range of the day.

    ``but_days``, ``but_hours`` and ``but_hour`` would not do.
    """

    day: date | None = None
    hours: tuple[int, int] | None = None
    hour: int | None = None
    but_days: tuple[date, ...] = ()
    but_hours: tuple[int, int] | None = None
    but_hour: int | None = None

    def misses(self, starts_at: datetime) -> tuple[bool, bool, int]:
        """How far a slot is from the wish: wrong day, wrong part of the day, hours off; all false or 0 when it fits."""
        return (
            (self.day is not None and starts_at.date() != self.day) or starts_at.date() in self.but_days,
            (self.hours is not None and not self.hours[0] <= starts_at.hour < self.hours[1])
            or (self.but_hours is not None and self.but_hours[0] <= starts_at.hour < self.but_hours[1])
            or starts_at.hour == self.but_hour,
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
    refused = [match[0] for match in _NOT_THEN.finditer(text)]
    text = _NOT_THEN.sub(" ", text)
    part = _part(text)
    but_days = tuple(day for words in refused for day in _days(words, now))
    # "Not on Monday morning" leaves Monday's afternoon; told from "not on Monday" it is not worth a slot that might be wrong.
    bare = [words for words in refused if not _days(words, now)]
    but_part = next((span for words in bare if (span := _part(words))), None)
    but_hour = next((hour for words in bare if (hour := _hour(f"at {words.split()[-1]}", None)) is not None), None)
    return Wish(_day(text, now), part, _hour(text, part), but_days, but_part, but_hour)


def _part(text: str) -> tuple[int, int] | None:
    return next((span for name, span in _PARTS.items() if re.search(rf"\b{name}s?\b", text)), None)


def _days(text: str, now: datetime) -> list[date]:
    """Every day that is named, a weekday within this week and the next: the slots reach that far."""
    named = [day for word in re.findall(rf"\b{_DAY}", text) if (day := _day(word, now)) is not None]
    return [day + timedelta(days=week) for day in named for week in (-7, 0, 7)]


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
