"""The authority over retention offers: what this account may still be given, what a sum may be, and one offer a call.

A prompt cannot change any of this: above the limits a human decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backoffice.customers import PLANS
from backoffice.database import hold
from backoffice.identity import customer
from backoffice.office import Refused
from sqlalchemy import select
from sqlalchemy.orm import Session

from escalation_mcp.references import next_reference
from escalation_mcp.rows import AppliedOffer, Offer, Standing
from escalation_mcp.settings import EscalationSettings
from escalation_mcp.spoken import dollars

YEAR = timedelta(days=365)
_ORDER = {
    "cancel": ("free_month", "discount", "credit"),
    "price": ("discount", "free_month", "credit"),
    "trouble": ("credit", "free_month", "discount"),
}
"""What is offered first, by why the caller is unhappy."""
_BEYOND = "A manager can decide that."


@dataclass(frozen=True, slots=True)
class Allowed:
    """An offer that may be made now: ``amount_cents`` at most for a credit, ``percent`` at most for a discount."""

    kind: str
    amount_cents: int
    percent: int
    in_words: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall be applied: the kind, and less than the most if the agent says so (None: the most)."""

    kind: str
    amount_cents: int | None = None
    percent: int | None = None


def allowed(
    session: Session, account_id: str, *, reason: str, settings: EscalationSettings, now: datetime
) -> list[Allowed]:
    """What may still be offered to this account, best first for that ``reason``. Raises Refused for an unknown account."""
    row = customer(session, account_id)
    standing = session.get(Standing, account_id)
    if standing is not None and standing.status == "closed":
        return []
    past = _past(session, account_id)
    catalogue = {offer.kind: offer for offer in session.scalars(select(Offer))}
    kinds = [kind for kind in _ORDER[reason] if kind in catalogue]
    judged = (_judge(catalogue[kind], row.plan, past=past, settings=settings, now=now) for kind in kinds)
    return [offer for offer in judged if offer is not None]


def apply(
    session: Session, account_id: str, wanted: Wanted, *, call_id: str, settings: EscalationSettings, now: datetime
) -> tuple[AppliedOffer, Allowed]:
    """Applies an offer. Raises Refused, and nothing is changed then. Call inside a writing session."""
    hold(session, "offers of account", account_id)
    hold(session, "offer on call", call_id)
    if session.scalar(select(AppliedOffer).where(AppliedOffer.call_id == call_id)) is not None:
        raise Refused(f"One offer was already made on this call. {_BEYOND}")
    offers = allowed(session, account_id, reason="trouble", settings=settings, now=now)
    offer = next((o for o in offers if o.kind == wanted.kind), None)
    if offer is None:
        raise Refused(f"This account can't be given that now. {_BEYOND}")
    amount_cents = offer.amount_cents if wanted.amount_cents is None else wanted.amount_cents
    percent = offer.percent if wanted.percent is None else wanted.percent
    if wanted.kind == "credit" and amount_cents > offer.amount_cents:
        raise Refused(f"A credit can be {dollars(offer.amount_cents)} at most. {_BEYOND}")
    if wanted.kind == "discount" and not 0 < percent <= offer.percent:
        raise Refused(f"A discount can be {offer.percent} percent at most. {_BEYOND}")
    made = AppliedOffer(
        reference=next_reference(session, AppliedOffer),
        account_id=account_id,
        call_id=call_id,
        kind=offer.kind,
        amount_cents=amount_cents if offer.kind == "credit" else offer.amount_cents,
        percent=percent,
        applied_at=now,
    )
    session.add(made)
    session.flush()
    plan = customer(session, account_id).plan
    return made, Allowed(made.kind, made.amount_cents, made.percent, in_words(made, plan))


def in_words(offer: AppliedOffer | Allowed, plan: str) -> str:
    """``"a credit of $50 on your next invoice"``, as it fits after "I can offer you"."""
    match offer.kind:
        case "credit":
            return f"a credit of {dollars(offer.amount_cents)} on your next invoice"
        case "discount":
            return f"{offer.percent} percent off for three months"
        case _:
            return f"a free month of {plan}"


def _past(session: Session, account_id: str) -> Sequence[AppliedOffer]:
    return session.scalars(select(AppliedOffer).where(AppliedOffer.account_id == account_id)).all()


def _judge(
    offer: Offer, plan: str, *, past: Sequence[AppliedOffer], settings: EscalationSettings, now: datetime
) -> Allowed | None:
    """The most that may be given of this kind; None when nothing."""
    amount_cents = percent = 0
    recent = [p for p in past if p.kind == offer.kind and now - p.applied_at < YEAR]
    if offer.kind == "credit":
        given = sum(p.amount_cents for p in recent)
        amount_cents = min(offer.amount_cents, settings.credit_limit_cents - given)
    elif offer.kind == "discount":
        runs = timedelta(days=31 * offer.months)
        if not any(now - p.applied_at < runs for p in recent):
            percent = min(offer.percent, settings.max_discount_percent)
    elif not recent:
        amount_cents = PLANS[plan]
    if amount_cents <= 0 and percent <= 0:
        return None
    bare = Allowed(offer.kind, amount_cents, percent, "")
    return Allowed(offer.kind, amount_cents, percent, in_words(bare, plan))
