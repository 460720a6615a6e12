"""Rows as a tool answers with them: flat where one thing is meant, lists where several are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backoffice.words import money

from billing_mcp import payments
from billing_mcp.accounts import is_duplicate, month_of
from billing_mcp.charges import explanation
from billing_mcp.refunds import Eligibility
from billing_mcp.rows import Account, Charge, Invoice, Mailing, Refund


def account(found: Account) -> dict[str, Any]:
    """An account without its bills."""
    return {
        "account_id": found.account_id,
        "name": found.name,
        "first_name": found.name.split()[0],
        "plan": found.plan,
        "status": found.status,
    }


def recent(found: Sequence[Invoice]) -> dict[str, Any]:
    """Invoices, and the newest in two flat fields, for who can say but not search."""
    newest = found[0] if found else None
    settled = [c for c in newest.charges if c.status == "settled" and c.refund is None] if newest else []
    return {
        "latest_month": month_of(newest) if newest else "",
        "latest_total": money(sum(charge.amount_cents for charge in settled)) if newest else "",
        "invoices": [_invoice(invoice) for invoice in found],
    }


def _invoice(invoice: Invoice) -> dict[str, Any]:
    return {
        "invoice_number": invoice.invoice_number,
        "month": month_of(invoice),
        "issued_on": invoice.issued_on.isoformat(),
        "status": invoice.status,
        "currency": invoice.currency,
        "charges": [
            {
                "charge_id": charge.charge_id,
                "description": charge.description,
                "amount": money(charge.amount_cents),
                "status": "refunded" if charge.refund is not None else charge.status,
                "charged_on": charge.charged_on.isoformat(),
            }
            for charge in invoice.charges
        ],
    }


def explained(charge: Charge) -> dict[str, Any]:
    """A charge, and what it is for."""
    return {
        "charge_id": charge.charge_id,
        "invoice_number": charge.invoice_number,
        "month": month_of(charge.invoice),
        "amount": money(charge.amount_cents),
        "currency": charge.invoice.currency,
        "kind": charge.kind,
        "explanation": explanation(charge),
        "looks_duplicate": is_duplicate(charge) and charge.refund is None,
    }


def payment_status(invoice: Invoice) -> dict[str, Any]:
    """Whether an invoice is paid. ``due_on`` is an ISO date, empty when nothing is due."""
    found = payments.status(invoice)
    return {
        "invoice_number": invoice.invoice_number,
        "month": month_of(invoice),
        "status": found.code,
        "explanation": found.sentence,
        "total": money(found.total_cents),
        "amount_due": money(found.due_cents),
        "currency": invoice.currency,
        "due_on": found.due_on.isoformat() if found.due_on else "",
        "method": found.method,
    }


def eligibility(found: Eligibility) -> dict[str, Any]:
    """Whether a refund is due, and for what."""
    charge, invoice = found.charge, found.invoice
    past = charge.refund if charge is not None else None
    return {
        "eligible": found.eligible,
        "code": found.code,
        "reason": found.reason,
        "invoice_number": invoice.invoice_number if invoice else "",
        "month": month_of(invoice) if invoice else "",
        "charge_id": charge.charge_id if charge else "",
        "amount": money(charge.amount_cents) if charge else "",
        "currency": invoice.currency if invoice else "",
        "reference": past.reference if past else "",
    }


def refunded(made: Refund) -> dict[str, Any]:
    """A refund that was made."""
    return {
        "charge_id": made.charge_id,
        "reference": made.reference,
        "amount": money(made.amount_cents),
        "currency": made.charge.invoice.currency,
    }


def mailed(mailing: Mailing, invoice: Invoice) -> dict[str, Any]:
    """An invoice that was sent again. The address itself is nobody's business on a call."""
    return {
        "invoice_number": invoice.invoice_number,
        "month": month_of(invoice),
        "reference": mailing.reference,
        "sent_to": "the email address on file",
    }
