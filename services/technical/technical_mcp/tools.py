"""The tools as an agent sees them: words in, one JSON text out, refusals as plain sentences.

Account data is opened only by the capability of a caller who was verified on this call; known issues are open to all.
"""

from __future__ import annotations

from typing import Annotated, Any

from backoffice import words
from backoffice.database import Database
from backoffice.idempotency import IdempotencyKey, once
from backoffice.identity import AccountId, add_identity_tools, require_capability
from backoffice.office import BackOffice, CallToolResult, Context
from backoffice.settings import Settings
from pydantic import Field

from technical_mcp import diagnostics, tickets, wording
from technical_mcp.diagnostics import Asked, Finding
from technical_mcp.rows import Incident, KnownIssue, Ticket

_MAX_FOUND = 3
_Product = Annotated[str, Field(description="Cloud Drive, Cloud Backup or Cloud API; empty when not known")]
_Steps = Annotated[str, Field(description="all that the caller has already tried, in his words; empty when nothing")]
_TicketId = Annotated[str, Field(description="the ticket's number: TK and five digits, e.g. TK-30215")]


def office(database: Database, settings: Settings) -> BackOffice:
    """The MCP server with its tools."""
    made = BackOffice("technical")
    add_identity_tools(made, database, settings)
    _add_diagnostics(made, database, settings)
    _add_search(made, database)
    _add_reading(made, database, settings)
    _add_opening(made, database, settings)
    _add_updating(made, database, settings)
    return made


def _add_diagnostics(office: BackOffice, database: Database, settings: Settings) -> None:
    @office.tool()
    def run_diagnostics(
        account_id: AccountId,
        context: Context,
        product: _Product = "",
        problem: Annotated[str, Field(description="what goes wrong, in the caller's words")] = "",
        steps_tried: _Steps = "",
    ) -> CallToolResult:
        """Look at an account's product: status, latency, error rate, what explains the problem, and what to try next."""

        def look() -> dict[str, Any]:
            wanted = words.account_id(account_id)
            require_capability(context, wanted, settings)
            asked = Asked(wording.product(product), problem, steps_tried)
            with database.reading() as session:
                found = diagnostics.diagnose(session, wanted, asked)
                return {"account_id": wanted, "steps_tried": steps_tried or "none", **_finding(found)}

        return office.answer(look)


def _add_search(office: BackOffice, database: Database) -> None:
    @office.tool()
    def search_known_issues(
        problem: Annotated[str, Field(description="what goes wrong, in the caller's words")],
        product: _Product = "",
    ) -> CallToolResult:
        """Search incidents and known issues by their symptoms, best match first. Needs no account."""

        def look() -> dict[str, Any]:
            wanted = wording.product(product)
            with database.reading() as session:
                found = [_issue(e) for e in diagnostics.known(session, product=wanted, problem=problem)[:_MAX_FOUND]]
            best = found[0] if found else dict.fromkeys(("reference", "product", "reason", "workaround"), "")
            return {**best, "found": bool(found), "issues": found}

        return office.answer(look)


def _add_reading(office: BackOffice, database: Database, settings: Settings) -> None:
    @office.tool()
    def get_ticket(account_id: AccountId, ticket_id: _TicketId, context: Context) -> CallToolResult:
        """Read one of the account's tickets: product, status, and the engineers' latest note."""

        def look() -> dict[str, Any]:
            wanted = words.account_id(account_id)
            require_capability(context, wanted, settings)
            with database.reading() as session:
                return _ticket(tickets.ticket(session, wanted, wording.ticket_id(ticket_id)))

        return office.answer(look)


def _add_opening(office: BackOffice, database: Database, settings: Settings) -> None:
    @office.tool()
    def open_ticket(
        account_id: AccountId,
        product: _Product,
        problem: Annotated[str, Field(description="one to three sentences: what goes wrong")],
        idempotency_key: IdempotencyKey,
        context: Context,
        steps_tried: _Steps = "",
    ) -> CallToolResult:
        """Open a ticket when no step helped. It promises no date."""

        def leap() -> dict[str, Any]:
            wanted, name = words.account_id(account_id), wording.product(product)
            caller = require_capability(context, wanted, settings)
            with database.writing() as session:
                return once(
                    session,
                    call_id=caller.call_id,
                    key=idempotency_key,
                    tool="open_ticket",
                    # Not the words: told again, the same problem is told in others.
                    arguments={"account_id": wanted, "product": name},
                    work=lambda: _ticket(
                        tickets.add(session, wanted, product=name, problem=problem, steps_tried=steps_tried)
                    ),
                )

        return office.answer(leap)


def _add_updating(office: BackOffice, database: Database, settings: Settings) -> None:
    @office.tool()
    def update_ticket(
        account_id: AccountId,
        ticket_id: _TicketId,
        note: Annotated[str, Field(description="what is new, in one to three sentences")],
        idempotency_key: IdempotencyKey,
        context: Context,
    ) -> CallToolResult:
        """Add what the caller said to one of the account's open tickets."""

        def leap() -> dict[str, Any]:
            wanted, number = words.account_id(account_id), wording.ticket_id(ticket_id)
            caller = require_capability(context, wanted, settings)
            with database.writing() as session:
                return once(
                    session,
                    call_id=caller.call_id,
                    key=idempotency_key,
                    tool="update_ticket",
                    arguments={"account_id": wanted, "ticket_id": number, "note": note},
                    work=lambda: _ticket(tickets.add_note(session, wanted, number, note=note)),
                )

        return office.answer(leap)


def _finding(found: Finding) -> dict[str, Any]:
    """Flat, for who can say but not search; what is not known is empty.

    "none" and "unclear" say that nothing was named: named later, it is another question.
    """
    newest = found.usage[0] if found.usage else None
    steps = (*found.steps, "", "")
    return {
        "code": found.code,
        "reason": found.reason,
        "product": found.product.product if found.product else "unclear",
        "app_version": found.product.app_version if found.product else "",
        "reference": found.reference,
        "diagnosis": found.diagnosis,
        "workaround": found.workaround,
        "first_step": steps[0],
        "second_step": steps[1],
        "has_first_step": bool(steps[0]),
        "has_second_step": bool(steps[1]),
        "choices": found.choices,
        "latency_ms": newest.latency_ms if newest else "",
        "usual_latency_ms": diagnostics.usual_ms(found.usage) if found.usage else "",
        "failure_percent": round(diagnostics.failure_percent(newest), 1) if newest else "",
    }


def _issue(entry: Incident | KnownIssue) -> dict[str, Any]:
    return {
        "reference": entry.incident_id if isinstance(entry, Incident) else entry.issue_id,
        "product": entry.product,
        "reason": entry.explanation,
        "workaround": entry.workaround,
    }


def _ticket(found: Ticket) -> dict[str, Any]:
    return {
        "account_id": found.account_id,
        "ticket_id": found.ticket_id,
        "product": found.product,
        "status": found.status,
        "opened_on": words.spoken_date(found.opened_at.date()),
        "engineers_note": tickets.engineers_word(found),
        "notes": len(found.updates),
    }
