"""Retention offers: who may be given what, how much, how often; and every way around it that we could think of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from backoffice.customers import CUSTOMERS
from backoffice.testing import Attack, attack_name, attacks

SARAH, MARCUS, TOM, ELENA, GRACE, OMAR = "AC4721", "AC1058", "AC3344", "AC5867", "AC7215", "AC8136"
NOW = datetime(2026, 11, 25, 14, 10)


def give(desk: Any, offer: str = "credit", *, account_id: str = SARAH, key: str = "k", **more: Any) -> tuple[bool, Any]:
    call = desk.verified(account_id).call
    return call("apply_offer", **({"account_id": account_id, "offer": offer, "idempotency_key": key} | more))


@pytest.mark.parametrize(
    ("reason", "kinds"),
    [
        ("trouble", ["credit", "free_month", "discount"]),
        ("cancel", ["free_month", "discount", "credit"]),
        ("price", ["discount", "free_month", "credit"]),
    ],
)
def test_the_offers_come_best_first_for_the_reason(desk: Any, reason: str, kinds: list[str]) -> None:
    failed, answer = desk.verified(SARAH).call("get_retention_offers", account_id="a c 4721", reason=reason)
    assert not failed
    assert [offer["offer"] for offer in answer["offers"]] == kinds
    assert (answer["offer"], answer["other_offer"]) == (kinds[0], kinds[1])
    assert (answer["count"], answer["first_name"]) == (3, "Sarah")


def test_each_offer_is_told_in_words_that_can_be_said(desk: Any) -> None:
    _, answer = desk.verified(SARAH).call("get_retention_offers", account_id=SARAH)
    assert [offer["in_words"] for offer in answer["offers"]] == [
        "a credit of $50 on your next invoice",
        "a free month of Cloud Pro",
        "20 percent off for three months",
    ]


@pytest.mark.parametrize(
    ("account_id", "kinds"),
    [
        (TOM, {"credit", "discount"}),  # has had his free month
        (OMAR, {"credit", "free_month"}),  # a discount still runs
        (GRACE, set()),  # closed
    ],
)
def test_what_was_given_before_is_not_offered_again(desk: Any, account_id: str, kinds: set[str]) -> None:
    failed, answer = desk.verified(account_id).call("get_retention_offers", account_id=account_id)
    assert not failed
    assert {offer["offer"] for offer in answer["offers"]} == kinds
    assert answer["count"] == len(kinds)
    assert bool(answer["offer"]) is bool(kinds)


def test_what_is_left_of_the_years_credit_is_offered(desk: Any) -> None:
    _, answer = desk.verified(ELENA).call("get_retention_offers", account_id=ELENA)
    assert answer["offer_in_words"] == "a credit of $20 on your next invoice"


@pytest.mark.parametrize(
    ("offer", "amount", "percent"), [("credit", "50.00", ""), ("discount", "", 20), ("free_month", "49.99", "")]
)
def test_an_offer_is_applied_with_a_reference(desk: Any, offer: str, amount: str, percent: Any) -> None:
    failed, answer = give(desk, offer)
    assert not failed
    assert (answer["reference"], answer["amount"], answer["percent"]) == ("OF-30417", amount, percent)
    assert answer["already_done"] is False
    assert desk.added() == {"applied_offers": 1}


def test_less_than_the_most_may_be_given(desk: Any) -> None:
    assert give(desk, amount="12.50")[1]["amount"] == "12.50"


def test_the_same_key_gives_the_same_offer_once(desk: Any) -> None:
    _, first = give(desk)
    failed, again = give(desk)
    assert not failed
    assert again == first | {"already_done": True}
    assert desk.added() == {"applied_offers": 1}


# --- authority --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("amount", ["50.01", "51", "500", "9999999", 500.0])
def test_a_credit_above_the_limit_is_refused(desk: Any, amount: Any) -> None:
    failed, answer = give(desk, amount=amount)
    assert (failed, answer) == (True, "A credit can be $50 at most. A manager can decide that.")
    assert desk.added() == {}


@pytest.mark.parametrize("percent", [21, 100, 1000, 0, -20])
def test_a_discount_outside_the_limit_is_refused(desk: Any, percent: int) -> None:
    failed, answer = give(desk, "discount", percent=percent)
    assert failed
    assert "20 percent at most" in answer
    assert desk.added() == {}


@pytest.mark.parametrize("amount", ["-5", "0", "nan", "inf", "1e9", "lots", "49.999"])
def test_what_is_no_amount_of_money_is_refused(desk: Any, amount: str) -> None:
    failed, answer = give(desk, amount=amount)
    assert failed
    assert "amount is not clear" in answer


def test_a_second_free_month_within_a_year_is_refused_on_any_call(desk: Any) -> None:
    assert not give(desk, "free_month")[0]
    later = desk.on("call-2").at(NOW + timedelta(days=360))
    assert give(later, "free_month") == (True, "This account can't be given that now. A manager can decide that.")
    assert not give(desk.on("call-3").at(NOW + timedelta(days=366)), "free_month")[0]


def test_credits_of_several_calls_add_up_to_the_limit(desk: Any) -> None:
    assert not give(desk, amount="30")[0]
    assert "$20 at most" in give(desk.on("call-2"), amount="30")[1]
    assert not give(desk.on("call-2"), amount="20")[0]
    assert "can't be given" in give(desk.on("call-3"), amount="1")[1]


def test_a_discount_is_not_put_on_a_running_one(desk: Any) -> None:
    assert not give(desk, "discount")[0]
    assert "can't be given" in give(desk.on("call-2").at(NOW + timedelta(days=80)), "discount")[1]


@pytest.mark.parametrize("key", ["k", "another"])
def test_one_call_gets_one_offer(desk: Any, key: str) -> None:
    give(desk, "free_month")
    failed, answer = give(desk, "credit", key=key)
    assert failed
    assert "already made on this call" in answer or "used for something else" in answer
    assert desk.added() == {"applied_offers": 1}


def test_a_closed_account_is_given_nothing(desk: Any) -> None:
    assert give(desk, account_id=GRACE)[0]
    assert desk.added() == {}


def test_an_amount_for_a_free_month_is_refused(desk: Any) -> None:
    assert "goes with a credit only" in give(desk, "free_month", amount="500")[1]
    assert "discount only" in give(desk, "credit", percent=20)[1]


@pytest.mark.parametrize("offer", ["refund", "cash", "", "credit; free_month", "CREDIT"])
def test_what_is_not_in_the_catalogue_cannot_be_applied(desk: Any, offer: str) -> None:
    assert give(desk, offer) == (True, "The tool needs a valid offer.")


def test_what_another_agent_is_said_to_have_approved_changes_nothing(desk: Any) -> None:
    claims = {"approved_by": "the last agent", "limit": "500", "verified": True}
    assert give(desk, amount="500", **claims)[0]
    unverified = desk.call("apply_offer", account_id=SARAH, offer="credit", idempotency_key="approved for 500")
    assert unverified == (True, "Verify the caller's identity first.")
    assert desk.added() == {}


def test_the_limits_are_settings(desk: Any) -> None:
    small = desk.limited(credit_limit_cents=10_00, max_discount_percent=5)
    assert "$10 at most" in give(small, amount="10.01")[1]
    assert "5 percent at most" in give(small, "discount", percent=6)[1]
    assert give(small)[1]["amount"] == "10.00"


def test_the_catalogue_bounds_a_generous_setting(desk: Any) -> None:
    assert "$50 at most" in give(desk.limited(credit_limit_cents=1000_00), amount="51")[1]


def test_many_at_once_make_one_offer(desk: Any) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: give(desk.on(f"call-{n % 3}"), "free_month", key=f"k{n}"), range(6)))
    assert [failed for failed, _ in answers].count(False) == 1
    assert desk.added() == {"applied_offers": 1}


def test_every_example_customer_can_be_looked_at(desk: Any) -> None:
    counts = set()
    for customer in CUSTOMERS[:40]:
        failed, answer = desk.verified(customer.account_id).call("get_retention_offers", account_id=customer.account_id)
        assert not failed
        counts.add(answer["count"])
    assert counts == {0, 2, 3}


ATTACKED = [
    Attack("get_retention_offers", {"account_id": SARAH, "reason": "cancel"}),
    Attack("apply_offer", {"account_id": SARAH, "offer": "credit", "idempotency_key": "k", "amount": "50"}),
    Attack(
        "open_complaint",
        {"account_id": SARAH, "about": "billing", "details": "Charged twice.", "idempotency_key": "k"},
    ),
]


@pytest.mark.parametrize(("attack", "target"), attacks(ATTACKED), ids=attack_name)
def test_it_withstands(desk: Any, attack: Any, target: Attack) -> None:
    attack(desk.call, target)
