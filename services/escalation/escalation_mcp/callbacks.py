"""When a manager calls back: the week's slots against the clock, booked once each, one callback a call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backoffice.database import hold
from backoffice.office import Refused
from backoffice.words import Unreadable
from sqlalchemy import select
from sqlalchemy.orm import Session

from escalation_mcp.references import next_reference
from escalation_mcp.rows import Callback, CallbackSlot, HumanRequest
from escalation_mcp.spoken import Wish

DAYS_AHEAD = 8
"""So that "Monday at ten", said on a Monday, is within reach."""
LEAD = timedelta(minutes=60)
"""A manager needs an hour to read the case first."""
GONE = "That slot is not free any more."


@dataclass(frozen=True, slots=True)
class OnLine:
    """Who asks: the call, the account as the caller says it (may be empty), and whether he was verified for it."""

    call_id: str
    account_id: str
    is_verified: bool


def free_slots(session: Session, now: datetime) -> list[datetime]:
    """The starts of all free slots of the next DAYS_AHEAD days, earliest first."""
    week = session.execute(select(CallbackSlot.weekday, CallbackSlot.minute)).all()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + timedelta(days=n) for n in range(DAYS_AHEAD + 1)]
    starts = {day + timedelta(minutes=minute) for day in days for weekday, minute in week if day.weekday() == weekday}
    taken = set(session.scalars(select(Callback.starts_at).where(Callback.starts_at >= now)))
    return sorted(start for start in starts - taken if now + LEAD <= start < now + timedelta(days=DAYS_AHEAD))


def best_slots(free: Sequence[datetime], wish: Wish) -> list[datetime]:
    """Those nearest to what the caller wishes first, the earlier first among equals."""
    return sorted(free, key=lambda start: (*wish.misses(start), start))


def read_slot(slot_id: str) -> datetime:
    """``"2026-11-26T15:00"``. Raises Unreadable."""
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d", slot_id.strip()):
            raise ValueError
        return datetime.fromisoformat(slot_id.strip())
    except ValueError:
        raise Unreadable("The slot is not clear: give slot_id as find_callback_slots gave it.") from None


def slot_id(starts_at: datetime) -> str:
    """``"2026-11-26T15:00"``."""
    return starts_at.isoformat(timespec="minutes")


def read_phone(phone: str) -> str:
    """Digits only, with a leading + if there was one; empty stays empty. Raises Unreadable."""
    if not phone.strip():
        return ""
    digits = re.sub(r"\D", "", phone)
    if not 7 <= len(digits) <= 15:
        raise Unreadable("The phone number is not clear: give it with its area code.")
    return f"{'+' if phone.strip().startswith('+') else ''}{digits}"


def is_booked(session: Session, online: OnLine, starts_at: datetime, *, phone: str) -> bool:
    """Whether the call's callback is in this slot, and under this number when one is given."""
    booked = _of(session, online)
    return booked is not None and booked.starts_at == starts_at and phone in ("", booked.phone)


def _of(session: Session, online: OnLine) -> Callback | None:
    return session.scalar(select(Callback).where(Callback.call_id == online.call_id))


def book(
    session: Session, online: OnLine, starts_at: datetime, *, phone: str, reason: str, now: datetime
) -> tuple[Callback, bool]:
    """Books a free slot: the callback, and whether it was moved from another. Raises Refused when the slot is gone.

    A call has one callback; asked again with another slot or number, it is changed and keeps its reference.
    """
    hold(session, "callback slot", slot_id(starts_at))
    hold(session, "callback of call", online.call_id)
    booked = _of(session, online)
    if booked is not None:
        booked.phone = phone or booked.phone
    if booked is not None and booked.starts_at == starts_at:
        return booked, False
    if starts_at not in free_slots(session, now):
        raise Refused(GONE)
    is_moved = booked is not None
    if booked is None:
        booked = Callback(
            reference=next_reference(session, Callback),
            starts_at=starts_at,
            call_id=online.call_id,
            account_id=online.account_id,
            is_verified=online.is_verified,
            phone=phone,
            reason=reason,
            booked_at=now,
        )
        session.add(booked)
    booked.starts_at = starts_at
    session.flush()
    return booked, is_moved


def ask_for_human(session: Session, online: OnLine, *, reason: str, now: datetime) -> tuple[HumanRequest, int]:
    """The request for a human, and how many wait before it. One a call: asked again it is the same one."""
    hold(session, "human request of call", online.call_id)
    asked = session.scalar(select(HumanRequest).where(HumanRequest.call_id == online.call_id))
    if asked is None:
        asked = HumanRequest(
            reference=next_reference(session, HumanRequest),
            call_id=online.call_id,
            account_id=online.account_id,
            is_verified=online.is_verified,
            reason=reason,
            status="waiting",
            requested_at=now,
        )
        session.add(asked)
        session.flush()
    waiting = session.scalars(select(HumanRequest.reference).where(HumanRequest.status == "waiting")).all()
    return asked, sum(reference < asked.reference for reference in waiting)
