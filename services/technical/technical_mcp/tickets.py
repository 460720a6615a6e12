"""The authority over tickets: whose they are, that one is opened once, and what may be read out."""

from __future__ import annotations

from datetime import UTC, datetime

from backoffice.database import hold
from backoffice.office import Refused
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from technical_mcp.rows import Product, Ticket, TicketUpdate

MAX_OPEN = 5
"""Open tickets of one account; a caller with more needs a person, not another ticket."""
MAX_NOTE_CHARS = 1000
_FIRST_NUMBER = 30518
_NOT_THEIRS = "There is no ticket with that number on this account."


def ticket(session: Session, account_id: str, ticket_id: str) -> Ticket:
    """The account's ticket. Raises Refused, in the same words for one that is somebody else's and one that is nobody's."""
    found = session.get(Ticket, ticket_id)
    if found is None or found.account_id != account_id:
        raise Refused(_NOT_THEIRS)
    return found


def add(session: Session, account_id: str, *, product: str, problem: str, steps_tried: str) -> Ticket:
    """Opens a ticket. Raises Refused. Call inside a writing session."""
    if session.get(Product, (account_id, product)) is None:
        raise Refused("That product is not on this account.")
    problem = _note(problem)
    hold(session, "tickets")
    is_open = Ticket.account_id == account_id, Ticket.status == "open"
    if (session.scalar(select(func.count()).select_from(Ticket).where(*is_open)) or 0) >= MAX_OPEN:
        raise Refused("There are as many open tickets on this account as there may be.")
    made = Ticket(
        ticket_id=_next_id(session),
        account_id=account_id,
        product=product,
        problem=problem,
        steps_tried=" ".join(steps_tried.split())[:MAX_NOTE_CHARS],
        status="open",
        opened_at=_now(),
    )
    session.add(made)
    session.flush()
    return made


def add_note(session: Session, account_id: str, ticket_id: str, *, note: str) -> Ticket:
    """Adds what the caller said to an open ticket. Raises Refused. Call inside a writing session."""
    found = ticket(session, account_id, ticket_id)
    if found.status != "open":
        raise Refused("That ticket is closed. A new one can be opened.")
    found.updates.append(TicketUpdate(written_by="caller", note=_note(note), noted_at=_now()))
    session.flush()
    return found


def engineers_word(found: Ticket) -> str:
    """The newest note of an engineer; empty when there is none. What callers wrote is never read out."""
    return next((u.note for u in reversed(found.updates) if u.written_by == "engineer"), "")


def _note(words: str) -> str:
    text = " ".join(words.split())
    if not text:
        raise Refused("The ticket needs a few words about the problem.")
    if len(text) > MAX_NOTE_CHARS:
        raise Refused("That is too long for a ticket: say it in a few sentences.")
    return text


def _next_id(session: Session) -> str:
    newest = session.scalar(select(func.max(Ticket.ticket_id)))
    number = int(newest.removeprefix("TK-")) + 1 if newest else _FIRST_NUMBER
    return f"TK-{max(number, _FIRST_NUMBER)}"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
