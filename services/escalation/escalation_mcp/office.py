"""The tools as an agent sees them: words in, one JSON text out, refusals as plain sentences.

Offers and complaints need a verified caller; a callback and a human are there for everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from backoffice import words
from backoffice.database import Database
from backoffice.idempotency import IdempotencyKey, once
from backoffice.identity import AccountId, add_identity_tools, customer, require_capability
from backoffice.office import BackOffice, CallToolResult, Context, Refused
from pydantic import Field

from escalation_mcp import complaints, offers, spoken
from escalation_mcp.callback_tools import add_callback_tools
from escalation_mcp.offers import Allowed, Wanted
from escalation_mcp.settings import EscalationSettings

Clock = Callable[[], datetime]
"""The company's local time, without a zone."""
Reason = Annotated[
    Literal["cancel", "price", "trouble"],
    Field(description="why the caller is unhappy: wants to cancel, pays too much, or had trouble"),
]
About = Annotated[
    Literal["billing", "technical", "sales", "service", "other"], Field(description="what the complaint is about")
]


def make_office(database: Database, settings: EscalationSettings, *, clock: Clock | None = None) -> BackOffice:
    """The MCP server with its tools. ``clock`` is this machine's in the company's time zone when left out."""
    zone = ZoneInfo(settings.time_zone)
    tick = clock or (lambda: datetime.now(zone).replace(tzinfo=None))
    office = BackOffice("escalation")
    add_identity_tools(office, database, settings)
    _add_offer_tools(office, database, settings, tick)
    _add_complaint_tool(office, database, settings, tick)
    add_callback_tools(office, database, settings, tick)
    return office


def _add_offer_tools(office: BackOffice, database: Database, settings: EscalationSettings, clock: Clock) -> None:
    @office.tool()
    def get_retention_offers(account_id: AccountId, context: Context, reason: Reason = "trouble") -> CallToolResult:
        """List what this account may be offered now, best first. Nothing else may be offered."""

        def look() -> dict[str, Any]:
            wanted = words.account_id(account_id)
            require_capability(context, wanted, settings)
            with database.reading() as session:
                found = offers.allowed(session, wanted, reason=reason, settings=settings, now=clock())
                first_name = customer(session, wanted).name.split()[0]
                return {"account_id": wanted, "first_name": first_name, "count": len(found), **_listed(found)}

        return office.answer(look)

    @office.tool()
    def apply_offer(
        account_id: AccountId,
        offer: Annotated[
            Literal["credit", "discount", "free_month"], Field(description="as get_retention_offers gave it")
        ],
        idempotency_key: IdempotencyKey,
        context: Context,
        amount: Annotated[
            str | float, Field(description="dollars of a credit; empty for the most that is allowed")
        ] = "",
        percent: Annotated[int | None, Field(description="percent of a discount; leave out for the most")] = None,
    ) -> CallToolResult:
        """Apply one offer, once, after the caller agreed to it. One offer a call. Repeating it gives the same reference."""

        def leap() -> dict[str, Any]:
            account = words.account_id(account_id)
            caller = require_capability(context, account, settings)
            wanted = Wanted(offer, words.cents(amount) if str(amount).strip() else None, percent)
            _check(wanted)
            with database.writing() as session:

                def give() -> dict[str, Any]:
                    made, given = offers.apply(
                        session, account, wanted, call_id=caller.call_id, settings=settings, now=clock()
                    )
                    return {"account_id": account, "reference": made.reference, **_one(given)}

                arguments = {"account_id": account, "offer": offer, "cents": wanted.amount_cents, "percent": percent}
                return once(
                    session,
                    call_id=caller.call_id,
                    key=idempotency_key,
                    tool="apply_offer",
                    arguments=arguments,
                    work=give,
                )

        return office.answer(leap)


def _add_complaint_tool(office: BackOffice, database: Database, settings: EscalationSettings, clock: Clock) -> None:
    @office.tool()
    def open_complaint(
        account_id: AccountId,
        details: Annotated[str, Field(description="what happened, in a sentence or two")],
        idempotency_key: IdempotencyKey,
        context: Context,
        about: About = "service",
    ) -> CallToolResult:
        """Open a complaint case: gives its reference and the day by which it is answered."""

        def leap() -> dict[str, Any]:
            account = words.account_id(account_id)
            caller = require_capability(context, account, settings)
            with database.writing() as session:

                def open_it() -> dict[str, Any]:
                    now = clock()
                    case = complaints.open_case(
                        session, account, call_id=caller.call_id, about=about, details=details, now=now
                    )
                    by = spoken.day_in_words(case.answer_due_on, now).removeprefix("on ")
                    return {"account_id": account, "reference": case.reference, "about": about, "answer_by": by}

                # The words may differ when a model repeats itself; it is the same case.
                arguments = {"account_id": account, "about": about}
                return once(
                    session,
                    call_id=caller.call_id,
                    key=idempotency_key,
                    tool="open_complaint",
                    arguments=arguments,
                    work=open_it,
                )

        return office.answer(leap)


def _check(wanted: Wanted) -> None:
    """An amount belongs to a credit, a percent to a discount: anything else was meant otherwise than it is read."""
    if (wanted.amount_cents is not None and wanted.kind != "credit") or (
        wanted.percent is not None and wanted.kind != "discount"
    ):
        raise Refused("An amount goes with a credit only, and a percent with a discount only.")


def _listed(found: list[Allowed]) -> dict[str, Any]:
    """The list, and the best two in flat fields, for who can say but not search."""
    flat: dict[str, Any] = {"offers": [_one(offer) for offer in found]}
    for prefix, offer in zip(("", "other_"), [*found, None, None], strict=False):
        flat[f"{prefix}offer"] = offer.kind if offer else ""
        flat[f"{prefix}offer_in_words"] = offer.in_words if offer else ""
    return flat


def _one(offer: Allowed) -> dict[str, Any]:
    return {
        "offer": offer.kind,
        "in_words": offer.in_words,
        "amount": words.money(offer.amount_cents) if offer.amount_cents else "",
        "percent": offer.percent or "",
    }
