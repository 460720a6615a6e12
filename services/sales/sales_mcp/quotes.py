"""The authority over prices: what a quote may cost, and how much of it may be given away.

The discount has a limit, and a call can only ask for so many quotes. A prompt cannot change any of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from backoffice.office import Refused
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sales_mcp import catalogue
from sales_mcp.rows import Quote

VALID_DAYS = 30
MAX_QUOTES_PER_CALL = 10
"""Nobody needs more; somebody who tries the limits would."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the quote is for; ``plan_name`` empty for the plan that fits. A named plan without room gives way to the one that fits."""

    seats: int
    discount_percent: int = 0
    plan_name: str = ""


def make(session: Session, wanted: Wanted, *, call_id: str, limit_percent: int, today: date) -> Quote:
    """A new quote, stored. Raises Refused, and stores nothing then. Call inside a writing session."""
    if wanted.discount_percent > limit_percent:
        raise Refused(f"The discount is above the limit: the most that sales can give is {limit_percent} percent.")
    made = session.scalar(select(func.count()).select_from(Quote).where(Quote.call_id == call_id))
    if made is not None and made >= MAX_QUOTES_PER_CALL:
        raise Refused("There are too many quotes in this call already.")
    plan = catalogue.find(session, wanted.plan_name) if wanted.plan_name else catalogue.fitting(session, wanted.seats)
    if not catalogue.has_room(plan, wanted.seats):
        plan = catalogue.fitting(session, wanted.seats)
    list_cents = catalogue.monthly_cents(plan, wanted.seats)
    quote = Quote(
        call_id=call_id,
        plan_name=plan.name,
        seats=wanted.seats,
        list_cents=list_cents,
        discount_percent=wanted.discount_percent,
        total_cents=_rounded(list_cents * (100 - wanted.discount_percent), 100),
        made_on=today,
        valid_until=today + timedelta(days=VALID_DAYS),
    )
    session.add(quote)
    session.flush()
    return quote


def per_seat_cents(quote: Quote) -> int:
    """What a seat comes to in a month, to the nearest cent."""
    return _rounded(quote.total_cents, quote.seats)


def _rounded(amount: int, parts: int) -> int:
    """Half a cent up, for amounts that are not negative."""
    return (2 * amount + parts) // (2 * parts)
