"""A call that is to be forgotten: what stays of it is nameless, what Redis brings back is not written, and one that lives is left alone."""

from __future__ import annotations

import json

import pytest
from ended_calls import LEASE_SECONDS, end_call, endings, hand_over, make_ticket, open_call, reader
from handoff.call import Ending
from handoff.errors import StillLive
from handoff.memory_store import MemoryStore
from handoff.testing import START, FakeClock, make_call, make_turn
from ledger.database import LedgerDatabase
from ledger.forget import told
from ledger.forgetting import LEAVING_SECONDS, Forgotten, NotYet, forget_call
from ledger.lines import Lines, add_handoffs
from ledger.rows import HandoffRow, Line, OpenCall, Row, moment
from ledger.settings import Settings
from ledger.tickets import Tickets
from sqlalchemy import select
from telemetry.names import trace_hex_of

WORDS = "my canary sings at seventeen Heron Lane"
NUMBER = "+15550142617"
CALL = "call-4f0a"
TTL = 3600.0


async def write_all(store: MemoryStore, database: LedgerDatabase, settings: Settings) -> Tickets:
    """What the ledger's duties would have done by now."""
    await reader(store, database).catch_up()
    tickets = Tickets(store, database, settings=settings)
    promised, _ = await tickets.fetch("", 100)
    with database.writing() as session:
        tickets.write(session, promised)
    return tickets


async def call_of_a_canary(
    store: MemoryStore,
    clock: FakeClock,
    call_id: str = CALL,
    number: str = NUMBER,
    database: LedgerDatabase | None = None,
) -> None:
    """With words, a handoff, a callback with a number; ended twenty minutes ago; read by the ledger of ``database`` at once."""
    await open_call(store, call_id)
    epoch = await hand_over(store, clock, call_id, gap_seconds=0.25)
    await store.checkpoint(make_call(call_id, turns=(make_turn(WORDS),)), epoch=epoch)
    await store.add_callback(make_ticket("CT-10001", call_id, number=number))
    await store.end_call(call_id, epoch=epoch, ending=Ending.CALLBACK_BOOKED, detail="the ticket CT-10001")
    if database is not None:
        await reader(store, database).catch_up()
    clock.advance(1200)


def dump(database: LedgerDatabase) -> str:
    """All tables, as text."""
    with database.reading() as session:
        found = {
            name: [[str(value) for value in row] for row in session.execute(table.select())]
            for name, table in Row.metadata.tables.items()
        }
    return json.dumps(found)


async def forget(store: MemoryStore, database: LedgerDatabase, call_id: str = CALL) -> Forgotten:
    return await forget_call(store, database, call_id, call_ttl_seconds=TTL)


