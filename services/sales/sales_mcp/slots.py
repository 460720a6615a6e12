"""The calendar of demos: working days ahead, a few times a day; filled up as the days go by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from backoffice.office import Refused
from sqlalchemy import select
from sqlalchemy.orm import Session

from sales_mcp.rows import Booking, DemoSlot
from sales_mcp.words import Wish

HOURS = (9, 10, 11, 14, 15, 16)
"""When a demo may begin, in the office's own time."""
DAYS_AHEAD = 10
"""Working days, from tomorrow on."""
OFFERED = 3
"""More times than that nobody keeps in mind."""
ANY = Wish()
_SATURDAY, _NOON = 5, 12


def fill(session: Session, today: date) -> None:
    """Adds the slots that the calendar lacks for the days ahead. Call inside a writing session."""
    wanted = [datetime.combine(day, time(hour)) for day in days_ahead(today) for hour in HOURS]
    there = set(session.scalars(select(DemoSlot.starts_at).where(DemoSlot.starts_at >= wanted[0])))
    session.add_all(DemoSlot(slot_id=slot_id(moment), starts_at=moment) for moment in wanted if moment not in there)
    session.flush()


def is_full(session: Session, today: date) -> bool:
    """Whether the calendar already reaches to the last day ahead."""
    last = datetime.combine(days_ahead(today)[-1], time(HOURS[-1]))
    return session.get(DemoSlot, slot_id(last)) is not None


def days_ahead(today: date) -> list[date]:
    """The next working days, tomorrow at the earliest."""
    days = (today + timedelta(days=n) for n in range(1, 2 * DAYS_AHEAD))
    return [day for day in days if day.weekday() < _SATURDAY][:DAYS_AHEAD]


def free(session: Session, today: date, wish: Wish) -> list[DemoSlot]:
    """The slots from tomorrow on that nobody has booked and that are as wished, the soonest first."""
    begin = datetime.combine(today + timedelta(days=1), time())
    query = select(DemoSlot).where(DemoSlot.starts_at >= begin, DemoSlot.slot_id.not_in(select(Booking.slot_id)))
    return [slot for slot in session.scalars(query.order_by(DemoSlot.starts_at)) if wish.fits(slot.starts_at)]


def best(session: Session, today: date, wish: Wish, *, after: datetime | None) -> tuple[list[DemoSlot], bool]:
    """What to offer, and whether it is as wished: when nothing fits the wish, other free times are better than none.

    Of an hour that is taken, those of the same day that are nearest to it.
    """
    if fitting := choice(free(session, today, wish), OFFERED, after=after):
        return fitting, True
    if wish.hour is not None and wish.weekday is not None:
        same_day = [
            slot for slot in free(session, today, Wish(wish.weekday)) if after is None or slot.starts_at > after
        ]
        if same_day:
            near = sorted(same_day, key=lambda s: (s.starts_at.date(), wish.hours_off(s.starts_at), s.starts_at))
            return near[:OFFERED], False
    return choice(free(session, today, ANY), OFFERED, after=after), wish == ANY


def choice(found: Sequence[DemoSlot], count: int, *, after: datetime | None = None) -> list[DemoSlot]:
    """At most ``count`` slots, ``after`` a time that did not suit, that differ.

    Each is on another day than those before and in the other half of its day, as far as there are such.
    """
    left = [slot for slot in found if after is None or slot.starts_at > after]
    before = [after] if after is not None else []
    chosen: list[DemoSlot] = []
    while left and len(chosen) < count:
        best = min(left, key=lambda slot: _likeness(slot.starts_at, before))
        left.remove(best)
        before.append(best.starts_at)
        chosen.append(best)
    return chosen


def _likeness(moment: datetime, before: Sequence[datetime]) -> tuple[bool, bool, datetime]:
    same_day = any(other.date() == moment.date() for other in before)
    same_half = bool(before) and (before[-1].hour < _NOON) == (moment.hour < _NOON)
    return same_day, same_half, moment


def start_of(session: Session, wanted: str) -> datetime | None:
    """When the slot of that ID begins; None for no ID. Raises Refused when there is no such slot."""
    if not wanted.strip():
        return None
    slot = session.get(DemoSlot, wanted.strip())
    if slot is None:
        raise Refused("There is no such time in the calendar.")
    return slot.starts_at


def slot_id(moment: datetime) -> str:
    """``"2026-03-10T10:00"``."""
    return moment.isoformat(timespec="minutes")
