"""Looking things up: an account, its newest invoices, the invoice that a caller means."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import extract, select
from sqlalchemy.orm import Session

from billing_mcp import words
from billing_mcp.rows import Account, Invoice

MAX_INVOICES = 12


class Refused(Exception):
    """The back office says no. The message is a plain sentence that an agent can say; it holds no private data."""


@dataclass(frozen=True, slots=True)
class Which:
    """Which invoice a caller means: a number, or a month, or (both None) the newest ones."""

    invoice_number: str | None = None
    month: words.Month | None = None


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


def month_of(invoice: Invoice) -> str:
    """``"March"``."""
    return words.MONTHS[invoice.issued_on.month - 1]
