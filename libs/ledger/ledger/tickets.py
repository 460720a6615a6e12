"""The callbacks that were promised: written once, due when the caller wished, queued until somebody has called back.

The queue is the store's (``Store.queue_callback``): the people at the desk see what is in it, claim it, and say that it is done, which
is read here. What was done here (``python -m ledger done``) is taken out of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from handoff.directory import DIRECTORY
from handoff.ledger import CallbackTicket, DoneCallback, DueCallback
from handoff.store import Store
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ledger.database import LedgerDatabase
from ledger.due import due_at
from ledger.forgetting import without_forgotten
from ledger.rows import Ticket, TicketState, cut, moment, seconds
from ledger.settings import Settings

_AT_ONCE = 500
"""Most tickets that one look takes to the queue."""


class Tickets:
    """Fetches and writes for two StreamReaders (what was promised, what was done), and keeps the queue."""

    def __init__(self, store: Store, database: LedgerDatabase, *, settings: Settings) -> None:
        self._store, self._database, self._settings = store, database, settings

    async def fetch(self, cursor: str, count: int) -> tuple[Sequence[CallbackTicket], str]:
        """The next tickets, and the cursor after them. Raises StoreUnavailable, WireMismatch."""
        return await self._store.callbacks(cursor, count=count)

    def write(self, session: Session, tickets: Sequence[CallbackTicket]) -> Sequence[str]:
        """Adds those that are not there yet, by number and call; one that is there stays as it is, but for the number to call, which the
        caller may have named later. Returns the numbers of those that were added."""
        written = []
        wanted = without_forgotten(session, [cut(ticket.call_id, 200) for ticket in tickets])
        for row in map(self._row, tickets):
            if row.call_id not in wanted:
                continue
            known = session.get(Ticket, (row.ticket_id, row.call_id))
            if known is None:
                session.add(row)
                session.flush()  # the same one may come twice
                written.append(row.ticket_id)
            elif row.number and known.state != TicketState.DONE:
                known.number = row.number
        return written

    async def fetch_done(self, cursor: str, count: int) -> tuple[Sequence[DoneCallback], str]:
        """The next callbacks that were made, and the cursor after them. Raises StoreUnavailable, WireMismatch."""
        return await self._store.callbacks_done(cursor, count=count)

    def write_done(self, session: Session, made: Sequence[DoneCallback]) -> Sequence[str]:
        """Marks them done; returns the numbers of those that were not yet."""
        return [
            row.ticket_id
            for done in made
            for row in mark_done(session, cut(done.ticket_id, 64), cut(done.call_id, 200), now=done.done_at)
        ]

    async def keep_queue(self) -> int:
        """Sees to it that every ticket that is due and not done has been put into the queue, and that none is in it that is done;
        how many were put there.

        Killed between the queue and the database, the next look finds them in the queue. Raises StoreUnavailable.
        """
        now = await self._store.now()
        tickets = await asyncio.to_thread(self._due, now)
        put = [await self._store.queue_callback(_waiting(ticket)) for ticket in tickets]
        if any(ticket.state == TicketState.OPEN for ticket in tickets):
            await asyncio.to_thread(self._mark_queued, tickets, now)
        queued = await self._store.callbacks_due(limit=_AT_ONCE)
        for due in await asyncio.to_thread(self._done_among, queued):
            await self._store.drop_callback(due.ticket_id, due.call_id)
        return sum(put)

    def _done_among(self, queued: Sequence[DueCallback]) -> list[DueCallback]:
        with self._database.reading() as session:
            known = {due: session.get(Ticket, (due.ticket_id, due.call_id)) for due in queued}
            wanted = without_forgotten(session, [cut(due.call_id, 200) for due in queued])
            return [
                due
                for due, row in known.items()
                # One that was forgotten while this duty was putting it there.
                if (row is None and cut(due.call_id, 200) not in wanted) or (row and row.state == TicketState.DONE)
            ]

    def _due(self, now: float) -> list[Ticket]:
        is_due = (Ticket.state == TicketState.OPEN) & (Ticket.due_at <= moment(now))
        wanted = select(Ticket).where(or_(is_due, Ticket.state == TicketState.QUEUED))
        with self._database.reading() as session:
            # Open ones first: many that wait in the queue must not keep them out of it.
            return list(session.scalars(wanted.order_by(Ticket.state, Ticket.due_at).limit(_AT_ONCE)))

    def _mark_queued(self, tickets: Sequence[Ticket], now: float) -> None:
        with self._database.writing() as session:
            for ticket in tickets:
                row = session.get(Ticket, (ticket.ticket_id, ticket.call_id), with_for_update=True)
                # One that was done meanwhile stays done.
                if row is not None and row.state == TicketState.OPEN:
                    row.state, row.queued_at = TicketState.QUEUED.value, moment(now)

    def _row(self, ticket: CallbackTicket) -> Ticket:
        due = due_at(
            ticket.wished_at,
            ticket.created_at,
            after_seconds=self._settings.callback_after_seconds,
            time_zone=self._settings.time_zone,
        )
        return Ticket(
            ticket_id=cut(ticket.ticket_id, 64),
            call_id=cut(ticket.call_id, 200),
            service=cut(ticket.service, 64),
            channel=cut(ticket.channel, 16),
            reason=cut(ticket.reason, 500),
            wished_at=cut(ticket.wished_at, 200),
            created_at=moment(ticket.created_at),
            due_at=moment(due),
            state=TicketState.OPEN.value,
            number=cut(ticket.number, 16),
        )


def _waiting(ticket: Ticket) -> DueCallback:
    return DueCallback(
        ticket.ticket_id,
        ticket.call_id,
        ticket.service,
        ticket.channel,
        ticket.reason,
        seconds(ticket.due_at),
        number=ticket.number,
    )


def overdue_by_service(session: Session, *, now: float, bound_seconds: float) -> dict[str, int]:
    """How many callbacks each service should have made that long ago. All services are there."""
    wanted = select(Ticket.service, func.count().label("number")).where(
        Ticket.state != TicketState.DONE, Ticket.due_at < moment(now - bound_seconds)
    )
    found = {row.service: row.number for row in session.execute(wanted.group_by(Ticket.service))}
    return dict.fromkeys(DIRECTORY, 0) | found


def mark_done(session: Session, ticket_id: str, call_id: str = "", *, now: float) -> list[Ticket]:
    """The tickets of that number (of that call, when one is given) that were not done yet: now they are."""
    wanted = select(Ticket).where(Ticket.ticket_id == ticket_id, Ticket.state != TicketState.DONE).with_for_update()
    rows = list(session.scalars(wanted.where(Ticket.call_id == call_id) if call_id else wanted))
    for row in rows:
        row.state, row.done_at = TicketState.DONE.value, moment(now)
        row.number = ""  # it was given for this call alone
    return rows


def counts(session: Session) -> dict[str, int]:
    """How many tickets are in each state."""
    grouped = session.execute(select(Ticket.state, func.count().label("number")).group_by(Ticket.state))
    found = {row.state: row.number for row in grouped}
    return {state.value: found.get(state.value, 0) for state in TicketState}
