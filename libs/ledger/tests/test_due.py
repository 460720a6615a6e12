"""A wish in normalised words becomes the moment at which the callback is due."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from ledger.due import due_at

ZONE = "America/Los_Angeles"
SAID = datetime(2026, 3, 4, 10, 30, tzinfo=ZoneInfo(ZONE))
"""A Wednesday, half past ten in the morning where the office is."""


def due(wished: str) -> str:
    found = due_at(wished, SAID.timestamp(), after_seconds=600, time_zone=ZONE)
    return f"{datetime.fromtimestamp(found, ZoneInfo(ZONE)):%a %Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("wished", "when"),
    [
        ("2026-03-05 14:00", "Thu 2026-03-05 14:00"),
        ("2026-03-05T14:00", "Thu 2026-03-05 14:00"),
        ("2026-03-05", "Thu 2026-03-05 09:00"),
        ("tomorrow", "Thu 2026-03-05 09:00"),
        ("tomorrow morning", "Thu 2026-03-05 09:00"),
        ("tomorrow at 3 pm", "Thu 2026-03-05 15:00"),
        ("day after tomorrow", "Fri 2026-03-06 09:00"),
        ("Friday afternoon", "Fri 2026-03-06 14:00"),
        ("wednesday", "Wed 2026-03-11 09:00"),
        ("this evening", "Wed 2026-03-04 17:00"),
        ("today at noon", "Wed 2026-03-04 12:00"),
        ("at 9 am", "Thu 2026-03-05 09:00"),
        ("16:45", "Wed 2026-03-04 16:45"),
        ("12:15 a.m.", "Thu 2026-03-05 00:15"),
        ("tomorrow at three", "Thu 2026-03-05 15:00"),
        ("tomorrow 3 p.m", "Thu 2026-03-05 15:00"),
        ("at three in the afternoon", "Wed 2026-03-04 15:00"),
        ("ten in the morning", "Thu 2026-03-05 10:00"),
        ("friday after eleven", "Fri 2026-03-06 11:00"),
        ("friday at 12", "Fri 2026-03-06 12:00"),
        ("next week", "Mon 2026-03-09 09:00"),
        ("next week on tuesday at two", "Tue 2026-03-10 14:00"),
        ("tonight", "Wed 2026-03-04 19:00"),
        ("at seven in the evening", "Wed 2026-03-04 19:00"),
        ("the one on friday", "Fri 2026-03-06 09:00"),
        ("2026-03-05 9:30", "Thu 2026-03-05 09:30"),
    ],
)
def test_the_wish_is_the_next_moment_that_fits_it(wished: str, when: str) -> None:
    assert due(wished) == when


@pytest.mark.parametrize(
    "wished",
    ["", "as soon as possible", "2026-02-30", "2026-03-01 10:00", "25:99", "now", "this week", "one", "this morning"],
)
def test_a_wish_that_names_no_time_to_come_is_due_soon(wished: str) -> None:
    assert due(wished) == "Wed 2026-03-04 10:40"


def test_the_day_on_which_the_clocks_change_has_its_hour() -> None:
    assert due("2026-03-08 09:00") == "Sun 2026-03-08 09:00"
