"""Writes how calls ended: one line each, the first one that is read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from handoff.errors import WireMismatch
from handoff.ledger import LedgerLine
from handoff.lifecycle import State
from handoff.store import Handoff, Store
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ledger.database import LedgerDatabase
from ledger.rows import HandoffRow, Line, OpenCall, cut, moment

log = logging.getLogger("ledger.lines")


@dataclass(frozen=True, slots=True)
class Ended:
    """A line as it was read: with those of the call's handoffs that the store still knew, at ``read_at`` by its clock."""

    line: LedgerLine
    handoffs: tuple[Handoff, ...]
    read_at: float


class Lines:
    """Fetches and writes for a StreamReader."""

    def __init__(self, store: Store, database: LedgerDatabase) -> None:
        self._store, self._database = store, database

    async def fetch(self, cursor: str, count: int) -> tuple[Sequence[Ended], str]:
        """The next lines that are not written yet, and the cursor after them. Raises StoreUnavailable, WireMismatch."""
        lines, after = await self._store.ledger_after(cursor, count=count)
        new = await asyncio.to_thread(self._unknown, lines)
        if not new:
            return (), after
        read_at = await self._store.now()
        return [Ended(line, await known_handoffs(self._store, line.handoff_ids), read_at) for line in new], after

    def write(self, session: Session, read: Sequence[Ended]) -> Sequence[LedgerLine]:
        """Adds the lines of calls that have none yet, and returns those."""
        known = _endings(session, [ended.line for ended in read])
        written = []
        for ended in read:
            row = _row(ended)
            if row.call_id not in known:
                known[row.call_id] = row.ending
                session.add(row)
                written.append(ended.line)
        session.execute(delete(OpenCall).where(OpenCall.call_id.in_(known)))
        add_handoffs(session, [handoff for ended in read for handoff in ended.handoffs])
        return written

    def _unknown(self, lines: Sequence[LedgerLine]) -> list[LedgerLine]:
        with self._database.reading() as session:
            known = _endings(session, lines)
        for line in lines:
            before = known.get(cut(line.call_id, 200), line.ending.value)
            if before != line.ending.value:
                # The store lost the call after it had ended, and somebody ended it once more. The first ending counts.
                log.warning("a call that was %s was ended again", before, extra={"call_id": line.call_id})
        return [line for line in lines if cut(line.call_id, 200) not in known]


async def known_handoffs(store: Store, handoff_ids: Iterable[str]) -> tuple[Handoff, ...]:
    """Those that the store still knows and this release can read: times are worth having, an ending must not wait for them."""
    found = []
    for handoff_id in handoff_ids:
        try:
            handoff = await store.load_handoff(handoff_id)
        except WireMismatch:
            log.warning("a handoff's record cannot be read", extra={"handoff_id": handoff_id})
            continue
        if handoff is not None:
            found.append(handoff)
    return tuple(found)


def add_handoffs(session: Session, handoffs: Sequence[Handoff]) -> None:
    """Adds those that are not there yet."""
    by_id = {cut(handoff.context.handoff_id, 200): handoff for handoff in handoffs}
    known = set(session.scalars(select(HandoffRow.handoff_id).where(HandoffRow.handoff_id.in_(by_id))))
    session.add_all([_handoff_row(name, handoff) for name, handoff in by_id.items() if name not in known])


def _endings(session: Session, lines: Iterable[LedgerLine]) -> dict[str, str]:
    """What is written of these calls."""
    ids = [cut(line.call_id, 200) for line in lines]
    found = session.execute(select(Line.call_id, Line.ending).where(Line.call_id.in_(ids)))
    return {row.call_id: row.ending for row in found}


def _row(ended: Ended) -> Line:
    line = ended.line
    return Line(
        call_id=cut(line.call_id, 200),
        ending=cut(line.ending.value, 32),
        detail=cut(line.detail, 500),
        channel=cut(line.channel, 16),
        services=[cut(name, 200) for name in line.services],
        handoff_ids=[cut(name, 200) for name in line.handoff_ids],
        started_at=_moment_or_none(line.started_at),
        ended_at=moment(line.ended_at),
        written_at=moment(ended.read_at),
    )


def _handoff_row(handoff_id: str, handoff: Handoff) -> HandoffRow:
    taken, spoken = (handoff.moved_at.get(state) for state in (State.TAKEN, State.SPOKEN))
    return HandoffRow(
        handoff_id=handoff_id,
        call_id=cut(handoff.context.call_id, 200),
        from_service=cut(handoff.from_service, 64),
        to_service=cut(handoff.to_service, 64),
        state=cut(handoff.state.value, 16),
        reason=cut(handoff.reason, 500),
        offered_at=_moment_or_none(handoff.moved_at.get(State.OFFERED, 0.0)),
        taken_to_spoken_seconds=None if taken is None or spoken is None else spoken - taken,
    )


def _moment_or_none(seconds: float) -> datetime | None:
    """A clock that is not the store's may say anything."""
    try:
        return moment(seconds) if seconds > 0 else None
    except ValueError:
        return None
