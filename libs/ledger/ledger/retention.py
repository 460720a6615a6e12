"""How long the ledger keeps what it has: rows are deleted when their time is over, a batch at a time.

Deleted, not made anonymous: how many calls ended how is in the metrics, for as long as those are kept. A batch is one transaction, so
that a table of years is worked off without a long lock; several ledgers may do it at once, and one at a time does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from handoff.store import Store
from sqlalchemy import delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql import ColumnElement

from ledger.database import LedgerDatabase, hold
from ledger.rows import ForgottenCall, HandoffRow, Line, OpenCall, Ticket, TicketState, moment
from ledger.settings import LEAST_DAYS

log = logging.getLogger("ledger.retention")

BATCH = 500
"""Rows of one kind in one transaction."""
DAY_SECONDS = 86400.0
KINDS = ("lines", "handoffs", "open_calls", "callbacks", "unkept_callbacks", "forgotten_calls")
"""What is counted. ``unkept_callbacks`` were promised, and nobody has called."""
_BATCHES = 20
"""Of one kind in one step of the duty: the ledger has other things to do as well."""


class Retention:
    """Deletes what is older than it may become. ``on_deleted`` is told how many of a kind are gone, when that is certain."""

    def __init__(
        self,
        store: Store,
        database: LedgerDatabase,
        *,
        ledger_days: float,
        callback_days: float,
        on_deleted: Callable[[str, int], None] = lambda kind, number: None,
    ) -> None:
        self._store, self._database = store, database
        self._ledger_seconds, self._callback_seconds = ledger_days * DAY_SECONDS, callback_days * DAY_SECONDS
        self._on_deleted = on_deleted

    async def step(self) -> dict[str, int]:
        """Deletes some; how many of each kind. Raises StoreUnavailable, SQLAlchemyError."""
        now = await self._store.now()
        gone = dict.fromkeys(KINDS, 0)
        for _ in range(_BATCHES):
            before = sum(gone.values())
            try:
                self._count(gone, await asyncio.to_thread(self._batch, now))
                self._count(gone, {"unkept_callbacks": await self._unkept(now)})
            except BaseException:
                _tell(gone)  # what is gone is gone, though Redis has left us in the middle
                raise
            if sum(gone.values()) == before:
                break
        _tell(gone)
        return gone

    def _count(self, gone: dict[str, int], batch: Mapping[str, int]) -> None:
        for kind, number in batch.items():
            gone[kind] += number
            self._on_deleted(kind, number)

    def _batch(self, now: float) -> dict[str, int]:
        """Of each kind that is in the database alone."""
        old, made_before = moment(now - self._ledger_seconds), moment(now - self._callback_seconds)
        forgotten_before = moment(now - LEAST_DAYS * DAY_SECONDS)
        is_over = (
            select(Line.call_id).where(Line.ended_at < old),
            select(OpenCall.call_id).where(OpenCall.vanished_at < old),
            select(Ticket.ticket_id).where(Ticket.state == TicketState.DONE, Ticket.done_at < made_before),
            select(ForgottenCall.call_hash).where(ForgottenCall.forgotten_at < forgotten_before),
        )
        with self._database.reading() as session:
            # Nearly always nothing: whoever writes is not kept waiting for that.
            if all(session.scalar(wanted.limit(1)) is None for wanted in is_over):
                return {}
        with self._database.writing() as session:
            hold(session, "retention")
            lines, theirs = _with_handoffs(session, Line.call_id, Line.ended_at < old)
            opened, also_theirs = _with_handoffs(session, OpenCall.call_id, OpenCall.vanished_at < old)
            return {
                "lines": lines,
                "open_calls": opened,
                "handoffs": theirs + also_theirs,
                "callbacks": _made(session, made_before),
                "forgotten_calls": _forgotten(session, forgotten_before),
            }

    async def _unkept(self, now: float) -> int:
        """Out of the queue first: a promise that nobody knows any more must not wait there for somebody to call."""
        due_before = moment(now - self._callback_seconds)
        unkept = await asyncio.to_thread(self._due_before, due_before)
        for ticket_id, call_id in unkept:
            await self._store.drop_callback(ticket_id, call_id)
        return await asyncio.to_thread(self._delete_unkept, unkept)

    def _due_before(self, due_before: datetime) -> list[tuple[str, str]]:
        wanted = select(Ticket.ticket_id, Ticket.call_id).where(
            Ticket.state != TicketState.DONE, Ticket.due_at < due_before
        )
        with self._database.reading() as session:
            return [(row.ticket_id, row.call_id) for row in session.execute(wanted.limit(BATCH))]

    def _delete_unkept(self, unkept: Sequence[tuple[str, str]]) -> int:
        if not unkept:
            return 0
        with self._database.writing() as session:
            rows = [session.get(Ticket, of, with_for_update=True) for of in unkept]
            # One that was made meanwhile is one that was made.
            late = [row for row in rows if row is not None and row.state != TicketState.DONE]
            for row in late:
                session.delete(row)
            return len(late)


def _with_handoffs(
    session: Session, call_id: InstrumentedAttribute[str], is_old: ColumnElement[bool]
) -> tuple[int, int]:
    """Deletes some old rows of a table of calls, and the handoffs of these calls; how many of each."""
    ids = list(session.scalars(select(call_id).where(is_old).limit(BATCH)))
    if not ids:
        return 0, 0
    session.execute(delete(call_id.class_).where(call_id.in_(ids)))
    handoffs = list(session.scalars(select(HandoffRow.handoff_id).where(HandoffRow.call_id.in_(ids))))
    session.execute(delete(HandoffRow).where(HandoffRow.call_id.in_(ids)))
    return len(ids), len(handoffs)


def _made(session: Session, before: datetime) -> int:
    wanted = select(Ticket).where(Ticket.state == TicketState.DONE, Ticket.done_at < before)
    rows = list(session.scalars(wanted.limit(BATCH)))
    for row in rows:
        session.delete(row)
    return len(rows)


def _forgotten(session: Session, before: datetime) -> int:
    rows = list(session.scalars(select(ForgottenCall).where(ForgottenCall.forgotten_at < before).limit(BATCH)))
    for row in rows:
        session.delete(row)
    return len(rows)


def _tell(gone: Mapping[str, int]) -> None:
    """Numbers only: whose they were is what is gone."""
    if not any(gone.values()):
        return
    log.info("deleted, for their time was over: %s", ", ".join(f"{n} {kind}" for kind, n in gone.items() if n))
    if gone["unkept_callbacks"]:
        log.warning("%d of them were callbacks that nobody has made", gone["unkept_callbacks"])
