"""Billing's tools that change something: each of them once, whatever is asked how often."""

from __future__ import annotations

from typing import Annotated, Any

from backoffice import words
from backoffice.database import Database
from backoffice.idempotency import IdempotencyKey, once
from backoffice.identity import AccountId, require_capability
from backoffice.office import BackOffice, CallToolResult, Context
from pydantic import Field

from billing_mcp import accounts, answers, payments, refunds
from billing_mcp.accounts import Which
from billing_mcp.settings import Settings

InvoiceMonth = Annotated[str, Field(description="the invoice's month, e.g. March; empty when not known")]
InvoiceNumber = Annotated[str, Field(description="e.g. INV-2026-03-0417; empty when not known")]


def add_effects(office: BackOffice, database: Database, settings: Settings) -> None:
    """Adds process_refund and resend_invoice."""
    _add_refund(office, database, settings)
    _add_mailing(office, database, settings)


def _add_refund(office: BackOffice, database: Database, settings: Settings) -> None:
    @office.tool()
    def process_refund(
        account_id: AccountId,
        charge_id: Annotated[str, Field(description="charge_id as check_refund_eligibility gave it")],
        amount: Annotated[str | float, Field(description="the amount as check_refund_eligibility gave it, e.g. 49.99")],
        idempotency_key: IdempotencyKey,
        context: Context,
    ) -> CallToolResult:
        """Refund a duplicate charge, once. Only after the caller agreed. Repeating it returns the same reference."""

        def leap() -> dict[str, Any]:
            wanted, cents = words.account_id(account_id), words.cents(amount)
            caller = require_capability(context, wanted, settings)
            charge = charge_id.strip().upper()

            def refund() -> dict[str, Any]:
                made, already_done = refunds.refund(
                    session,
                    wanted,
                    charge,
                    amount_cents=cents,
                    call_id=caller.call_id,
                    key=idempotency_key,
                    limit_cents=settings.refund_limit_cents,
                )
                return {"account_id": wanted, **answers.refunded(made), "already_done": already_done}

            with database.writing() as session:
                return once(
                    session,
                    call_id=caller.call_id,
                    key=idempotency_key,
                    tool="process_refund",
                    arguments={"account_id": wanted, "charge_id": charge, "amount_cents": cents},
                    work=refund,
                )

        return office.answer(leap)


def _add_mailing(office: BackOffice, database: Database, settings: Settings) -> None:
    @office.tool()
    def resend_invoice(
        account_id: AccountId,
        idempotency_key: IdempotencyKey,
        context: Context,
        month: InvoiceMonth = "",
        invoice_number: InvoiceNumber = "",
    ) -> CallToolResult:
        """Send an invoice (the newest, when none is named) again, to the email address on file and to no other."""

        def leap() -> dict[str, Any]:
            wanted = words.account_id(account_id)
            caller = require_capability(context, wanted, settings)
            which = Which.of(invoice_number=invoice_number, month=month)

            with database.writing() as session:
                invoice = accounts.invoice(session, wanted, which=which)
                return once(
                    session,
                    call_id=caller.call_id,
                    key=idempotency_key,
                    tool="resend_invoice",
                    arguments={"account_id": wanted, "invoice_number": invoice.invoice_number},
                    work=lambda: {"account_id": wanted, **answers.mailed(payments.resend(session, invoice), invoice)},
                )

        return office.answer(leap)
