"""The catalogue, and a calendar with gaps."""

from __future__ import annotations

from datetime import date, timedelta

from backoffice.customers import PLANS
from sqlalchemy.orm import Session

from sales_mcp import slots
from sales_mcp.rows import Booking, Feature, Plan

_PLANS = (
    # name, for whom, seats included, most seats, cents for a seat above, features; the monthly price is billing's too
    ("Cloud Pro", "one person", 1, 1, 0,
     ("two terabytes", "file versions for thirty days", "backup of one computer")),
    ("Cloud Team", "up to ten people", 10, 10, 0,
     ("shared folders", "file versions for ninety days", "backup of every computer")),
    ("Cloud Business", "whole companies", 200, None, 1_20,
     ("single sign-on", "file versions for a year", "support around the clock")),
)  # fmt: skip
_TAKEN_EVERY = 4
"""Every fourth slot has been booked by somebody before."""
_BOOKED_BEFORE = timedelta(days=15)


def examples(session: Session, *, today: date) -> None:
    """Adds the plans and a calendar to an empty database; the customers are there already."""
    session.add_all(
        Plan(
            name=name,
            made_for=made_for,
            price_cents=PLANS[name],
            included_seats=included,
            max_seats=most,
            extra_seat_cents=extra_cents,
            features=[Feature(words=words) for words in features],
        )
        for name, made_for, included, most, extra_cents, features in _PLANS
    )
    slots.fill(session, today)
    for slot in slots.free(session, today, slots.ANY)[1::_TAKEN_EVERY]:
        session.add(
            Booking(
                slot_id=slot.slot_id,
                call_id=f"example-{slot.slot_id}",
                interest="demo",
                seats=None,
                booked_at=slot.starts_at - _BOOKED_BEFORE,
            )
        )