async def test_no_table_has_its_id_its_words_or_its_number_any_more(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await call_of_a_canary(store, clock, database=database)
    await call_of_a_canary(store, clock, "call-of-another", "+15550100001")
    tickets = await write_all(store, database, settings)
    await tickets.keep_queue()
    canaries = (CALL, f"{CALL}-h", NUMBER)
    assert all(canary in dump(database) for canary in canaries)
    forgotten = await forget(store, database)
    assert not any(canary in dump(database) for canary in canaries)
    assert await store.load_call(CALL) is None
    assert await store.load_call("call-of-another") is not None
    assert "call-of-another" in dump(database)
    counted = {"lines": 1, "callbacks": 1, "unkept_callbacks": 1, "open_calls": 0}
    assert (forgotten.ledger, forgotten.is_empty) == (counted, False)


async def test_that_a_call_ended_on_that_day_and_how_stays_without_a_name(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await call_of_a_canary(store, clock, database=database)
    await write_all(store, database, settings)
    await forget(store, database)
    with database.reading() as session:
        (line,) = session.scalars(select(Line))
        handoffs = list(session.scalars(select(HandoffRow)))
    assert [row.handoff_id for row in handoffs] == line.handoff_ids
    assert {(row.call_id, row.reason, row.offered_at) for row in handoffs} == {(line.call_id, "", None)}
    assert (line.ending, line.services, line.channel) == ("callback_booked", ["triage", "billing"], "web")
    assert line.call_id.startswith("forgotten-")
    assert (line.detail, line.started_at) == ("", None)
    midnight = moment(START - START % 86400)
    assert (line.ended_at, line.written_at) == (midnight, midnight)


async def test_what_redis_brings_back_is_not_written_again_and_leaves_the_queue(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    """A failover may lose the removal; a reader may be in the middle of a page."""
    await call_of_a_canary(store, clock)
    tickets = await write_all(store, database, settings)
    await tickets.keep_queue()
    (queued,) = await store.callbacks_due()
    await forget(store, database)
    await call_of_a_canary(store, clock)
    await store.queue_callback(queued)
    await write_all(store, database, settings)
    await tickets.keep_queue()
    await reader(store, database).look_again()
    assert (CALL in dump(database), NUMBER in dump(database)) == (False, False)
    assert await store.callbacks_due() == ()
    assert len(endings(database)) == 1


async def test_a_call_that_goes_on_is_refused(store: MemoryStore, database: LedgerDatabase) -> None:
    await open_call(store, CALL)
    before = dump(database)
    with pytest.raises(StillLive):
        await forget(store, database)
    assert await store.load_call(CALL) is not None
    assert dump(database) == before


async def test_a_page_that_was_read_before_and_is_written_after_brings_nothing_back(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await open_call(store, CALL)
    epoch = await hand_over(store, clock, CALL, gap_seconds=0.25)
    await store.add_callback(make_ticket("CT-10001", CALL, number=NUMBER))
    await end_call(store, CALL, epoch=epoch)
    lines, tickets = Lines(store, database), Tickets(store, database, settings=settings)
    read, _ = await lines.fetch("", 100)
    promised, _ = await tickets.fetch("", 100)
    assert len(read) == len(read[0].handoffs) == len(promised) == 1
    clock.advance(LEAVING_SECONDS)
    await forget(store, database)
    with database.writing() as session:
        assert lines.write(session, read) == []
        assert tickets.write(session, promised) == []
        add_handoffs(session, read[0].handoffs)
    assert CALL not in dump(database)


async def test_one_whose_agents_are_still_leaving_is_refused_for_a_minute(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase
) -> None:
    await end_call(store, CALL)
    await reader(store, database).catch_up()
    clock.advance(LEAVING_SECONDS - 1)
    with pytest.raises(NotYet):
        await forget(store, database)
    clock.advance(1)
    assert (await forget(store, database)).ledger["lines"] == 1


async def test_one_that_redis_has_lost_is_refused_while_an_agent_may_put_it_back(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase
) -> None:
    with database.writing() as session:
        session.add(OpenCall(call_id=CALL, first_seen_at=moment(START), vanished_at=moment(START)))
    clock.advance(TTL - 1)
    with pytest.raises(NotYet):
        await forget(store, database)
    clock.advance(1)
    assert (await forget(store, database)).ledger["open_calls"] == 1
    assert CALL not in dump(database)


async def test_done_again_it_finds_nothing_and_says_so(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await call_of_a_canary(store, clock)
    await write_all(store, database, settings)
    await forget(store, database)
    again = await forget(store, database)
    assert again.is_empty
    assert told(again, CALL).startswith(f"nothing was kept of {CALL}")


async def test_killed_between_the_database_and_redis_it_is_finished_the_next_time(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call_of_a_canary(store, clock)
    await write_all(store, database, settings)
    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(store, "forget_call", _killed)
        await forget(store, database)
    assert await store.load_call(CALL) is not None
    assert (await forget(store, database)).redis["calls"] == 1
    assert await store.load_call(CALL) is None


async def _killed(call_id: str) -> dict[str, int]:
    raise RuntimeError


def test_it_is_told_what_was_removed_where_and_what_is_out_of_reach() -> None:
    text = told(Forgotten(ledger={"lines": 1, "callbacks": 0}, redis={"calls": 1}), CALL)
    assert f"{CALL} is forgotten" in text
    assert "1 line of the ledger" in text and "callback" not in text.partition("not reached")[0]
    assert trace_hex_of(CALL) in text
    assert all(word in text for word in ("back offices", "recordings", "backups", "logs", "suppliers"))


async def test_a_floor_that_is_held_is_a_call_that_goes_on(store: MemoryStore, clock: FakeClock) -> None:
    """The store refuses by itself, whoever asks."""
    await open_call(store, CALL)
    clock.advance(LEASE_SECONDS + 1)
    with pytest.raises(StillLive):
        await store.forget_call(CALL)
