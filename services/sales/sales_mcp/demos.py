"""Booking a demo: a slot once at all, and one demo a call."""

from __future__ import annotations

from datetime import datetime

from backoffice.office import Refused
from sqlalchemy import select
from sqlalchemy.orm import Session

from sales_mcp import slots
from sales_mcp.leads import Interest
from sales_mcp.rows import Booking, DemoSlot


def book(session: Session, slot_id: str, interest: Interest, *, call_id: str, now: datetime) -> Booking:
    """Books a slot. Raises Refused when it is not free, too soon, or when this call has its demo already.

    Two at once: the unique constraint refuses the later one (IntegrityError), who looks again and is refused here.
    """
    slot = session.get(DemoSlot, slot_id)
    if slot is None or slot.starts_at.date() not in slots.days_ahead(now.date()):
        raise Refused("There is no such time in the calendar.")
    mine = session.scalar(select(Booking).where(Booking.call_id == call_id))
    if mine is not None:
        raise Refused(f"A demo is booked in this call already: {mine.reference}.")
    if session.scalar(select(Booking).where(Booking.slot_id == slot_id)) is not None:
        raise Refused("That time has just been taken.")
    booking = Booking(slot=slot, call_id=call_id, interest=interest.stored, seats=interest.seats, booked_at=now)
    session.add(booking)
    session.flush()
    return booking
