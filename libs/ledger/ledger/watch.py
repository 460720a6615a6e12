"""Calls without an ending: the alert that a caller may have been left in silence.

A call is without an ending when nobody has held it for longer than the bound (``lease_passed``), when the store no longer knows
it and no line has come (``vanished``), or when it runs for longer than a call's record is meant to live (``overlong``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection

from handoff.errors import WireMismatch
from handoff.lifecycle import FINAL
from handoff.store import Handoff, Store
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ledger.database import LedgerDatabase, hold
from ledger.lines import add_handoffs, known_handoffs
from ledger.rows import HandoffRow, Line, OpenCall, moment, seconds
from ledger.settings import Settings

log = logging.getLogger("ledger.watch")

REASONS = ("lease_passed", "vanished", "overlong")
ALERT_SECONDS = 86400.0
"""A call that vanished counts for a day; after that it is only listed."""
_HANDOFFS_SECONDS = 60.0
"""How often the handoffs of live calls are noted; a handoff's record lives for 300 s."""
_MOST_OVERDUE = 1000


class Watch:
    """Keeps the table of open calls, and counts. One step at a time."""

    def __init__(
        self,
        store: Store,
        database: LedgerDatabase,
        *,
        settings: Settings,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._database, self._settings = store, database, settings
        self._monotonic = monotonic
        self._handoffs_at = 0.0
        self.without_ending: dict[str, str] = {}
        """Why, by call, as of the last step."""

    def count(self, reason: str) -> int:
        """How many calls are without an ending for that reason."""
        return sum(why == reason for why in self.without_ending.values())

    async def step(self) -> None:
        """Looks once. Raises StoreUnavailable, SQLAlchemyError."""
        live = await self._store.live_calls()
        now = await self._store.now()
        opened = await asyncio.to_thread(self._note, live, now)
        found = self._of_the_table(opened, now) | await self._lease_passed(opened, now)
        for call_id in found.keys() - self.without_ending.keys():
            log.error("a call has no ending: %s", found[call_id], extra={"call_id": call_id})
        self.without_ending = found
        if self._monotonic() >= self._handoffs_at:
            await self._note_handoffs(live)
            self._handoffs_at = self._monotonic() + _HANDOFFS_SECONDS

    def _note(self, live: Collection[str], now: float) -> dict[str, OpenCall]:
        with self._database.writing() as session:
            hold(session, "open calls")
            return note_live(session, frozenset(live), now)

    def _of_the_table(self, opened: dict[str, OpenCall], now: float) -> dict[str, str]:
        found = {}
        for call_id, row in opened.items():
            gone = now - seconds(row.vanished_at) if row.vanished_at else None
            if gone is None and now - seconds(row.first_seen_at) > self._settings.call_ttl_seconds:
                found[call_id] = "overlong"
            elif gone is not None and self._settings.ending_bound_seconds < gone < ALERT_SECONDS:
                found[call_id] = "vanished"
        return found

    async def _lease_passed(self, opened: dict[str, OpenCall], now: float) -> dict[str, str]:
        found = {}
        for overdue in await self._store.overdue(limit=_MOST_OVERDUE):
            floor = await self._store.load_floor(overdue.call_id)
            row = opened.get(overdue.call_id)
            # One that nobody ever held counts from when it was first seen.
            since = floor.lease_until if floor else seconds(row.first_seen_at) if row else now
            if row is not None and now - since > self._settings.ending_bound_seconds:
                found[overdue.call_id] = "lease_passed"
        return found

    async def _note_handoffs(self, live: Collection[str]) -> None:
        """Before their records expire: a call may run for longer."""
        handoffs: list[Handoff] = []
        for call_id in live:
            try:
                call = await self._store.load_call(call_id)
            except WireMismatch:
                continue  # another release's, which can read it
            new = await asyncio.to_thread(self._unknown, call.handoff_ids) if call and call.handoff_ids else ()
            handoffs += [each for each in await known_handoffs(self._store, new) if each.state in FINAL]
        if handoffs:
            await asyncio.to_thread(self._add, handoffs)

    def _unknown(self, handoff_ids: tuple[str, ...]) -> list[str]:
        with self._database.reading() as session:
            known = set(session.scalars(select(HandoffRow.handoff_id).where(HandoffRow.handoff_id.in_(handoff_ids))))
        return [each for each in handoff_ids if each not in known]

    def _add(self, handoffs: list[Handoff]) -> None:
        with self._database.writing() as session:
            hold(session, "stream", "ledger")  # whoever writes lines adds handoffs too
            add_handoffs(session, handoffs)


def note_live(session: Session, live: Collection[str], now: float) -> dict[str, OpenCall]:
    """Brings the table up to date with the calls that live now; returns what it holds: calls that have no line."""
    # A call that ended between the two looks.
    session.execute(delete(OpenCall).where(OpenCall.call_id.in_(select(Line.call_id))))
    opened = {row.call_id: row for row in session.scalars(select(OpenCall))}
    new = [call_id for call_id in live if call_id not in opened]
    for start in range(0, len(new), 500):
        some = new[start : start + 500]
        ended = set(session.scalars(select(Line.call_id).where(Line.call_id.in_(some))))
        opened |= {each: OpenCall(call_id=each, first_seen_at=moment(now)) for each in some if each not in ended}
    session.add_all([row for row in opened.values() if row.call_id in live])
    for call_id, row in opened.items():
        if call_id in live:
            row.vanished_at = None
        elif row.vanished_at is None:
            row.vanished_at = moment(now)
    session.flush()
    session.expunge_all()
    return opened


def since(session: Session, from_: float) -> list[OpenCall]:
    """Calls without a line that run, or that vanished after that time; oldest first."""
    wanted = select(OpenCall).where(OpenCall.vanished_at.is_(None) | (OpenCall.vanished_at >= moment(from_)))
    return list(session.scalars(wanted.order_by(OpenCall.first_seen_at)))
