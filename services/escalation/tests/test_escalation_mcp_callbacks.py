"""Callbacks, requests for a human, complaints: booked once, for everybody or for the verified, relative to a clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from escalation_mcp import spoken
from escalation_mcp.rows import Callback, Complaint, HumanRequest
from sqlalchemy import select

NOW = datetime(2026, 11, 25, 14, 10)
TOMORROW_AT_THREE = "2026-11-26T15:00"


def book(desk: Any, slot_id: str = TOMORROW_AT_THREE, *, key: str = "k", **more: Any) -> tuple[bool, Any]:
    return desk.call(
        "book_callback", **({"slot_id": slot_id, "reason": "Charged twice.", "idempotency_key": key} | more)
    )


def row(desk: Any, table: type[Any]) -> Any:
    """The newest row that the test made."""
    with desk.database.reading() as session:
        return session.scalars(select(table).order_by(table.reference.desc())).first()


# --- slots ------------------------------------------------------------------------------------------------------------
def test_the_next_free_slots_come_first_and_one_on_another_day(desk: Any) -> None:
    failed, answer = desk.call("find_callback_slots")
    assert not failed
    assert (answer["slot_id"], answer["in_words"]) == ("2026-11-25T16:00", "today at four in the afternoon")
    assert answer["other_in_words"] == "tomorrow at nine in the morning"
    assert all(set(slot) == {"slot_id", "in_words"} for slot in answer["slots"])


@pytest.mark.parametrize(
    ("wanted", "in_words", "as_wanted"),
    [
        ("tomorrow at three", "tomorrow at three in the afternoon", True),
        ("Tomorrow afternoon, please.", "tomorrow at one in the afternoon", True),
        ("Could it be on Friday morning?", "on Friday at nine in the morning", True),
        ("ten o'clock on Friday", "on Friday at ten in the morning", True),
        ("at 4 p.m.", "today at four in the afternoon", True),
        ("Monday at noon", "on Monday at eleven in the morning", False),
        ("on Saturday", "today at four in the afternoon", False),
        ("next Wednesday", "on Wednesday of next week at nine in the morning", True),
        ("I have two cars", "today at four in the afternoon", True),
    ],
)
def test_what_the_caller_wishes_decides_which_is_offered(
    desk: Any, wanted: str, in_words: str, as_wanted: bool
) -> None:
    _, answer = desk.call("find_callback_slots", wanted=wanted)
    assert (answer["in_words"], answer["as_wanted"]) == (in_words, as_wanted)


@pytest.mark.parametrize(
    ("now", "in_words"),
    [
        (
            datetime(2026, 11, 27, 15, 30),
            "on Monday at nine in the morning",
        ),  # a Friday, half an hour before the last slot
        (datetime(2026, 11, 28, 9, 0), "on Monday at nine in the morning"),
        (datetime(2026, 11, 29, 9, 0), "tomorrow at nine in the morning"),
        (datetime(2026, 11, 26, 6, 0), "today at nine in the morning"),
    ],
)
def test_slots_are_told_from_the_clock(desk: Any, now: datetime, in_words: str) -> None:
    assert desk.at(now).call("find_callback_slots")[1]["in_words"] == in_words


def test_a_booked_slot_is_not_offered_again(desk: Any) -> None:
    assert not book(desk)[0]
    _, answer = desk.on("call-2").call("find_callback_slots", wanted="tomorrow at three")
    assert TOMORROW_AT_THREE not in str(answer)
    assert answer["in_words"] == "tomorrow at two in the afternoon"


# --- callbacks --------------------------------------------------------------------------------------------------------
def test_a_callback_is_booked_without_verification_and_read_back(desk: Any) -> None:
    failed, answer = book(desk)
    assert not failed
    assert (answer["reference"], answer["in_words"]) == ("CB-50417", "tomorrow at three in the afternoon")
    assert desk.added() == {"callbacks": 1}


def test_the_same_key_books_once_and_another_key_finds_the_same_booking(desk: Any) -> None:
    _, first = book(desk)
    assert book(desk, reason="Said in other words.")[1] == first | {"already_done": True}
    assert book(desk, key="other")[1]["reference"] == first["reference"]
    assert desk.added() == {"callbacks": 1}


def test_a_call_has_one_callback_and_may_move_it(desk: Any) -> None:
    _, first = book(desk)
    _, moved = book(desk, "2026-11-27T10:00", key="k2")
    assert (moved["reference"], moved["moved"]) == (first["reference"], True)
    assert moved["in_words"] == "on Friday at ten in the morning"
    assert desk.added() == {"callbacks": 1}
    assert not book(desk.on("call-2"))[0], "the slot that was left is free again"


def test_who_moves_the_callback_and_wants_the_first_time_again_has_it(desk: Any) -> None:
    """There and back and there again, each time with the key of that time."""
    friday = "2026-11-27T10:00"
    _, first = book(desk)
    for slot_id in (friday, TOMORROW_AT_THREE, friday, TOMORROW_AT_THREE):
        failed, answer = book(desk, slot_id, key="k" if slot_id == TOMORROW_AT_THREE else "k2")
        assert not failed
        assert (answer["reference"], answer["slot_id"]) == (first["reference"], slot_id)
        assert (answer["moved"], answer["already_done"]) == (True, False)
        assert row(desk, Callback).starts_at == datetime.fromisoformat(slot_id)
    assert book(desk)[1]["already_done"], "said twice it is the same"
    assert desk.added() == {"callbacks": 1}


def test_who_wants_a_first_time_again_that_somebody_else_has_by_now_keeps_the_second(desk: Any) -> None:
    book(desk)
    book(desk, "2026-11-27T10:00", key="k2")
    book(desk.on("call-2"))
    failed, answer = book(desk)
    assert (failed, answer) == (True, "That slot is not free any more.")
    assert row(desk, Callback).call_id == "call-2"
    assert book(desk, "2026-11-27T10:00", key="k2")[1]["already_done"]


def test_who_changes_the_number_and_changes_it_back_is_called_at_the_first(desk: Any) -> None:
    numbers = ("5035550142", "5035550199", "5035550142")
    for phone in numbers:
        assert book(desk, key=phone, phone=phone)[1]["phone"] == phone
        assert row(desk, Callback).phone == phone
    assert book(desk, key=numbers[0], phone=numbers[0])[1]["already_done"]


@pytest.mark.parametrize(
    ("slot_id", "sentence"),
    [
        ("2026-11-25T09:00", "not free"),  # past
        ("2026-11-25T15:00", "not free"),  # in less than an hour
        ("2026-11-28T10:00", "not free"),  # a Saturday
        ("2026-11-26T12:00", "not free"),  # lunch
        ("2027-11-26T15:00", "not free"),  # too far ahead
        ("2026-11-26T15:07", "not free"),
        ("tomorrow at three", "slot is not clear"),
        ("2026-13-45T99:99", "slot is not clear"),
        ("", "slot is not clear"),
    ],
)
def test_what_is_no_free_slot_cannot_be_booked(desk: Any, slot_id: str, sentence: str) -> None:
    failed, answer = book(desk, slot_id)
    assert failed
    assert sentence in answer
    assert desk.added() == {}


def test_a_race_for_one_slot_has_one_winner(desk: Any) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: book(desk.on(f"call-{n}")), range(6)))
    assert [failed for failed, _ in answers].count(False) == 1
    assert {answer for failed, answer in answers if failed} == {"That slot is not free any more."}
    assert desk.added() == {"callbacks": 1}


def test_one_call_cannot_take_all_the_slots(desk: Any) -> None:
    for hour in (9, 10, 11, 13):
        book(desk, f"2026-11-26T{hour:02d}:00", key=f"k{hour}")
    assert desk.added() == {"callbacks": 1}


def test_an_account_that_was_only_said_is_noted_as_such_and_tells_nothing(desk: Any) -> None:
    for n, account_id in enumerate(("AC4721", "AC9998")):
        failed, answer = book(desk.on(f"call-{n}"), f"2026-11-26T{13 + n}:00", account_id=account_id)
        assert not failed
        assert account_id not in str(answer)
        assert (row(desk, Callback).account_id, row(desk, Callback).is_verified) == (account_id, False)


def test_a_verified_callers_account_is_noted_as_verified(desk: Any) -> None:
    book(desk.verified("AC4721"), account_id="AC4721")
    assert row(desk, Callback).is_verified
    book(desk.on("call-2").verified("AC1058"), "2026-11-27T10:00", account_id="AC4721")
    assert not row(desk, Callback).is_verified


@pytest.mark.parametrize(
    ("phone", "stored"), [("503 555 0142", "5035550142"), ("+1 (503) 555-0142", "+15035550142"), ("", "")]
)
def test_a_number_to_call_is_stored_as_digits(desk: Any, phone: str, stored: str) -> None:
    book(desk, phone=phone)
    assert row(desk, Callback).phone == stored


def test_a_number_that_is_none_is_refused(desk: Any) -> None:
    assert "area code" in book(desk, phone="12")[1]


def test_a_call_that_nobody_knows_books_nothing(desk: Any) -> None:
    assert book(desk.on(""))[0]
    assert desk.added() == {}


# --- a human ----------------------------------------------------------------------------------------------------------
def test_a_human_is_asked_for_once_and_the_place_in_line_is_told(desk: Any) -> None:
    asked = {"reason": "Wants a manager now.", "idempotency_key": "k"}
    _, first = desk.call("request_human", **asked)
    _, second = desk.on("call-2").call("request_human", **asked)
    assert (first["reference"], first["waiting_before"]) == ("HR-60417", 0)
    assert (second["reference"], second["waiting_before"]) == ("HR-60418", 1)
    assert desk.call("request_human", **asked | {"idempotency_key": "k2"})[1]["reference"] == "HR-60417"
    assert desk.added() == {"human_requests": 2}
    assert row(desk, HumanRequest).status == "waiting"


# --- complaints -------------------------------------------------------------------------------------------------------
def complain(desk: Any, *, key: str = "k", **more: Any) -> tuple[bool, Any]:
    arguments = {"account_id": "AC4721", "about": "billing", "details": "Charged twice.", "idempotency_key": key}
    return desk.verified("AC4721").call("open_complaint", **(arguments | more))


def test_a_complaint_has_a_reference_and_a_day(desk: Any) -> None:
    failed, answer = complain(desk)
    assert not failed
    assert (answer["reference"], answer["answer_by"]) == ("CC-40417", "Friday")
    assert complain(desk)[1] == answer | {"already_done": True}
    assert desk.added() == {"complaints": 1}
    assert row(desk, Complaint).details == "Charged twice."


def test_a_weekend_does_not_count_as_two_working_days(desk: Any) -> None:
    assert complain(desk.at(datetime(2026, 11, 27, 9)))[1]["answer_by"] == "Tuesday"


def test_a_complaint_needs_words_and_a_matter(desk: Any) -> None:
    assert "a sentence on what happened" in complain(desk, details="  ")[1]
    assert complain(desk, about="everything") == (True, "The tool needs a valid about.")
    assert desk.added() == {}


def test_a_call_opens_three_cases_at_most(desk: Any) -> None:
    answers = [complain(desk, key=f"k{n}", details=f"Number {n}.") for n in range(5)]
    assert [failed for failed, _ in answers] == [False, False, False, True, True]


# --- words ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "hour"),
    [("at nine", 9), ("at three", 15), ("three p.m.", 15), ("8 am", 8), ("twelve o'clock", 12), ("12 am", 0),
     ("one in the afternoon", 13), ("three", None), ("my 2 invoices", None), ("at 10:30", 10)],
)  # fmt: skip
def test_an_hour_is_read_as_an_office_means_it(words: str, hour: int | None) -> None:
    assert spoken.wish(words, NOW).hour == hour


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("today", 25),
        ("tomorrow", 26),
        ("day after tomorrow", 27),
        ("Friday", 27),
        ("this afternoon", 25),
        ("Thursday", 26),
    ],
)
def test_a_day_is_told_from_today(words: str, day: int) -> None:
    assert spoken.wish(words, NOW).day == NOW.date().replace(day=day)


def test_money_is_said_without_needless_cents() -> None:
    assert [spoken.dollars(c) for c in (50_00, 49_99, 5_05)] == ["$50", "$49.99", "$5.05"]
