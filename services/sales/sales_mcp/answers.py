"""Rows as tool results. What a playbook is to say stands in flat fields: it can say a value, but not search a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from backoffice.rows import Customer
from backoffice.words import money, spoken_date

from sales_mcp import catalogue, quotes, words
from sales_mcp.rows import Booking, DemoSlot, Plan, Quote


def plan(row: Plan) -> dict[str, Any]:
    """One plan: prices as dollars a month."""
    return {
        "plan": row.name,
        "made_for": row.made_for,
        "price_per_month": money(row.price_cents),
        "included_seats": row.included_seats,
        "max_seats": row.max_seats,
        "price_per_extra_seat": money(row.extra_seat_cents) if row.extra_seat_cents else "",
        "features": catalogue.features(row),
    }


def plans(rows: Sequence[Plan]) -> dict[str, Any]:
    """All plans, one sentence that tells them, and ``team_price``, ``team_features`` and the like."""
    told = [f"{row.name} for {row.made_for} at ${money(row.price_cents).removesuffix('.00')} a month" for row in rows]
    flat: dict[str, str] = {}
    for row in rows:
        short = row.name.lower().removeprefix("cloud ")
        flat |= {f"{short}_price": money(row.price_cents), f"{short}_features": catalogue.features(row)}
    return {"in_words": catalogue.listed(told), **flat, "plans": [plan(row) for row in rows]}


def customer_plan(row: Customer, has: Plan, larger: Plan | None) -> dict[str, Any]:
    """What a customer has; ``larger_plan`` empty when there is none."""
    return {
        "account_id": row.account_id,
        "first_name": row.name.split()[0],
        "company": row.company,
        "seats": row.seats,
        "seats_in_words": "one seat" if row.seats == 1 else f"{row.seats} seats",
        **plan(has),
        "larger_plan": larger.name if larger else "",
        "larger_price_per_month": money(larger.price_cents) if larger else "",
        "larger_features": catalogue.features(larger) if larger else "",
    }


def choice(made: Quote, *, named: Plan | None, fitting: Plan) -> str:
    """Which plan was quoted and why, as it fits after "for ten people": the plan that was named is not sold as our advice."""
    if named is None or named.name == fitting.name:
        return f"I recommend {made.plan_name}"
    if made.plan_name == named.name:
        return f"I can give you {made.plan_name}, though {fitting.name} has room for that many too"
    room = "one person" if named.max_seats == 1 else f"{named.max_seats} people"
    return f"I recommend {made.plan_name}, because {named.name} is for {room} at most"


def quote(row: Quote, offered: Plan, *, limit_percent: int, choice: str) -> dict[str, Any]:
    """A quote: ``price_per_seat`` and the totals are dollars a month, after the discount; ``choice`` says why it is that plan."""
    return {
        "reference": row.reference,
        "plan": row.plan_name,
        "choice": choice,
        "features": catalogue.features(offered),
        "seats": row.seats,
        "people": "one person" if row.seats == 1 else f"{row.seats} people",
        "price_per_seat": money(quotes.per_seat_cents(row)),
        "list_price_per_month": money(row.list_cents),
        "discount_percent": row.discount_percent,
        "max_discount_percent": limit_percent,
        "total_per_month": money(row.total_cents),
        "valid_until": spoken_date(row.valid_until),
    }


def times(rows: Sequence[DemoSlot], today: date, *, wish: words.Wish, as_wished: bool) -> dict[str, Any]:
    """Free times; the first one also in flat fields, empty when there is none. ``wish`` is how the words were understood."""
    listed = [{"slot_id": row.slot_id, "time": words.moment(row.starts_at, today)} for row in rows]
    first = listed[0] if listed else {"slot_id": "", "time": ""}
    return {"count": len(listed), "wish": str(wish), "as_wished": as_wished, **first, "slots": listed}


def booking(row: Booking, today: date) -> dict[str, Any]:
    """A booked demo."""
    return {
        "reference": row.reference,
        "slot_id": row.slot_id,
        "time": words.moment(row.slot.starts_at, today),
    }
