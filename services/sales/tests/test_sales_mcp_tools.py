"""Plans, quotes, leads and the customer's plan, over a real database: who may know what, and how much may be given away."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from backoffice.customers import CUSTOMERS, PLANS
from backoffice.rows import Customer
from sales_mcp.rows import Booking, Lead, Quote
from sqlalchemy import text

FREE_SLOT = "2026-03-05T09:00"


def quote(desk: Any, size: object = "40", *, key: str = "q", **more: object) -> tuple[bool, Any]:
    return desk("make_quote", **({"company_size": size, "idempotency_key": key} | more))


# --- plans ------------------------------------------------------------------------------------------------------------
def test_everybody_may_hear_the_plans_and_their_prices_are_those_that_billing_charges(desk: Any) -> None:
    failed, answer = desk("list_plans")
    assert not failed
    assert answer["in_words"] == (
        "Cloud Pro for one person at $49.99 a month, Cloud Team for up to ten people at $79 a month"
        " and Cloud Business for whole companies at $249 a month"
    )
    assert {p["plan"]: round(float(p["price_per_month"]) * 100) for p in answer["plans"]} == PLANS


@pytest.mark.parametrize("name", ["Cloud Team", "team", " the TEAM plan "])
def test_one_plan_is_found_by_its_name(desk: Any, name: str) -> None:
    failed, answer = desk("list_plans", plan=name)
    assert not failed
    assert (answer["plan"], answer["max_seats"]) == ("Cloud Team", 10)
    assert answer["features"].startswith("shared folders, ")


def test_a_plan_that_does_not_exist_is_a_plain_sentence(desk: Any) -> None:
    assert desk("list_plans", plan="Cloud Gold") == (True, "There is no plan of that name.")


# --- the customer's own plan ------------------------------------------------------------------------------------------
def test_a_verified_customer_hears_the_own_plan_and_the_next_larger_one(desk: Any) -> None:
    failed, answer = desk.verified("AC9047")("get_customer_plan", account_id="a c 9047")
    assert not failed
    assert (answer["plan"], answer["seats"], answer["price_per_month"]) == ("Cloud Team", 6, "79.00")
    assert (answer["larger_plan"], answer["larger_price_per_month"]) == ("Cloud Business", "249.00")


def test_the_largest_plan_has_no_larger_one(desk: Any) -> None:
    _, answer = desk.verified("AC8136")("get_customer_plan", account_id="AC8136")
    assert (answer["plan"], answer["larger_plan"], answer["seats_in_words"]) == ("Cloud Business", "", "60 seats")


def test_every_example_customer_has_a_plan_with_room_for_their_seats(desk: Any) -> None:
    assert desk.count(Customer) == len(CUSTOMERS) >= 200
    for customer in CUSTOMERS[::20]:
        failed, answer = desk.verified(customer.account_id)("get_customer_plan", account_id=customer.account_id)
        assert not failed
        assert (answer["plan"], answer["seats"]) == (customer.plan, customer.seats)
        assert answer["seats"] <= (answer["max_seats"] or answer["seats"])


# --- quotes -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("size", "plan", "per_seat", "total"),
    [
        ("1", "Cloud Pro", "49.99", "49.99"),
        (2, "Cloud Team", "39.50", "79.00"),
        ("8 people", "Cloud Team", "9.88", "79.00"),
        (10, "Cloud Team", "7.90", "79.00"),
        ("11", "Cloud Business", "22.64", "249.00"),
        ("40", "Cloud Business", "6.23", "249.00"),
        ("200", "Cloud Business", "1.25", "249.00"),
        ("1,200", "Cloud Business", "1.21", "1449.00"),
        (5000, "Cloud Business", "1.20", "6009.00"),
    ],
)
def test_a_quote_is_for_the_smallest_plan_that_has_room(
    desk: Any, size: object, plan: str, per_seat: str, total: str
) -> None:
    failed, answer = quote(desk, size)
    assert not failed
    assert (answer["plan"], answer["price_per_seat"], answer["total_per_month"]) == (plan, per_seat, total)
    assert answer["valid_until"] == "April 3"


def test_a_quote_is_stored_once_however_often_it_is_asked_for(desk: Any) -> None:
    _, first = quote(desk)
    failed, second = quote(desk)
    assert not failed
    assert (first["reference"], first["already_done"]) == ("QT-60417", False)
    assert second == first | {"already_done": True}
    assert desk.count(Quote) == 1


def test_the_same_key_for_another_size_is_refused(desk: Any) -> None:
    quote(desk)
    failed, answer = quote(desk, "41")
    assert failed
    assert "used for something else" in answer


@pytest.mark.parametrize(
    ("discount", "per_seat", "total"),
    [("15", "5.29", "211.65"), (10, "5.60", "224.10"), ("5 percent", "5.91", "236.55")],
)
def test_a_discount_within_the_limit_is_taken_off(desk: Any, discount: object, per_seat: str, total: str) -> None:
    failed, answer = quote(desk, discount_percent=discount)
    assert not failed
    assert (answer["price_per_seat"], answer["total_per_month"]) == (per_seat, total)
    assert answer["list_price_per_month"] == "249.00"


@pytest.mark.parametrize("discount", [16, "16", "100", "15.0001", "99 %"])
def test_a_discount_above_the_limit_is_refused_and_nothing_is_stored(desk: Any, discount: object) -> None:
    failed, answer = quote(desk, discount_percent=discount)
    assert failed
    assert "most that sales can give is 15 percent" in answer or "whole percent" in answer
    assert desk.count(Quote) == 0


def test_the_limit_of_the_discount_is_a_setting(desk: Any) -> None:
    assert not quote(desk.limited(16), discount_percent=16)[0]
    assert quote(desk.limited(0), discount_percent=1, key="k")[0]


def test_discounts_of_two_quotes_do_not_add_up(desk: Any) -> None:
    quote(desk, discount_percent=15)
    _, answer = quote(desk, discount_percent=15, key="once more")
    assert answer["total_per_month"] == "211.65"


@pytest.mark.parametrize(
    "size", ["-3", 0, -0.5, "NaN", float("nan"), float("inf"), "1e999", 40.5, "ten", "", " ", True, None, [40], 10**30]
)
def test_a_size_that_is_no_number_of_people_is_refused(desk: Any, size: object) -> None:
    failed, answer = quote(desk, size)
    assert failed
    assert "company size is not clear" in answer or answer == "The tool needs a valid company_size."
    assert desk.count(Quote) == 0


@pytest.mark.parametrize("discount", ["-15", -1, "NaN", float("nan"), float("inf"), "14.9", "all", True, None, {}])
def test_a_discount_that_is_no_percentage_is_refused(desk: Any, discount: object) -> None:
    failed, answer = quote(desk, discount_percent=discount)
    assert failed
    assert "discount is not clear" in answer or answer == "The tool needs a valid discount_percent."
    assert desk.count(Quote) == 0


def test_a_company_that_is_too_large_is_for_the_customer_care_lead(desk: Any) -> None:
    failed, answer = quote(desk, 5001)
    assert failed
    assert "more than 5000 people" in answer


def test_a_plan_that_is_too_small_gives_way_to_the_one_that_fits_and_it_is_said_why(desk: Any) -> None:
    _, answer = quote(desk, 11, plan="Cloud Team")
    assert answer["plan"] == "Cloud Business"
    assert answer["choice"] == "I recommend Cloud Business, because Cloud Team is for 10 people at most"


def test_a_larger_plan_than_needed_may_be_quoted(desk: Any) -> None:
    _, answer = quote(desk, 5, plan="business")
    assert (answer["plan"], answer["total_per_month"]) == ("Cloud Business", "249.00")
    assert answer["choice"] == "I can give you Cloud Business, though Cloud Team has room for that many too"


def test_a_call_gets_ten_quotes_and_no_more(desk: Any) -> None:
    answers = [quote(desk, n, key=f"k{n}") for n in range(1, 12)]
    assert [failed for failed, _ in answers] == [False] * 10 + [True]
    assert not quote(desk.on("call-2"))[0]


@pytest.mark.parametrize("key", ["", " ", "k" * 201])
def test_without_an_idempotency_key_nothing_is_done(desk: Any, key: str) -> None:
    assert quote(desk, key=key)[0]
    assert desk("create_lead", idempotency_key=key)[0]
    assert desk("book_demo", slot_id=FREE_SLOT, idempotency_key=key)[0]
    assert (desk.count(Quote), desk.count(Lead)) == (0, 0)


def test_what_belongs_to_no_call_changes_nothing(desk: Any) -> None:
    nobody = desk.on("")
    assert quote(nobody)[0]
    assert nobody("create_lead", idempotency_key="l")[0]
    assert nobody("book_demo", slot_id=FREE_SLOT, idempotency_key="d")[0]
    assert (desk.count(Quote), desk.count(Lead)) == (0, 0)


# --- leads ------------------------------------------------------------------------------------------------------------
def test_a_lead_holds_what_the_call_has_brought_about(desk: Any) -> None:
    quote(desk)
    quote(desk, key="better", discount_percent=15)
    desk("book_demo", slot_id=FREE_SLOT, idempotency_key="d")
    failed, answer = desk("create_lead", interest=" shared\n folders ", idempotency_key="l")
    assert not failed
    assert answer["reference"] == "LD-80625"
    (lead,) = desk.rows(Lead)
    (booking,) = [row for row in desk.rows(Booking) if row.call_id == "call-1"]
    assert (lead.interest, lead.seats, lead.quote_id, lead.booking_id) == ("shared folders", 40, 2, booking.booking_id)
    assert lead.account_id is None


def test_a_lead_never_holds_another_calls_quote_or_demo(desk: Any) -> None:
    quote(desk)
    desk("book_demo", slot_id=FREE_SLOT, idempotency_key="d")
    desk.on("call-2")("create_lead", interest="plans", idempotency_key="l")
    (lead,) = desk.rows(Lead)
    assert (lead.call_id, lead.quote_id, lead.booking_id) == ("call-2", None, None)


def test_a_call_has_one_lead_whatever_key_is_used(desk: Any) -> None:
    _, first = desk("create_lead", interest="plans", idempotency_key="l")
    _, again = desk("create_lead", interest="plans", idempotency_key="l")
    assert again == first | {"already_done": True}
    assert desk("create_lead", interest="plans", idempotency_key="m") == (True, "This call has its lead already.")
    assert desk.count(Lead) == 1


def test_a_verified_customers_lead_names_the_account(desk: Any) -> None:
    failed, _ = desk.verified("AC9047")("create_lead", account_id="AC9047", interest="upgrade", idempotency_key="l")
    assert not failed
    assert desk.rows(Lead)[0].account_id == "AC9047"


def test_a_lead_in_somebody_elses_name_is_refused(desk: Any) -> None:
    for caller in (desk, desk.verified("AC1058")):
        answer = caller("create_lead", account_id="AC9047", interest="upgrade", idempotency_key="l")
        assert answer == (True, "Verify the caller's identity first.")
    assert desk.count(Lead) == 0


# --- faults -----------------------------------------------------------------------------------------------------------
def test_a_failing_database_is_told_plainly_and_logged_without_arguments(
    desk: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with desk.database.writing() as session:
        session.execute(text("ALTER TABLE quotes RENAME TO gone"))
    with caplog.at_level(logging.DEBUG):
        failed, answer = quote(desk, 4721)
    assert failed
    assert answer == "The sales records can't be reached right now."
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("sqlalchemy")]
    assert "4721" not in "".join(ours)
