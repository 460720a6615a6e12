"""When a promised callback is due: what the caller wished, in normalised words, as a moment."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_PARTS = {"morning": 9, "noon": 12, "afternoon": 14, "evening": 17, "tonight": 19}
"""The hour at which a call in that part of the day is made."""
_OPENS_AT = 8
"""An hour below it, said without more, is one of the afternoon; a day without an hour means the first hour of work."""
_DATE = re.compile(r"\b(\d{4}-\d\d-\d\d)(?:[ t](?=\d))?")
_CLOCK = re.compile(
    rf"(?P<before>\b(?:at|around|before|after) )?\b(?P<hour>\d\d?|{'|'.join(_HOURS)})(?::(?P<minute>\d\d))?"
    r"(?: ?(?P<half>[ap])\.?m\b| ?(?P<behind>o'clock| in the ))?"
)
_DAY = timedelta(days=1)


def due_at(wished: str, created_at: float, *, after_seconds: float, time_zone: str) -> float:
    """Seconds since the epoch: the first moment after ``created_at`` that fits the wish (``2026-03-04 10:00``,
    ``tomorrow morning``, ``friday at three``, ``14:30``), in that time zone. ``after_seconds`` later when it names no time, or
    one that is over: sooner than wished is better than never."""
    created = datetime.fromtimestamp(created_at, ZoneInfo(time_zone))
    wanted = _moment(wished.lower(), created)
    if wanted is None or wanted <= created:
        return created_at + after_seconds
    return wanted.astimezone(UTC).timestamp()


def _moment(text: str, created: datetime) -> datetime | None:
    dated = _DATE.search(text)
    day = _date(dated[1]) if dated else _day(text, created)
    clock = _clock(text[dated.end() :] if dated else text)
    if day is None and (clock is None or dated):
        return None
    found = datetime.combine(day or created.date(), clock or time(_PARTS["morning"]), created.tzinfo)
    # "At nine", said at ten, is tomorrow's.
    return found + _DAY if day is None and found <= created else found


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _day(text: str, created: datetime) -> date | None:
    today = created.date()
    if "day after tomorrow" in text:
        return today + 2 * _DAY
    if "tomorrow" in text:
        return today + _DAY
    if re.search(r"\btoday\b|\bthis (?:morning|afternoon|evening)\b|\btonight\b", text):
        return today
    named = next((number for number, name in enumerate(_DAYS) if re.search(rf"\b{name}\b", text)), None)
    if "next week" in text:
        return today + (7 - today.weekday() + (named or 0)) * _DAY
    return None if named is None else today + ((named - today.weekday() - 1) % 7 + 1) * _DAY


def _clock(text: str) -> time | None:
    part = next((name for name in _PARTS if re.search(rf"\b{name}\b", text)), "")
    for said in _CLOCK.finditer(text):
        # A number alone may be anything.
        if said["minute"] or said["half"] or said["before"] or said["behind"]:
            return _time(said, part)
    return time(_PARTS[part]) if part else None


def _time(said: re.Match[str], part: str) -> time | None:
    hour = _HOURS.index(said["hour"]) + 1 if said["hour"] in _HOURS else int(said["hour"])
    if said["half"]:
        hour = hour % 12 + (12 if said["half"] == "p" else 0)
    elif part in ("afternoon", "evening", "tonight") or (not part and not said["minute"] and 0 < hour < _OPENS_AT):
        hour += 12 if hour < 12 else 0
    try:
        return time(hour, int(said["minute"] or 0))
    except ValueError:
        return None
