"""Leads: who may become a customer, or buy more, with what this call has brought about. One a call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backoffice.office import Refused
from sqlalchemy import select
from sqlalchemy.orm import Session

from sales_mcp.rows import Booking, Lead, Quote

MAX_INTEREST_CHARS = 120


@dataclass(frozen=True, slots=True)
class Interest:
    """What somebody is interested in: free text, and for how many people, as far as known."""

    words: str = ""
    seats: int | None = None

    @property
    def stored(self) -> str:
        """On one line, not longer than its column, and without what no database keeps (NUL, half a surrogate pair)."""
        printable = "".join(c if c.isprintable() else " " for c in self.words)
        return " ".join(printable.split())[:MAX_INTEREST_CHARS]


def create(session: Session, interest: Interest, *, account_id: str | None, call_id: str, now: datetime) -> Lead:
    """Keeps a lead with the newest quote and the demo of this call. Raises Refused when the call has a lead already.

    ``account_id`` must have been verified on this call; None for who is no customer, or did not need to say so.
    """
    if session.scalar(select(Lead).where(Lead.call_id == call_id)) is not None:
        raise Refused("This call has its lead already.")
    quote = session.scalar(select(Quote).where(Quote.call_id == call_id).order_by(Quote.quote_id.desc()).limit(1))
    booking = session.scalar(select(Booking).where(Booking.call_id == call_id))
    lead = Lead(
        call_id=call_id,
        account_id=account_id,
        interest=interest.stored,
        seats=interest.seats or (quote.seats if quote else None),
        quote_id=quote.quote_id if quote else None,
        booking_id=booking.booking_id if booking else None,
        created_at=now,
    )
    session.add(lead)
    session.flush()
    return lead
