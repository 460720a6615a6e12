"""Whether an invoice is paid, and sending it once more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from backoffice.database import hold
from backoffice.office import Refused
from backoffice.words import money, spoken_date
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from billing_mcp.accounts import month_of
from billing_mcp.rows import Invoice, Mailing

DAYS_TO_PAY = 14
MAX_MAILINGS_A_DAY = 3
_FIRST_REFERENCE = 30101


@dataclass(frozen=True, slots=True)
class PaymentStatus:
    """``code``: paid, processing, failed, open. ``due_on`` is None when nothing is due any more. Amounts in cents."""

    code: str
    sentence: str
    total_cents: int
    due_cents: int
    due_on: date | None
    method: str


def status(invoice: Invoice) -> PaymentStatus:
    """How far the newest payment for the invoice came."""
    total = sum(charge.amount_cents for charge in invoice.charges if charge.status == "settled")
    last = invoice.payments[-1] if invoice.payments else None
    month, what = month_of(invoice), f"${money(total)}"
    method = last.method if last else ""
    if invoice.status == "paid":
        when = f" on {spoken_date(last.made_on)}" if last else ""
        return PaymentStatus("paid", f"Your {month} invoice of {what} was paid{when}.", total, 0, None, method)
    due_on = invoice.issued_on + timedelta(days=DAYS_TO_PAY)
    if last is not None and last.status == "processing":
        code, sentence = "processing", f"The payment of {what} for {month} is on its way. Nothing is left to do."
    elif last is not None and last.status == "failed":
        code, sentence = "failed", f"The payment of {what} for {month} didn't go through, because {last.failure}."
    else:
        code, sentence = "open", f"Your {month} invoice of {what} is open, and due on {spoken_date(due_on)}."
    return PaymentStatus(code, sentence, total, total, due_on, method)


def resend(session: Session, invoice: Invoice) -> Mailing:
    """Sends the invoice once more, a few times a day at most. Raises Refused. Call inside a writing session."""
    hold(session, "mailings")
    now = datetime.now(UTC).replace(tzinfo=None)
    sent = select(func.count()).select_from(Mailing)
    today = sent.where(Mailing.invoice_number == invoice.invoice_number, Mailing.mailed_at > now - timedelta(days=1))
    if (session.scalar(today) or 0) >= MAX_MAILINGS_A_DAY:
        raise Refused("That invoice was already sent several times today.")
    number = _FIRST_REFERENCE + (session.scalar(sent) or 0)
    mailing = Mailing(reference=f"ML-{number}", invoice_number=invoice.invoice_number, mailed_at=now)
    session.add(mailing)
    session.flush()
    return mailing
