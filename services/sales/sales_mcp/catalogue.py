"""The plans: what they cost, what they offer, and which one fits a company of a size."""

from __future__ import annotations

from collections.abc import Sequence

from backoffice.office import Refused
from sqlalchemy import select
from sqlalchemy.orm import Session

from sales_mcp.rows import Plan


def plans(session: Session) -> list[Plan]:
    """All plans, the smallest first."""
    return list(session.scalars(select(Plan).order_by(Plan.price_cents)))


def find(session: Session, name: str) -> Plan:
    """``"cloud team"``, ``"Team"`` -> the plan. Raises Refused when there is none of that name."""
    wanted = " ".join(name.lower().split()).removeprefix("the ").removesuffix(" plan")
    for plan in plans(session):
        if wanted in (plan.name.lower(), plan.name.lower().removeprefix("cloud ")):
            return plan
    raise Refused("There is no plan of that name.")


def fitting(session: Session, seats: int) -> Plan:
    """The smallest plan that has room for ``seats``."""
    return next(plan for plan in plans(session) if has_room(plan, seats))


def next_larger(session: Session, plan: Plan) -> Plan | None:
    """What a customer of ``plan`` could move up to."""
    return next((other for other in plans(session) if other.price_cents > plan.price_cents), None)


def has_room(plan: Plan, seats: int) -> bool:
    """Whether the plan may be had with so many seats."""
    return plan.max_seats is None or seats <= plan.max_seats


def monthly_cents(plan: Plan, seats: int) -> int:
    """List price of a month: the plan with the seats it includes, and each seat above them."""
    return plan.price_cents + max(0, seats - plan.included_seats) * plan.extra_seat_cents


def features(plan: Plan) -> str:
    """``"versions for thirty days, shared folders and single sign-on"``."""
    return listed([feature.words for feature in plan.features])


def listed(words: Sequence[str]) -> str:
    """``"a, b and c"``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
