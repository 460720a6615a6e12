"""The authority over refunds: what is a duplicate, what may be given back, and that it is given back once.

A charge is refundable when an earlier settled charge of the same invoice has the same description and amount, when it is
settled itself, not refunded yet, and not above the limit. A prompt cannot change any of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing_mcp.accounts import Refused, Which, account, invoices, month_of
from billing_mcp.rows import Charge, Invoice, Refund
from billing_mcp.words import money

_FIRST_REFERENCE = 20417
MAX_KEY_CHARS = 200


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
        return Eligibility("no_invoice", "I can't find an invoice for that month on this account.")
    judged = [_judge_invoice(invoice, limit_cents) for invoice in found]
    return min(judged, key=lambda e: (not e.eligible, e.code == "no_duplicate"))


def refund(
    session: Session, account_id: str, charge_id: str, *, amount_cents: int, key: str, limit_cents: int
) -> tuple[Refund, bool]:
    """Refunds a charge once: the refund, and whether it had been made before. Raises Refused; nothing is changed then.

    Call inside a writing session: it is the lock that makes the look and the leap one step.
    """
    account(session, account_id)
    if not key.strip() or len(key) > MAX_KEY_CHARS:
        raise Refused("The refund needs an idempotency key.")
    charge = session.scalar(select(Charge).where(Charge.charge_id == charge_id).with_for_update())
    if charge is None or charge.invoice.account_id != account_id:
        raise Refused("That charge does not belong to this account.")
    same_key = session.scalar(select(Refund).where(Refund.idempotency_key == key))
    if same_key is not None and same_key.charge_id != charge_id:
        raise Refused("That idempotency key was used for another refund.")
    if charge.refund is not None:
        if charge.refund.amount_cents != amount_cents:
            raise Refused("This charge was already refunded with another amount.")
        return charge.refund, True
    verdict = _judge(charge, limit_cents)
    if not verdict.eligible:
        raise Refused(verdict.reason)
    if amount_cents != charge.amount_cents:
        raise Refused("The amount must be the whole duplicate charge.")
    made = Refund(
        reference=_next_reference(session),
        charge_id=charge_id,
        idempotency_key=key,
        amount_cents=amount_cents,
        refunded_at=datetime.now(UTC).replace(tzinfo=None),
    )
    session.add(made)
    session.flush()
    return made, False


def _next_reference(session: Session) -> str:
    """The number after the newest one. The primary key refuses it should two PostgreSQL writers pick the same."""
    newest = session.scalar(select(func.max(Refund.reference)).where(func.length(Refund.reference) == 8))
    number = int(newest.removeprefix("RF-")) + 1 if newest else _FIRST_REFERENCE
    return f"RF-{max(number, _FIRST_REFERENCE):05d}"


def _judge_invoice(invoice: Invoice, limit_cents: int) -> Eligibility:
    judged = [_judge(charge, limit_cents) for charge in invoice.charges if _is_duplicate(charge)]
    if judged:
        return min(judged, key=lambda e: not e.eligible)
    reason = f"I don't see a duplicate charge on your {month_of(invoice)} invoice."
    return Eligibility("no_duplicate", reason, invoice=invoice)


def _is_duplicate(charge: Charge) -> bool:
    return any(
        earlier.status == "settled"
        and (earlier.charged_on, earlier.charge_id) < (charge.charged_on, charge.charge_id)
        and (earlier.description, earlier.amount_cents) == (charge.description, charge.amount_cents)
        for earlier in charge.invoice.charges
    )


def _judge(charge: Charge, limit_cents: int) -> Eligibility:
    invoice = charge.invoice
    what, where = f"${money(charge.amount_cents)}", f"your {month_of(invoice)} invoice"
    if not _is_duplicate(charge):
        code, reason = "no_duplicate", f"The charge of {what} on {where} is not a duplicate."
    elif charge.refund is not None:
        code, reason = "already_refunded", f"The duplicate charge of {what} on {where} was already refunded."
    elif charge.status != "settled":
        code, reason = (
            "pending",
            f"The second charge of {what} on {where} is still pending. It usually drops off by itself.",
        )
    elif charge.amount_cents > limit_cents:
        code, reason = "above_limit", f"The duplicate charge of {what} on {where} is above what I can refund myself."
    else:
        code, reason = "duplicate", f"There is a duplicate charge of {what} on {where}."
    return Eligibility(code, reason, charge, invoice)
