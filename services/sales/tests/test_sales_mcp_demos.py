"""The calendar of demos: which times are offered, how they are said, and that a slot is booked once, by one call, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sales_mcp import slots, words
from sales_mcp.rows import Booking, DemoSlot

THURSDAY_AT_NINE, TAKEN = "2026-03-05T09:00", "2026-03-05T10:00"
TODAY = date(2026, 3, 4)


def book(desk: Any, slot_id: str = THURSDAY_AT_NINE, *, key: str = "d", **more: object) -> tuple[bool, Any]:
    return desk("book_demo", **({"slot_id": slot_id, "idempotency_key": key} | more))


def booked(desk: Any) -> list[Any]:
    """The bookings that the test made."""
    return [row for row in desk.rows(Booking) if not row.call_id.startswith("example")]


# --- which times ------------------------------------------------------------------------------------------------------
def test_three_free_times_on_different_days_and_in_different_halves_of_the_day_are_offered(desk: Any) -> None:
    failed, answer = desk("find_demo_slots")
    assert not failed
    assert [slot["time"] for slot in answer["slots"]] == [
        "Thursday at nine in the morning",
        "Friday at three in the afternoon",
        "Monday at nine in the morning",
    ]
    assert (answer["slot_id"], answer["count"]) == (THURSDAY_AT_NINE, 3)


def test_a_time_that_did_not_suit_is_followed_by_a_different_one(desk: Any) -> None:
    _, answer = desk("find_demo_slots", after=THURSDAY_AT_NINE)
    assert answer["time"] == "Friday at three in the afternoon"


@pytest.mark.parametrize(
    ("wish", "time"),
    [
        ("friday", "Friday at nine in the morning"),
        ("Thursday afternoon", "Thursday at two in the afternoon"),
        ("in the afternoon", "Thursday at two in the afternoon"),
        ("not in the morning", "Thursday at two in the afternoon"),
        ("Monday or Tuesday", "Thursday at nine in the morning"),
        ("whenever", "Thursday at nine in the morning"),
        ("Friday at two", "Friday the thirteenth at two in the afternoon"),
        ("tomorrow at eleven o'clock", "Thursday at eleven in the morning"),
        ("Thursday 3 p.m.", "Thursday at three in the afternoon"),
        ("not thursday", "Friday at nine in the morning"),
    ],
)
def test_a_wish_decides_what_is_offered(desk: Any, wish: str, time: str) -> None:
    assert desk("find_demo_slots", wish=wish)[1]["time"] == time


def test_of_an_hour_that_is_taken_the_nearest_of_that_day_is_offered(desk: Any) -> None:
    for n, day in enumerate(slots.days_ahead(TODAY)):
        book(desk.on(f"call-{n}"), f"{day}T10:00")
    _, answer = desk("find_demo_slots", wish="Thursday at ten")
    assert (answer["as_wished"], answer["wish"]) == (False, "thursday at ten in the morning")
    assert answer["slot_id"] == THURSDAY_AT_NINE


def test_a_wish_that_nothing_fits_is_answered_with_other_times(desk: Any) -> None:
    _, answer = desk("find_demo_slots", wish="Sunday")
    assert (answer["as_wished"], answer["wish"], answer["slot_id"]) == (False, "sunday", THURSDAY_AT_NINE)


def test_after_the_last_time_of_a_wished_day_other_days_are_offered(desk: Any) -> None:
    _, answer = desk("find_demo_slots", wish="friday", after="2026-03-13T16:00")
    assert (answer["as_wished"], answer["time"]) == (False, "Monday the sixteenth at nine in the morning")


def test_after_the_last_time_of_all_there_is_none(desk: Any) -> None:
    _, answer = desk("find_demo_slots", after="2026-03-18T16:00")
    assert (answer["count"], answer["slot_id"], answer["time"], answer["slots"]) == (0, "", "", [])


def test_booked_times_and_today_and_weekends_are_never_offered(desk: Any) -> None:
    with desk.database.reading() as session:
        free = slots.free(session, TODAY, slots.ANY)
        starts = [slot.starts_at for slot in free]
    taken = {row.slot_id for row in desk.rows(Booking)}
    assert len(taken) == 15
    assert not taken & {slot.slot_id for slot in free}
    assert all(start.date() > TODAY and start.weekday() < 5 for start in starts)


def test_the_calendar_fills_up_as_the_days_go_by(desk: Any) -> None:
    later = desk.at(datetime(2026, 6, 1, 8, 0))
    assert later("find_demo_slots")[1]["slot_id"] == "2026-06-02T09:00"
    rows = desk.count(DemoSlot)
    assert later("find_demo_slots", wish="friday")[1]["time"] == "Friday at nine in the morning"
    assert desk.count(DemoSlot) == rows == 2 * slots.DAYS_AHEAD * len(slots.HOURS)


@pytest.mark.parametrize("days", range(7))
def test_there_are_ten_working_days_ahead_whatever_day_it_is(days: int) -> None:
    ahead = slots.days_ahead(TODAY + timedelta(days=days))
    assert len(ahead) == slots.DAYS_AHEAD
    assert ahead[0] > TODAY + timedelta(days=days)


@pytest.mark.parametrize(
    ("when", "spoken"),
    [
        (datetime(2026, 3, 10, 10), "Tuesday at ten in the morning"),
        (datetime(2026, 3, 5, 12), "Thursday at twelve in the afternoon"),
        (datetime(2026, 3, 6, 14, 30), "Friday at two thirty in the afternoon"),
        (datetime(2026, 3, 11, 9), "Wednesday the eleventh at nine in the morning"),
        (datetime(2026, 3, 31, 16), "Tuesday the thirty-first at four in the afternoon"),
    ],
)
def test_a_time_is_said_as_people_say_it(when: datetime, spoken: str) -> None:
    assert words.moment(when, TODAY) == spoken


# --- booking ----------------------------------------------------------------------------------------------------------
def test_a_demo_is_booked_with_its_time_and_a_reference(desk: Any) -> None:
    failed, answer = book(desk, interest="backup", company_size="40")
    assert not failed
    assert (answer["reference"], answer["time"]) == ("DM-70418", "Thursday at nine in the morning")
    (row,) = booked(desk)
    assert (row.slot_id, row.interest, row.seats) == (THURSDAY_AT_NINE, "backup", 40)


def test_the_same_booking_asked_for_twice_is_one(desk: Any) -> None:
    _, first = book(desk)
    assert book(desk) == (False, first | {"already_done": True})
    assert len(booked(desk)) == 1


def test_a_slot_of_somebody_else_is_not_given_again(desk: Any) -> None:
    assert book(desk, TAKEN) == (True, "That time has just been taken.")
    book(desk)
    assert book(desk.on("call-2")) == (True, "That time has just been taken.")
    assert desk.on("call-2")("find_demo_slots")[1]["slot_id"] == "2026-03-05T11:00"


def test_a_call_has_one_demo_whatever_key_is_used(desk: Any) -> None:
    book(desk)
    failed, answer = book(desk, "2026-03-06T09:00", key="another")
    assert failed
    assert answer == "A demo is booked in this call already: DM-70418."
    assert len(booked(desk)) == 1


@pytest.mark.parametrize(
    "slot_id",
    [
        "",
        "2026-03-04T14:00",
        "2020-03-05T09:00",
        "2026-03-07T09:00",
        "' OR 1=1 --",
        "\x00",
        "2026-03-05",
        "None",
        "x" * 1999,
    ],
)
def test_a_time_that_is_not_in_the_calendar_is_refused(desk: Any, slot_id: str) -> None:
    assert book(desk, slot_id)[0]
    assert booked(desk) == []


def test_a_slot_that_has_gone_by_is_refused(desk: Any) -> None:
    answer = book(desk.at(datetime(2026, 3, 5, 8, 0)))
    assert answer == (True, "There is no such time in the calendar.")


@pytest.mark.parametrize("slot_id", [None, 1, True, ["2026-03-05T09:00"], {}])
def test_a_slot_of_a_wrong_type_is_refused(desk: Any, slot_id: object) -> None:
    assert book(desk, slot_id) == (True, "The tool needs a valid slot_id.")  # type: ignore[arg-type]


def test_of_many_calls_at_once_one_gets_the_slot(desk: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: book(desk.on(f"call-{n}")), range(8)))
    assert sorted(failed for failed, _ in answers) == [False] + [True] * 7
    assert {answer for failed, answer in answers if failed} == {"That time has just been taken."}
    assert len(booked(desk)) == 1


def test_of_many_bookings_at_once_in_one_call_one_is_made(desk: Any) -> None:
    free = ["2026-03-05T09:00", "2026-03-05T11:00", "2026-03-05T14:00", "2026-03-06T09:00"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: book(desk, free[n % 4], key=f"k{n % 4}"), range(8)))
    assert len(booked(desk)) == 1
