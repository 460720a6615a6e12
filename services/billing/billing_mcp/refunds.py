"""The authority over refunds: what is a duplicate, what may be given back, and that it is given back once.

A charge is refundable when an earlier settled charge of the same invoice has the same description and amount, when it is
settled itself, not refunded yet, and not above the limit, together with what the account was refunded in the last 30 days (or
many small refunds would be a large one). A prompt cannot change any of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backoffice.database import hold
from backoffice.office import Refused
from backoffice.words import money
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing_mcp.accounts import NO_INVOICE, Which, account, invoices, is_duplicate, month_of
from billing_mcp.rows import Charge, Invoice, Refund

_FIRST_REFERENCE = 20417
_LIMIT_DAYS = 30


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether a refund is due. ``code``: duplicate, no_duplicate, pending, already_refunded, above_limit, no_invoice.

    ``reason`` is a plain sentence. ``charge`` is what it is about, if anything.
    """

    code: str
    reason: str
    charge: Charge | None = None
    invoice: Invoice | None = None

    @property
    def eligible(self) -> bool:
        """Only a settled duplicate within the limit is."""
        return self.code == "duplicate"


def eligibility(session: Session, account_id: str, *, which: Which, limit_cents: int) -> Eligibility:
    """Looks for a charge to refund on the invoices that the caller means. Raises Refused when the account is unknown."""
    account(session, account_id)
    found = invoices(session, account_id, which=which)
    if not found:
        return Eligibility("no_invoice", NO_INVOICE)
    left = limit_cents - _refunded_lately(session, account_id)
    judged = [_judge_invoice(invoice, left) for invoice in found]
    return min(judged, key=_weight)


def refund(
    session: Session,
    account_id: str,
    charge_id: str,
    *,
    amount_cents: int,
    call_id: str,
    key: str,
    limit_cents: int,
) -> tuple[Refund, bool]:
    """Refunds a charge once: the refund, and whether it had been made before. Raises Refused; nothing is changed then.

    Call inside a writing session: it is the lock that makes the look and the leap one step.
    """
    account(session, account_id)
    # One at a time: two of them must not share a reference, nor each find the whole limit left.
    hold(session, "refunds")
    charge = session.get(Charge, charge_id)
    if charge is None or charge.invoice.account_id != account_id:
        raise Refused("That charge does not belong to this account.")
    if charge.refund is not None:
        if charge.refund.amount_cents != amount_cents:
            raise Refused("This charge was already refunded with another amount.")
        return charge.refund, True
    verdict = _judge(charge, limit_cents - _refunded_lately(session, account_id))
    if not verdict.eligible:
        raise Refused(verdict.reason)
    if amount_cents != charge.amount_cents:
        raise Refused("The amount must be the whole duplicate charge.")
    made = Refund(
        reference=_next_reference(session),
        charge_id=charge_id,
        call_id=call_id,
        idempotency_key=key,
        amount_cents=amount_cents,
        refunded_at=datetime.now(UTC).replace(tzinfo=None),
    )
    session.add(made)
    session.flush()
    return made, False


def _refunded_lately(session: Session, account_id: str) -> int:
    since = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=_LIMIT_DAYS)
    refunded = (
        select(func.sum(Refund.amount_cents))
        .join(Refund.charge)
        .join(Charge.invoice)
        .where(Invoice.account_id == account_id, Refund.refunded_at > since)
    )
    return session.scalar(refunded) or 0


def _next_reference(session: Session) -> str:
    """The number after the newest one; ``hold`` keeps two writers from picking the same."""
    newest = session.scalar(select(func.max(Refund.reference)).where(func.length(Refund.reference) == 8))
    number = int(newest.removeprefix("RF-")) + 1 if newest else _FIRST_REFERENCE
    return f"RF-{max(number, _FIRST_REFERENCE):05d}"


def _weight(found: Eligibility) -> int:
    """Of several the one to speak of: what can be done, then what is still open."""
    return ("duplicate", "above_limit", "pending", "already_refunded", "no_duplicate").index(found.code)


def _judge_invoice(invoice: Invoice, left_cents: int) -> Eligibility:
    judged = [_judge(charge, left_cents) for charge in invoice.charges if is_duplicate(charge)]
    if judged:
        return min(judged, key=_weight)
    reason = f"I don't see a duplicate charge on your {month_of(invoice)} invoice."
    return Eligibility("no_duplicate", reason, invoice=invoice)


def _judge(charge: Charge, left_cents: int) -> Eligibility:
    invoice = charge.invoice
    what, where = f"${money(charge.amount_cents)}", f"your {month_of(invoice)} invoice"
    if not is_duplicate(charge):
        code, reason = "no_duplicate", f"The charge of {what} on {where} is not a duplicate."
    elif charge.refund is not None:
        code, reason = "already_refunded", f"The duplicate charge of {what} on {where} was already refunded."
    elif charge.status != "settled":
        code, reason = (
            "pending",
            f"The second charge of {what} on {where} is still pending. It usually drops off by itself.",
        )
    elif charge.amount_cents > left_cents:
        code, reason = "above_limit", f"The duplicate charge of {what} on {where} is above what I can refund myself."
    else:
        code, reason = "duplicate", f"There is a duplicate charge of {what} on {where}."
    return Eligibility(code, reason, charge, invoice)
