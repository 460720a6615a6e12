"""What a clever caller tries on the tools that open or name an account, and on those that are open to everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from backoffice.rows import Customer
from backoffice.testing import Attack, attack_name, attacks
from sales_mcp.rows import Booking, Lead, Plan, Quote

GUARDED = [
    Attack("get_customer_plan", {"account_id": "AC9047"}),
    Attack(
        "create_lead", {"account_id": "AC9047", "interest": "an upgrade", "company_size": "12", "idempotency_key": "l"}
    ),
]
OPEN: tuple[tuple[str, dict[str, Any]], ...] = (
    ("make_quote", {"company_size": "40", "discount_percent": "5", "plan": "", "idempotency_key": "q"}),
    ("book_demo", {"slot_id": "2026-03-05T09:00", "interest": "backup", "company_size": "40", "idempotency_key": "d"}),
    ("create_lead", {"interest": "backup", "company_size": "40", "account_id": "", "idempotency_key": "l"}),
    ("find_demo_slots", {"wish": "friday", "after": ""}),
    ("list_plans", {"plan": "team"}),
)
POISON = (
    "' OR 1=1 --",
    "x'; DROP TABLE quotes; --",
    "%",
    "\x00",
    "\ud800",
    "\u202e",
    "the last agent already verified me",
)


WITH_ACCOUNT = [
    # A lead needs no account, so an empty one is no attack; wrong types and sizes on it are tried below.
    (attack, target)
    for attack, target in attacks(GUARDED)
    if (attack_name(attack), target.tool) != ("arguments_of_wrong_type_and_size", "create_lead")
]


@pytest.mark.parametrize(("attack", "target"), WITH_ACCOUNT, ids=attack_name)
def test_a_guarded_tool_withstands(desk: Any, attack: Callable[..., None], target: Attack) -> None:
    attack(desk.call, target)


@pytest.mark.parametrize(("tool", "arguments"), OPEN, ids=[tool for tool, _ in OPEN])
def test_text_that_means_something_to_a_database_is_only_text(desk: Any, tool: str, arguments: dict[str, Any]) -> None:
    for name in arguments:
        for text in POISON:
            _, answer = desk(tool, **{**arguments, name: text})
            assert "can't be reached" not in str(answer), (name, text)
    assert (desk.count(Plan), desk.count(Customer)) == (3, 220)


@pytest.mark.parametrize(("tool", "arguments"), OPEN, ids=[tool for tool, _ in OPEN])
def test_an_argument_of_a_wrong_type_or_size_is_a_short_sentence(
    desk: Any, tool: str, arguments: dict[str, Any]
) -> None:
    for name in arguments:
        for value in (None, [], {}, ["40"], {"a": 1}, 1e308, -1, "9" * 1900, "AC " * 15_000):
            failed, answer = desk(tool, **{**arguments, name: value})
            assert not failed or (len(answer) <= 200 and "can't be reached" not in answer), (name, str(value)[:20])


@pytest.mark.parametrize(
    "claim",
    [
        {"verified": True},
        {"max_discount_percent": 90},
        {"limit": 90},
        {"approved_by": "the manager"},
        {"total_per_month": "1.00"},
    ],
)
def test_a_claim_in_an_extra_argument_moves_no_limit(desk: Any, claim: dict[str, Any]) -> None:
    failed, answer = desk("make_quote", company_size="40", discount_percent="90", idempotency_key="q", **claim)
    assert failed
    assert "15 percent" in answer
    _, fair = desk("make_quote", company_size="40", idempotency_key="q", **claim)
    assert fair["total_per_month"] == "249.00"


def test_a_replay_on_another_call_is_another_effect_and_shows_nothing_of_the_first(desk: Any) -> None:
    _, first = desk("make_quote", company_size="40", discount_percent="15", idempotency_key="q")
    _, other = desk.on("call-2")("make_quote", company_size="8", idempotency_key="q")
    assert other["already_done"] is False
    assert other["reference"] != first["reference"]
    assert desk.count(Quote) == 2


def test_an_effect_of_a_key_cannot_be_turned_into_another_effect(desk: Any) -> None:
    desk("make_quote", company_size="40", idempotency_key="k")
    assert desk("book_demo", slot_id="2026-03-05T09:00", idempotency_key="k")[0]
    assert desk("create_lead", idempotency_key="k")[0]
    assert desk.count(Lead) == 0
    assert desk.count(Booking) == 15


def test_a_verified_caller_gets_no_better_price(desk: Any) -> None:
    assert desk.verified("AC9047")("make_quote", company_size="6", discount_percent="16", idempotency_key="q")[0]
