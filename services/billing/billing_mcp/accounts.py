"""Looking things up: an account, its newest invoices, the invoice or the charge that a caller means."""

from __future__ import annotations

from dataclasses import dataclass

from backoffice import words
from backoffice.office import Refused
from sqlalchemy import extract, select
from sqlalchemy.orm import Session

from billing_mcp.rows import Account, Charge, Invoice

MAX_INVOICES = 12
NO_INVOICE = "I can't find an invoice for that month on this account."


@dataclass(frozen=True, slots=True)
class Which:
    """Which invoice a caller means: a number, or a month, or (both None) the newest ones."""

    invoice_number: str | None = None
    month: words.Month | None = None

    @classmethod
    def of(cls, *, invoice_number: str, month: str) -> Which:
        """From what a tool is given; empty when not known. Raises Unreadable."""
        return cls(
            words.invoice_number(invoice_number) if invoice_number.strip() else None,
            words.month(month) if month.strip() else None,
        )


def account(session: Session, account_id: str) -> Account:
    """The account. Raises Refused when there is none of that ID."""
    found = session.get(Account, account_id)
    if found is None:
        raise Refused("There is no account with that ID.")
    return found


def invoices(session: Session, account_id: str, *, which: Which, limit: int = MAX_INVOICES) -> list[Invoice]:
    """The account's invoices that match ``which``, newest first, at most ``limit``."""
    query = select(Invoice).where(Invoice.account_id == account_id).order_by(Invoice.issued_on.desc())
    if which.invoice_number is not None:
        query = query.where(Invoice.invoice_number == which.invoice_number)
    elif which.month is not None:
        query = query.where(extract("month", Invoice.issued_on) == which.month.number)
        # The newest month of that name is meant when no year is said.
        limit = 1
        if which.month.year is not None:
            query = query.where(extract("year", Invoice.issued_on) == which.month.year)
    return list(session.scalars(query.limit(limit)))


def invoice(session: Session, account_id: str, *, which: Which) -> Invoice:
    """The one invoice that is meant, the newest when nothing was said. Raises Refused when there is none."""
    account(session, account_id)
    found = invoices(session, account_id, which=which, limit=1)
    if not found:
        raise Refused(NO_INVOICE)
    return found[0]


def month_of(invoice: Invoice) -> str:
    """``"March"``."""
    return words.MONTHS[invoice.issued_on.month - 1]


def is_duplicate(charge: Charge) -> bool:
    """Whether an earlier settled charge of the same invoice has the same description and amount."""
    return any(
        earlier.status == "settled"
        and (earlier.charged_on, earlier.charge_id) < (charge.charged_on, charge.charge_id)
        and (earlier.description, earlier.amount_cents) == (charge.description, charge.amount_cents)
        for earlier in charge.invoice.charges
    )
