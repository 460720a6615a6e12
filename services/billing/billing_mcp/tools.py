"""Billing's office: the tools that look. Those that change something are in ``effects``."""

from __future__ import annotations

from typing import Annotated, Any

from backoffice import words
from backoffice.database import Database
from backoffice.identity import AccountId, add_identity_tools, require_capability
from backoffice.office import BackOffice, CallToolResult, Context
from pydantic import Field

from billing_mcp import accounts, answers, charges, effects, refunds
from billing_mcp.accounts import Which
from billing_mcp.effects import InvoiceMonth, InvoiceNumber
from billing_mcp.settings import Settings


def make_office(database: Database, settings: Settings) -> BackOffice:
    """The office with all its tools."""
    office = BackOffice("billing")
    add_identity_tools(office, database, settings)
    _add_account_tools(office, database, settings)
    _add_charge_tools(office, database, settings)
    effects.add_effects(office, database, settings)
    return office


def _add_account_tools(office: BackOffice, database: Database, settings: Settings) -> None:
    @office.tool()
    def get_account(account_id: AccountId, context: Context) -> CallToolResult:
        """Look up a verified caller's account: name, plan, status."""

        def look() -> dict[str, Any]:
            wanted = words.account_id(account_id)
            require_capability(context, wanted, settings)
            with database.reading() as session:
                return answers.account(accounts.account(session, wanted))

        return office.answer(look)

    @office.tool()
    def get_recent_invoices(
        account_id: AccountId,
        context: Context,
        limit: Annotated[int, Field(description="how many, newest first, 1 to 12")] = 3,
    ) -> CallToolResult:
        """List a verified caller's newest invoices with their charges."""

        def look() -> dict[str, Any]:
            wanted = words.account_id(account_id)
            require_capability(context, wanted, settings)
            count = max(1, min(limit, accounts.MAX_INVOICES))
            with database.reading() as session:
                accounts.account(session, wanted)
                found = accounts.invoices(session, wanted, which=Which(), limit=count)
                return {"account_id": wanted, **answers.recent(found)}

        return office.answer(look)

    @office.tool()
    def get_payment_status(
        account_id: AccountId, context: Context, month: InvoiceMonth = "", invoice_number: InvoiceNumber = ""
    ) -> CallToolResult:
        """Find out whether an invoice (the newest, when none is named) is paid, due, on its way, or failed, and why."""

        def look() -> dict[str, Any]:
            wanted = words.account_id(account_id)
            require_capability(context, wanted, settings)
            which = Which.of(invoice_number=invoice_number, month=month)
            with database.reading() as session:
                found = accounts.invoice(session, wanted, which=which)
                return {"account_id": wanted, **answers.payment_status(found)}

        return office.answer(look)


def _add_charge_tools(office: BackOffice, database: Database, settings: Settings) -> None:
    @office.tool()
    def explain_charge(
        account_id: AccountId,
        context: Context,
        amount: Annotated[str | float, Field(description="the charge's amount, e.g. 49.99; empty when not known")] = "",
        month: InvoiceMonth = "",
        charge_id: Annotated[str, Field(description="as another tool gave it; empty when not known")] = "",
    ) -> CallToolResult:
        """Say what a charge is for: the explanation in words, and whether it looks like a duplicate."""

        def look() -> dict[str, Any]:
            wanted = words.account_id(account_id)
            require_capability(context, wanted, settings)
            which = Which.of(invoice_number="", month=month)
            cents = words.cents(amount) if str(amount).strip() else None
            with database.reading() as session:
                found = charges.find(
                    session, wanted, charge_id=charge_id.strip().upper(), which=which, amount_cents=cents
                )
                return {"account_id": wanted, **answers.explained(found)}

        return office.answer(look)

    @office.tool()
    def check_refund_eligibility(
        account_id: AccountId, context: Context, month: InvoiceMonth = "", invoice_number: InvoiceNumber = ""
    ) -> CallToolResult:
        """Find out whether a duplicate charge may be refunded: eligible, amount, charge_id, and the reason in words."""

        def look() -> dict[str, Any]:
            wanted = words.account_id(account_id)
            require_capability(context, wanted, settings)
            which = Which.of(invoice_number=invoice_number, month=month)
            with database.reading() as session:
                found = refunds.eligibility(session, wanted, which=which, limit_cents=settings.refund_limit_cents)
                return {"account_id": wanted, **answers.eligibility(found)}

        return office.answer(look)
