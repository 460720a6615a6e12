"""The ledger as a table for people, or as JSON: what `python -m ledger show` prints. All times are UTC."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handoff.call import Ending
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.rows import HandoffRow, Line, OpenCall, Ticket, TicketState, moment
from ledger.watch import since

_IN_WORDS: dict[str, str] = {
    Ending.RESOLVED: "resolved",
    Ending.TRANSFERRED_TO_HUMAN: "transferred to a human",
    Ending.CALLBACK_BOOKED: "callback booked",
    Ending.CALLER_HUNG_UP: "caller hung up",
    Ending.FAILED: "failed with an apology",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What was asked for: lines oldest first, the handoffs of their calls, and calls that have no line."""

    lines: Sequence[Line]
    handoffs: dict[str, list[HandoffRow]]
    opened: Sequence[OpenCall]


def page(session: Session, *, from_: float = 0.0, call_id: str = "") -> Page:
    """Calls that ended (or vanished) from that time on, or the one call whenever it was."""
    wanted = select(Line).where(Line.call_id == call_id if call_id else Line.ended_at >= moment(from_))
    lines = list(session.scalars(wanted.order_by(Line.ended_at, Line.call_id)))
    opened = [row for row in since(session, 0.0 if call_id else from_) if not call_id or row.call_id == call_id]
    handoffs: dict[str, list[HandoffRow]] = {}
    ids = [line.call_id for line in lines]
    for start in range(0, len(ids), 500):
        some = select(HandoffRow).where(HandoffRow.call_id.in_(ids[start : start + 500]))
        for row in session.scalars(some.order_by(HandoffRow.offered_at)):
            handoffs.setdefault(row.call_id, []).append(row)
    return Page(lines, handoffs, opened)


def callbacks(session: Session, *, from_: float = 0.0, call_id: str = "") -> Sequence[Ticket]:
    """Tickets that were made from that time on, and older ones that are not done; or those of one call."""
    wanted = Ticket.call_id == call_id if call_id else (Ticket.created_at >= moment(from_)) | (Ticket.state != "done")
    return list(session.scalars(select(Ticket).where(wanted).order_by(Ticket.due_at, Ticket.ticket_id)))


def table(found: Page) -> str:
    """One line a call, then how many ended how."""
    if not found.lines and not found.opened:
        return "no call in that time"
    head = ("ended", "call", "how", "took", "services", "floor to voice", "reason")
    rows = [_cells(line, found.handoffs.get(line.call_id, ())) for line in found.lines]
    rows += [_open_cells(row) for row in found.opened]
    return "\n".join((*_columns([head, *rows]), "", _sum(found)))


def is_overdue(ticket: Ticket, *, now: float, bound_seconds: float) -> bool:
    """Whether a caller has waited for our call for longer than that after its time."""
    return ticket.state != TicketState.DONE and ticket.due_at < moment(now - bound_seconds)


def callbacks_table(tickets: Sequence[Ticket], overdue: Collection[Ticket] = ()) -> str:
    """One line a ticket, the next one first."""
    if not tickets:
        return "no callback"
    head = ("ticket", "state", "due", "wished", "service", "reason", "call")
    rows = [
        (
            t.ticket_id,
            "OVERDUE" if t in overdue else t.state,
            _at(t.due_at),
            t.wished_at or "-",
            t.service,
            t.reason or "-",
            t.call_id,
        )
        for t in tickets
    ]
    states = [f"{sum(t.state == state for t in tickets)} {state}" for state in TicketState]
    states += [f"{len(overdue)} of them OVERDUE"] if overdue else []
    return "\n".join((*_columns([head, *rows]), "", f"{len(tickets)} callbacks: {', '.join(states)}"))


def as_json(found: Page, tickets: Sequence[Ticket], overdue: Collection[Ticket] = ()) -> dict[str, Any]:
    """The same as data: moments in ISO 8601, times in seconds."""
    return {
        "lines": [_plain(line) | {"handoffs": _handoffs(found, line)} for line in found.lines],
        "running": [_plain(row) for row in found.opened if row.vanished_at is None],
        "without_ending": [_plain(row) for row in found.opened if row.vanished_at is not None],
        "callbacks": [_plain(ticket) | {"is_overdue": ticket in overdue} for ticket in tickets],
    }


def _handoffs(found: Page, line: Line) -> list[dict[str, Any]]:
    """In the order of the call; one whose record was gone is there by its id alone."""
    known = {row.handoff_id: _plain(row) for row in found.handoffs.get(line.call_id, ())}
    return [known.get(each, {"handoff_id": each}) for each in line.handoff_ids]


def _plain(row: Line | HandoffRow | OpenCall | Ticket) -> dict[str, Any]:
    values = {column.name: getattr(row, column.name) for column in row.__table__.columns}
    if values.get("number"):
        values["number"] = f"***{values['number'][-2:]}"  # whole it is for who calls
    return {name: f"{value.isoformat()}Z" if isinstance(value, datetime) else value for name, value in values.items()}


def _cells(line: Line, handoffs: Sequence[HandoffRow]) -> tuple[str, ...]:
    took = line.ended_at - line.started_at if line.started_at else None
    # A clock that was put right meanwhile gives less than nothing.
    seconds = f"{took.total_seconds():.0f} s" if took and took.total_seconds() >= 0 else "-"
    return (
        _at(line.ended_at),
        line.call_id,
        _IN_WORDS.get(line.ending, line.ending),
        seconds,
        " > ".join(line.services) or "-",
        _gaps(line, handoffs),
        line.detail or "-",
    )


def _gaps(line: Line, handoffs: Sequence[HandoffRow]) -> str:
    """For each handoff in the call's order: its time, how it ended instead, or ? when its record was gone."""
    known = {row.handoff_id: row for row in handoffs}
    return ", ".join(_gap(known.get(each)) for each in line.handoff_ids) or "-"


def _gap(row: HandoffRow | None) -> str:
    if row is None:
        return "?"
    gap = row.taken_to_spoken_seconds
    return row.state if gap is None else f"{gap * 1000:.0f} ms"


def _open_cells(row: OpenCall) -> tuple[str, ...]:
    how = "running" if row.vanished_at is None else "NO ENDING"
    when = "-" if row.vanished_at is None else _at(row.vanished_at)
    return (when, row.call_id, how, "-", "-", "-", f"first seen {_at(row.first_seen_at)}")


def _sum(found: Page) -> str:
    kinds = {ending.value: 0 for ending in Ending}
    for line in found.lines:
        kinds[line.ending] = kinds.get(line.ending, 0) + 1
    told = [f"{number} {_IN_WORDS.get(kind, kind)}" for kind, number in kinds.items() if number]
    lost = sum(row.vanished_at is not None for row in found.opened)
    running = len(found.opened) - lost
    return f"{len(found.lines)} ended: {', '.join(told) or 'none'}; {running} running; {lost} without an ending"


def _at(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S}"


def _columns(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
