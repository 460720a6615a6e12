"""To forget one call: what of it is personal is removed; that a call ended on that day, and how, stays without a name.

The line stays for the sums: how many calls end how must not change because one caller wants to be forgotten. It loses its id, its times (the
day stays), its words and its handoffs' ids, so that nothing leads from it to the caller, to a log or to a trace.

First the database, then Redis: killed between them, it is done again and finds the rest. Redis may bring back what it had (a failover, a
reader in the middle of a page), so the call's hash is kept for two weeks, and what is known by it is not written.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from handoff.call import Call
from handoff.errors import StillLive
from handoff.store import Store
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ledger.database import LedgerDatabase, hold
from ledger.rows import ForgottenCall, HandoffRow, Line, OpenCall, Ticket, TicketState, call_hash, cut, moment, seconds

LEAVING_SECONDS = 60.0
"""A call's agents leave within seconds of its end; one that still found it gone would put it back."""
NAMELESS = "forgotten-"
"""What the id of a line begins with whose call was forgotten."""


@dataclass(slots=True)
class Forgotten:
    """What was there of a call, by kind."""

    ledger: dict[str, int] = field(default_factory=dict)
    redis: dict[str, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was there (any more)."""
        return not any((*self.ledger.values(), *self.redis.values()))


class NotYet(Exception):
    """The call has ended, or may have, and must not be forgotten at this moment. The message says when."""


async def forget_call(
    store: Store,
    database: LedgerDatabase,
    call_id: str,
    *,
    call_ttl_seconds: float,
    leaving_seconds: float = LEAVING_SECONDS,
) -> Forgotten:
    """May be repeated. Raises StillLive for a call that goes on, NotYet, StoreUnavailable, WireMismatch, SQLAlchemyError."""
    name = cut(call_id, 200)
    call, now = await store.load_call(call_id), await store.now()
    _check_ended(call, now, leaving_seconds)
    await asyncio.to_thread(_check_written, database, name, now, call_ttl_seconds)
    forgotten = Forgotten(ledger=await asyncio.to_thread(_forget_rows, database, name, now))
    forgotten.redis = await store.forget_call(call_id)
    return forgotten


def without_forgotten(session: Session, call_ids: Iterable[str]) -> set[str]:
    """Those of them that were not forgotten. To be asked where the stream is held: whoever forgets holds it too."""
    by_hash = {call_hash(call_id): call_id for call_id in call_ids}
    known = set(session.scalars(select(ForgottenCall.call_hash).where(ForgottenCall.call_hash.in_(by_hash))))
    return {call_id for digest, call_id in by_hash.items() if digest not in known}


def _check_ended(call: Call | None, now: float, leaving_seconds: float) -> None:
    if call is None:
        return
    if call.ending is None:
        raise StillLive("the call has not ended")
    if call.ended_at is not None and now - call.ended_at < leaving_seconds:
        raise NotYet(f"it ended less than {leaving_seconds:.0f} s ago and its agents are leaving: again in a minute")


def _check_written(database: LedgerDatabase, call_id: str, now: float, call_ttl_seconds: float) -> None:
    """A call that was seen alive and has no line may be alive still: Redis loses calls, and their agents put them back."""
    with database.reading() as session:
        opened = session.get(OpenCall, call_id)
        if opened is None or session.get(Line, call_id) is not None:
            return
        if opened.vanished_at is None or now - seconds(opened.vanished_at) < call_ttl_seconds:
            raise NotYet("the ledger has no ending of it: see that `python -m ledger run` runs, and that it has ended")


def _forget_rows(database: LedgerDatabase, call_id: str, now: float) -> dict[str, int]:
    with database.writing() as session:
        for what in (("stream", "ledger"), ("stream", "callbacks"), ("open calls",)):
            hold(session, *what)
        found = {
            "lines": _make_nameless(session, call_id),
            **_tickets(session, call_id),
            "open_calls": _delete_opened(session, call_id),
        }
        session.merge(ForgottenCall(call_hash=call_hash(call_id), forgotten_at=moment(now)))
        return found


def _make_nameless(session: Session, call_id: str) -> int:
    """The line and its handoffs, under a name that was drawn and leads nowhere."""
    line = session.get(Line, call_id)
    handoffs = list(session.scalars(select(HandoffRow).where(HandoffRow.call_id == call_id)))
    nameless = f"{NAMELESS}{secrets.token_hex(8)}"
    names = {row.handoff_id: f"{nameless}-{n}" for n, row in enumerate(handoffs, start=1)}
    for row in handoffs:
        row.handoff_id, row.call_id = names[row.handoff_id], nameless
        row.reason, row.offered_at = "", None
    if line is None:
        # Nothing tells how the call ended: there is nothing to keep for a sum.
        session.flush()
        session.execute(delete(HandoffRow).where(HandoffRow.call_id == nameless))
        return 0
    line.call_id, line.detail, line.started_at = nameless, "", None
    line.handoff_ids = [names[each] for each in line.handoff_ids if each in names]
    line.ended_at = line.written_at = _day(line.ended_at)
    return 1


def _tickets(session: Session, call_id: str) -> dict[str, int]:
    rows: Collection[Ticket] = list(session.scalars(select(Ticket).where(Ticket.call_id == call_id)))
    for row in rows:
        session.delete(row)
    return {"callbacks": len(rows), "unkept_callbacks": sum(row.state != TicketState.DONE for row in rows)}


def _delete_opened(session: Session, call_id: str) -> int:
    row = session.get(OpenCall, call_id)
    if row is not None:
        session.delete(row)
    return int(row is not None)


def _day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
