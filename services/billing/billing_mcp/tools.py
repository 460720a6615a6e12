"""The four tools as an agent sees them: words in, one JSON text out, refusals as plain sentences."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent
from pydantic import Field, ValidationError
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from billing_mcp import accounts, refunds, words
from billing_mcp.accounts import Refused, Which
from billing_mcp.database import Database
from billing_mcp.rows import Invoice
from billing_mcp.settings import Settings

log = logging.getLogger("billing_mcp.tools")

_AccountId = Annotated[str, Field(description="the account ID: AC and four digits, e.g. AC4721")]
_AWAY = "The billing records can't be reached right now."


class BackOffice(MCPServer[Any]):
    """An MCP server that says which arguments are missing instead of quoting a validator (and the values with it)."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        """Calls a tool; wrong arguments become a plain tool error."""
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as e:
            if not isinstance(e.__cause__, ValidationError):
                raise
            fields = sorted({str(problem["loc"][0]) for problem in e.__cause__.errors()})
            return _error(f"The tool needs a valid {' and '.join(fields)}.")


def server(database: Database, settings: Settings) -> BackOffice:
    """The MCP server with its tools; SDK logs stay at WARNING so that no argument is ever logged."""
    office = BackOffice("billing", version="1", log_level="WARNING")
    _add_lookups(office, database, settings)
    _add_refund(office, database, settings)
    return office


def _add_lookups(office: BackOffice, database: Database, settings: Settings) -> None:
    @office.tool()
    def get_account(account_id: _AccountId) -> CallToolResult:
        """Look up a customer's account: name, plan, status."""

        def look() -> dict[str, Any]:
            wanted = words.account_id(account_id)
            with database.reading() as session:
                found = accounts.account(session, wanted)
                first_name = found.name.split()[0]
                return {
                    "account_id": found.account_id,
                    "name": found.name,
                    "first_name": first_name,
                    "plan": found.plan,
                    "status": found.status,
                }

        return _answer(look)

    @office.tool()
    def get_recent_invoices(
        account_id: _AccountId,
        limit: Annotated[int, Field(description="how many, newest first, 1 to 12")] = 3,
    ) -> CallToolResult:
        """List an account's newest invoices with their charges."""

        def look() -> dict[str, Any]:
            wanted = words.account_id(account_id)
            count = max(1, min(limit, accounts.MAX_INVOICES))
            with database.reading() as session:
                accounts.account(session, wanted)
                found = accounts.invoices(session, wanted, which=Which(), limit=count)
                return {"account_id": wanted, **_latest(found), "invoices": [_invoice(i) for i in found]}

        return _answer(look)

    @office.tool()
    def check_refund_eligibility(
        account_id: _AccountId,
        month: Annotated[str, Field(description="the invoice's month, e.g. March; empty when not known")] = "",
        invoice_number: Annotated[str, Field(description="e.g. INV-2026-03-0417; empty when not known")] = "",
    ) -> CallToolResult:
        """Find out whether a duplicate charge may be refunded: eligible, amount, charge_id, and the reason in words."""

        def look() -> dict[str, Any]:
            wanted = words.account_id(account_id)
            which = Which(
                words.invoice_number(invoice_number) if invoice_number.strip() else None,
                words.month(month) if month.strip() else None,
            )
            with database.reading() as session:
                found = refunds.eligibility(session, wanted, which=which, limit_cents=settings.refund_limit_cents)
                return {"account_id": wanted, **_eligibility(found)}

        return _answer(look)


def _add_refund(office: BackOffice, database: Database, settings: Settings) -> None:
    @office.tool()
    def process_refund(
        account_id: _AccountId,
        charge_id: Annotated[str, Field(description="charge_id as check_refund_eligibility gave it")],
        amount: Annotated[str | float, Field(description="the amount as check_refund_eligibility gave it, e.g. 49.99")],
        idempotency_key: Annotated[str, Field(description="the same text for the same refund, however often you call")],
    ) -> CallToolResult:
        """Refund a duplicate charge, once. Only after the caller agreed. Repeating it returns the same reference."""

        def leap() -> dict[str, Any]:
            wanted, cents = words.account_id(account_id), words.cents(amount)
            with database.writing() as session:
                made, already_done = refunds.refund(
                    session,
                    wanted,
                    charge_id.strip().upper(),
                    amount_cents=cents,
                    key=idempotency_key,
                    limit_cents=settings.refund_limit_cents,
                )
                return {
                    "account_id": wanted,
                    "charge_id": made.charge_id,
                    "reference": made.reference,
                    "amount": words.money(made.amount_cents),
                    "currency": made.charge.invoice.currency,
                    "already_done": already_done,
                }

        # Two writers at once (PostgreSQL): the constraint refuses the later one, and a second look finds the first one's refund.
        return _answer(leap, again_after=(IntegrityError,))


def _answer(work: Callable[[], dict[str, Any]], *, again_after: Sequence[type[Exception]] = ()) -> CallToolResult:
    try:
        try:
            result = work()
        except tuple(again_after):
            result = work()
    except (Refused, words.Unreadable) as e:
        return _error(str(e))
    except SQLAlchemyError as e:
        # Only the kind: the statement and its parameters are private.
        log.error("the database failed: %s", type(e).__name__)
        return _error(_AWAY)
    return CallToolResult(content=[TextContent(type="text", text=json.dumps(result))])


def _error(sentence: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=sentence)], is_error=True)


def _latest(found: Sequence[Invoice]) -> dict[str, Any]:
    """The newest invoice in two flat fields, for who can say but not search."""
    if not found:
        return {"latest_month": "", "latest_total": ""}
    total = sum(
        charge.amount_cents for charge in found[0].charges if charge.status == "settled" and charge.refund is None
    )
    return {"latest_month": accounts.month_of(found[0]), "latest_total": words.money(total)}


def _invoice(invoice: Invoice) -> dict[str, Any]:
    return {
        "invoice_number": invoice.invoice_number,
        "month": accounts.month_of(invoice),
        "issued_on": invoice.issued_on.isoformat(),
        "status": invoice.status,
        "currency": invoice.currency,
        "charges": [
            {
                "charge_id": charge.charge_id,
                "description": charge.description,
                "amount": words.money(charge.amount_cents),
                "status": "refunded" if charge.refund is not None else charge.status,
                "charged_on": charge.charged_on.isoformat(),
            }
            for charge in invoice.charges
        ],
    }


def _eligibility(found: refunds.Eligibility) -> dict[str, Any]:
    charge, invoice = found.charge, found.invoice
    past = charge.refund if charge is not None else None
    return {
        "eligible": found.eligible,
        "code": found.code,
        "reason": found.reason,
        "invoice_number": invoice.invoice_number if invoice else "",
        "month": accounts.month_of(invoice) if invoice else "",
        "charge_id": charge.charge_id if charge else "",
        "amount": words.money(charge.amount_cents) if charge else "",
        "currency": invoice.currency if invoice else "",
        "reference": past.reference if past else "",
    }
