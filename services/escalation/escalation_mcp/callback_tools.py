"""The tools that need no verified caller: a slot for a manager's call, and a human."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from backoffice import words
from backoffice.database import Database
from backoffice.idempotency import IdempotencyKey, once
from backoffice.identity import caller_of, require_capability
from backoffice.office import BackOffice, CallToolResult, Context, Refused
from pydantic import Field
from sqlalchemy.orm import Session

from escalation_mcp import callbacks, spoken
from escalation_mcp.callbacks import OnLine
from escalation_mcp.settings import EscalationSettings

ANY_TIME, NOT_GIVEN = "any time", "not given"
"""Said in words, so that a later call with a wish or a number is told from this one."""
NO_SLOT = "No manager is free in the next days."
_MAX_LISTED = 6
MaybeAccount = Annotated[str, Field(description="the caller's account ID, empty when not known")]
Why = Annotated[str, Field(description="what it is about, in a sentence or two, so that nobody has to say it again")]


def add_callback_tools(
    office: BackOffice, database: Database, settings: EscalationSettings, clock: Callable[[], datetime]
) -> None:
    """Adds find_callback_slots, book_callback, request_human."""

    @office.tool()
    def find_callback_slots(
        wanted: Annotated[str, Field(description="when the caller would like it, in his words; may be empty")] = "",
    ) -> CallToolResult:
        """Find free slots for a manager's call, those nearest to what the caller wants first."""

        def look() -> dict[str, Any]:
            now = clock()
            with database.reading() as session:
                return _listed(session, spoken.wish(wanted, now), now) | {"wanted": wanted.strip() or ANY_TIME}

        return office.answer(look)

    @office.tool()
    def book_callback(
        slot_id: Annotated[str, Field(description="slot_id as find_callback_slots gave it")],
        reason: Why,
        idempotency_key: IdempotencyKey,
        context: Context,
        account_id: MaybeAccount = "",
        phone: Annotated[str, Field(description="the number to call when the caller gave one; may be empty")] = "",
    ) -> CallToolResult:
        """Book a manager's call, after the caller agreed to the slot. With another slot it is moved; a call has one."""

        def leap() -> dict[str, Any]:
            starts_at, number = callbacks.read_slot(slot_id), callbacks.read_phone(phone)
            online = _on_line(context, account_id, settings)
            with database.writing() as session:

                def book() -> dict[str, Any]:
                    now = clock()
                    booked, is_moved = callbacks.book(session, online, starts_at, phone=number, reason=reason, now=now)
                    at = {
                        "slot_id": callbacks.slot_id(booked.starts_at),
                        "in_words": spoken.time_in_words(starts_at, now),
                    }
                    return {"reference": booked.reference, **at, "moved": is_moved, "phone": booked.phone or NOT_GIVEN}

                # The words of the reason may differ when a model repeats itself; it is the same callback. A caller may
                # move it and want the first time again: that is no repetition.
                arguments = {"slot_id": callbacks.slot_id(starts_at), "phone": number}
                return once(
                    session,
                    call_id=online.call_id,
                    key=idempotency_key,
                    tool="book_callback",
                    arguments=arguments,
                    work=book,
                    still_holds=lambda: callbacks.is_booked(session, online, starts_at, phone=number),
                )

        return office.answer(leap)

    @office.tool()
    def request_human(
        reason: Why, idempotency_key: IdempotencyKey, context: Context, account_id: MaybeAccount = ""
    ) -> CallToolResult:
        """Ask for a human colleague. He is asked for, not promised: the result tells how many wait before."""

        def leap() -> dict[str, Any]:
            online = _on_line(context, account_id, settings)
            with database.writing() as session:

                def ask() -> dict[str, Any]:
                    asked, before = callbacks.ask_for_human(session, online, reason=reason, now=clock())
                    return {"reference": asked.reference, "waiting_before": before}

                return once(
                    session, call_id=online.call_id, key=idempotency_key, tool="request_human", arguments={}, work=ask
                )

        return office.answer(leap)


def _on_line(context: Context, account_id: str, settings: EscalationSettings) -> OnLine:
    """Who asks. An account that was only said is noted as such: nothing is looked up by it, and nothing told."""
    caller = caller_of(context)
    if not account_id.strip():
        return OnLine(caller.call_id, "", False)
    account = words.account_id(account_id)
    try:
        require_capability(context, account, settings)
    except Refused:
        return OnLine(caller.call_id, account, False)
    return OnLine(caller.call_id, account, True)


def _listed(session: Session, wish: spoken.Wish, now: datetime) -> dict[str, Any]:
    """The best slots, and two of them in flat fields: the best, and the best on another day."""
    found = callbacks.best_slots(callbacks.free_slots(session, now), wish)
    if not found:
        raise Refused(NO_SLOT)
    best = found[0]
    other = next((start for start in found if start.date() != best.date()), None)
    slots = [_slot(start, now) for start in found[:_MAX_LISTED]]
    flat = {f"other_{name}": text for name, text in _slot(other, now).items()} if other else {}
    return {"slots": slots, **_slot(best, now), **flat, "as_wanted": not any(wish.misses(best))}


def _slot(start: datetime, now: datetime) -> dict[str, str]:
    return {"slot_id": callbacks.slot_id(start), "in_words": spoken.time_in_words(start, now)}
