"""Calls that end in a store, with a handoff on the way, as the agents would end them."""

from __future__ import annotations

from handoff.call import Ending
from handoff.ledger import CallbackTicket, LedgerLine
from handoff.lifecycle import State
from handoff.memory_store import MemoryStore
from handoff.store import Store
from handoff.testing import START, FakeClock, make_call, make_handoff
from ledger.database import LedgerDatabase
from ledger.lines import Lines
from ledger.rows import Line
from ledger.streams import StreamReader
from sqlalchemy import select

LEASE_SECONDS = 10.0


async def open_call(store: Store, call_id: str) -> int:
    """A call that triage holds; its epoch."""
    await store.open_call(make_call(call_id))
    floor = await store.take_floor(call_id, service="triage", agent_id="triage-1", lease_seconds=LEASE_SECONDS)
    return floor.epoch


async def end_call(
    store: Store, call_id: str, ending: Ending = Ending.RESOLVED, *, detail: str = "", epoch: int = 0
) -> None:
    """Opens it, unless it has an ``epoch`` already, and ends it."""
    await store.end_call(call_id, epoch=epoch or await open_call(store, call_id), ending=ending, detail=detail)


async def hand_over(store: MemoryStore, clock: FakeClock, call_id: str, *, gap_seconds: float) -> int:
    """To billing, which speaks so long after it got the floor; the new epoch. The handoff's id is the call's with ``-h``."""
    handoff_id = f"{call_id}-h"
    handoff = make_handoff(handoff_id, call=make_call(call_id), now=clock())
    await store.offer(handoff)
    await store.move(handoff_id, State.ACCEPTED)
    await store.move(handoff_id, State.READY, taker_id="billing-1")
    floor = await store.pass_floor(handoff_id, epoch=1, lease_seconds=LEASE_SECONDS)
    clock.advance(gap_seconds)
    await store.move(handoff_id, State.SPOKEN)
    return floor.epoch


def reader(store: Store, database: LedgerDatabase, written: list[LedgerLine] | None = None) -> StreamReader[object]:
    """Of the lines, as the process has it."""
    lines = Lines(store, database)
    told = (lambda lines: None) if written is None else written.extend
    return StreamReader("ledger", database, fetch=lines.fetch, write=lines.write, on_written=told)  # type: ignore[arg-type]


def endings(database: LedgerDatabase) -> dict[str, str]:
    """What is written, by call."""
    with database.reading() as session:
        return {line.call_id: line.ending for line in session.scalars(select(Line))}


def make_ticket(
    ticket_id: str = "CT-10001", call_id: str = "call-1", *, wished_at: str = "", number: str = ""
) -> CallbackTicket:
    """Promised at START, because billing was full."""
    return CallbackTicket(ticket_id, call_id, "billing", "phone", "at_capacity", wished_at, START, number)
