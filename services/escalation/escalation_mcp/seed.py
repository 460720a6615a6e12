"""Example data for every customer: who has had which offer, and when the managers call back. Invented: none of it exists.

Of the customers written by hand, AC3344, AC6102 and AC1963 have had their free month, AC8136 has a discount that still runs,
AC5867 has had 30 of her 50 dollars of credit, and AC7215's account is closed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from backoffice.customers import CUSTOMERS, PLANS, Customer
from sqlalchemy.orm import Session

from escalation_mcp.rows import AppliedOffer, Callback, CallbackSlot, Complaint, Offer, Standing

_CLOSED = frozenset({"AC7215"})
_BY_HAND = {
    # account: (kind, cents, percent, days ago)
    "AC3344": ("free_month", 0, 0, 100),
    "AC6102": ("free_month", 0, 0, 200),
    "AC1963": ("free_month", 0, 0, 30),
    "AC8136": ("discount", 0, 15, 20),
    "AC5867": ("credit", 30_00, 0, 45),
}
_HAND_WRITTEN = 10
_MANAGERS = ("Ruth Adeyemi", "Ruth Adeyemi", "Carl Jensen", "Carl Jensen", "Ruth Adeyemi")
"""Monday to Friday."""
_HOURS = (9, 10, 11, 13, 14, 15, 16)


def examples(session: Session, *, now: datetime | None = None) -> None:
    """Fills the tables. ``now``: the moment that "a hundred days ago" is told from; left out, this machine's."""
    now = now or datetime.now()
    session.add_all(
        [
            Offer(kind="credit", amount_cents=50_00, percent=0, months=0),
            Offer(kind="discount", amount_cents=0, percent=20, months=3),
            Offer(kind="free_month", amount_cents=0, percent=0, months=1),
        ]
    )
    session.add_all(
        CallbackSlot(weekday=weekday, minute=hour * 60, manager=manager)
        for weekday, manager in enumerate(_MANAGERS)
        for hour in _HOURS
    )
    session.add_all(
        Standing(account_id=c.account_id, status="closed" if c.account_id in _CLOSED else "active") for c in CUSTOMERS
    )
    session.flush()
    for number, customer in enumerate(CUSTOMERS):
        _history(session, customer, number=number, now=now)


def _history(session: Session, customer: Customer, *, number: int, now: datetime) -> None:
    """What has happened before: every fourth has had a free month, every ninth a complaint, a few a callback."""
    offer = _BY_HAND.get(customer.account_id)
    if offer is None and number >= _HAND_WRITTEN and number % 4 == 0:
        offer = ("free_month", 0, 0, 10 + number)
    if offer is not None:
        kind, cents, percent, days = offer
        session.add(
            AppliedOffer(
                reference=f"OF-{30000 + number}",
                account_id=customer.account_id,
                call_id=f"example-{customer.account_id}",
                kind=kind,
                amount_cents=PLANS[customer.plan] if kind == "free_month" else cents,
                percent=percent,
                applied_at=now - timedelta(days=days),
            )
        )
    if number >= _HAND_WRITTEN and number % 9 == 0:
        _old_case(session, customer, number=number, now=now)


def _old_case(session: Session, customer: Customer, *, number: int, now: datetime) -> None:
    opened_at = (now - timedelta(days=60 + number)).replace(minute=0, second=0, microsecond=0)
    details = "Example: the invoice came two weeks late." if number % 2 else "Example: a backup could not be restored."
    session.add(
        Complaint(
            reference=f"CC-{40000 + number}",
            account_id=customer.account_id,
            call_id=f"example-{customer.account_id}",
            about="billing" if number % 2 else "technical",
            details=details,
            opened_at=opened_at,
            answer_due_on=opened_at.date() + timedelta(days=2),
        )
    )
    session.add(
        Callback(
            reference=f"CB-{50000 + number}",
            # A day of its own for each, so that no two fall on one hour.
            starts_at=(opened_at + timedelta(days=1)).replace(hour=10),
            call_id=f"example-{customer.account_id}",
            account_id=customer.account_id,
            is_verified=True,
            phone="",
            reason=details,
            booked_at=opened_at,
        )
    )
