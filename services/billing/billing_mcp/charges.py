"""What a charge is for, in a sentence."""

from __future__ import annotations

from backoffice.office import Refused
from backoffice.words import money
from sqlalchemy.orm import Session

from billing_mcp import accounts
from billing_mcp.accounts import Which, is_duplicate, month_of
from billing_mcp.rows import Charge

GIGABYTE_CENTS = 10
"""Price of one gigabyte of storage beyond the plan, for a month."""
_DOLLAR = 100
"""In cents."""


def find(session: Session, account_id: str, *, charge_id: str, which: Which, amount_cents: int | None) -> Charge:
    """The charge that is meant: by its ID, else the newest that fits; a duplicate before its original. Raises Refused."""
    accounts.account(session, account_id)
    found = [charge for invoice in accounts.invoices(session, account_id, which=which) for charge in invoice.charges]
    if charge_id:
        found = [charge for charge in found if charge.charge_id == charge_id]
    if amount_cents is not None:
        found = _of_amount(found, amount_cents)
    if not found:
        raise Refused("I can't find that charge on this account.")
    newest = found[0].invoice_number
    return max(
        (charge for charge in found if charge.invoice_number == newest),
        key=lambda c: (is_duplicate(c), c.kind != "subscription", c.charge_id),
    )


def _of_amount(charges: list[Charge], amount_cents: int) -> list[Charge]:
    """Exactly that amount; a whole number of dollars is what people say of cents too: "fifty dollars" for 49.99."""
    exact = [charge for charge in charges if charge.amount_cents == amount_cents]
    if exact or amount_cents % _DOLLAR:
        return exact
    return [charge for charge in charges if abs(charge.amount_cents - amount_cents) < _DOLLAR]


def explanation(charge: Charge) -> str:
    """One or two sentences that an agent can say."""
    what = f"${money(charge.amount_cents)}"
    month = month_of(charge.invoice)
    if charge.kind == "storage":
        why = f"The {what} is for {charge.quantity} gigabytes of storage beyond your plan in {month}."
    elif charge.kind == "setup":
        why = f"The {what} is a one-time setup fee."
    else:
        why = f"The {what} is the price of {charge.description.removesuffix(' monthly')} for {month}."
    return f"{why} {also}" if (also := _also(charge)) else why


def _also(charge: Charge) -> str:
    if charge.refund is not None:
        return "It was refunded."
    if is_duplicate(charge):
        return "It's the same as an earlier charge on that invoice, so it looks like a duplicate."
    if charge.status == "pending":
        return "It's still pending."
    return ""
