"""Every ending is in the database once: the first one, with the call's handoffs, whatever happens to the reader or to Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from ended_calls import end_call, endings, hand_over, open_call, reader
from handoff.call import Ending
from handoff.errors import StoreUnavailable, WireMismatch
from handoff.ledger import LedgerLine
from handoff.memory_store import MemoryStore
from handoff.testing import START, FakeClock, OutageStore, memory_store
from ledger.database import LedgerDatabase
from ledger.lines import Ended, Lines
from ledger.rows import Cursor, HandoffRow, Line, moment
from ledger.streams import LOOK_AGAIN_SECONDS, StreamReader
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session


class Killed(BaseException):
    """The process ends here."""


async def test_a_line_tells_how_the_call_ended(store: MemoryStore, clock: FakeClock, database: LedgerDatabase) -> None:
    await open_call(store, "call-1")
    epoch = await hand_over(store, clock, "call-1", gap_seconds=0.25)
    clock.advance(60)
    await end_call(store, "call-1", Ending.FAILED, detail="nobody could take the call", epoch=epoch)
    clock.advance(2)
    await reader(store, database).catch_up()
    with database.reading() as session:
        line, handoff = session.get(Line, "call-1"), session.get(HandoffRow, "call-1-h")
    assert line is not None and handoff is not None
    assert (line.ending, line.detail, line.channel) == ("failed", "nobody could take the call", "web")
    assert (line.services, line.handoff_ids) == (["triage", "billing"], ["call-1-h"])
    assert line.started_at == moment(START)
    assert line.written_at - line.ended_at == timedelta(seconds=2)
    assert (handoff.call_id, handoff.from_service, handoff.to_service) == ("call-1", "triage", "billing")
    assert (handoff.state, handoff.taken_to_spoken_seconds) == ("spoken", pytest.approx(0.25))


async def test_every_kind_of_ending_is_written(store: MemoryStore, database: LedgerDatabase) -> None:
    for ending in Ending:
        await end_call(store, f"call-{ending}", ending)
    await reader(store, database).catch_up()
    assert endings(database) == {f"call-{ending}": ending.value for ending in Ending}


async def test_more_lines_than_a_page_are_read_to_the_end(store: MemoryStore, database: LedgerDatabase) -> None:
    for number in range(450):
        await end_call(store, f"call-{number}")
    written: list[LedgerLine] = []
    await reader(store, database, written).catch_up()
    assert len(endings(database)) == len(written) == 450


async def test_a_line_outlives_the_calls_record(store: MemoryStore, clock: FakeClock, database: LedgerDatabase) -> None:
    await end_call(store, "call-1")
    await reader(store, database).catch_up()
    clock.advance(30 * 86400)
    await end_call(store, "call-2")
    await reader(store, database).catch_up()
    assert await store.load_call("call-1") is None
    assert set(endings(database)) == {"call-1", "call-2"}


async def test_a_reader_that_dies_before_its_transaction_ends_has_neither_written_nor_moved_on(
    store: MemoryStore, database: LedgerDatabase
) -> None:
    lines = Lines(store, database)

    def dies(session: Session, read: Sequence[Ended]) -> Sequence[str]:
        lines.write(session, read)
        session.flush()
        raise Killed

    await end_call(store, "call-1")
    doomed = StreamReader("ledger", database, fetch=lines.fetch, write=dies)
    with pytest.raises(Killed):
        await doomed.step()
    with database.reading() as session:
        assert session.get(Cursor, "ledger") is None
    assert endings(database) == {}
    await reader(store, database).catch_up()
    assert endings(database) == {"call-1": "resolved"}


async def test_the_next_reader_goes_on_where_the_one_before_stopped(
    store: MemoryStore, database: LedgerDatabase
) -> None:
    await end_call(store, "call-1")
    await reader(store, database).catch_up()
    await end_call(store, "call-2")
    asked: list[str] = []
    lines = Lines(store, database)

    async def fetch(cursor: str, count: int) -> tuple[Sequence[Ended], str]:
        asked.append(cursor)
        return await lines.fetch(cursor, count)

    await StreamReader("ledger", database, fetch=fetch, write=lines.write).step()
    _, cursor = await store.ledger_after("", count=1)
    assert asked == [cursor]
    assert set(endings(database)) == {"call-1", "call-2"}


async def test_of_two_readers_of_one_page_one_writes_it(store: MemoryStore, database: LedgerDatabase) -> None:
    for number in range(20):
        await end_call(store, f"call-{number}")
    written: list[LedgerLine] = []
    both = [reader(store, database, written) for _ in range(2)]
    await asyncio.gather(*(each.catch_up() for each in both))
    assert len(written) == len(endings(database)) == 20


async def test_the_first_ending_counts_when_a_lost_call_is_ended_once_more(
    clock: FakeClock, database: LedgerDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    before, after = memory_store(clock), memory_store(clock)
    await end_call(before, "call-1", Ending.RESOLVED)
    await reader(before, database).catch_up()
    await end_call(after, "call-0")
    await end_call(after, "call-1", Ending.CALLER_HUNG_UP)
    await reader(after, database).look_again()
    assert endings(database) == {"call-0": "resolved", "call-1": "resolved"}
    assert [record.call_id for record in caplog.records] == ["call-1"]  # type: ignore[attr-defined]


async def test_lines_that_came_to_lie_before_the_cursor_are_found_when_the_stream_is_looked_at_again(
    clock: FakeClock, database: LedgerDatabase
) -> None:
    """Redis came back empty, with a clock that is behind: its cursors are lower than the one we have."""
    before, after = memory_store(clock), memory_store(clock)
    for number in range(3):
        await end_call(before, f"old-{number}")
    await reader(before, database).catch_up()
    monotonic = FakeClock()
    lines = Lines(after, database)
    late = StreamReader("ledger", database, fetch=lines.fetch, write=lines.write, monotonic=monotonic)
    await late.catch_up()
    await end_call(after, "new-0")
    await late.catch_up()
    assert "new-0" not in endings(database)
    monotonic.advance(LOOK_AGAIN_SECONDS)
    await late.catch_up()
    assert "new-0" in endings(database)


async def test_after_an_outage_the_stream_is_looked_at_again(clock: FakeClock, database: LedgerDatabase) -> None:
    before, after = memory_store(clock), OutageStore(now=clock)
    await end_call(before, "old-0")
    await reader(before, database).catch_up()
    follower = reader(after, database)
    await follower.catch_up()
    await end_call(after, "new-0")
    after.is_away = True
    with pytest.raises(StoreUnavailable):
        await follower.catch_up()
    after.is_away = False
    await follower.catch_up()
    assert set(endings(database)) == {"old-0", "new-0"}


async def test_all_that_stands_before_an_unreadable_line_is_written_and_nothing_is_skipped(
    clock: FakeClock, database: LedgerDatabase
) -> None:
    class NewerRelease(MemoryStore):
        async def ledger_after(self, cursor: str = "", *, count: int = 100) -> tuple[tuple[LedgerLine, ...], str]:
            lines, after = await super().ledger_after(cursor, count=count)
            if any(line.call_id == "call-2" for line in lines):
                raise WireMismatch("stored line of the ledger not understood")
            return lines, after

    newer = NewerRelease(now=clock)
    for number in range(4):
        await end_call(newer, f"call-{number}")
    stuck = reader(newer, database)
    for _ in range(2):
        with pytest.raises(WireMismatch):
            await stuck.catch_up()
        assert set(endings(database)) == {"call-0", "call-1"}
    newer.ledger_after = super(NewerRelease, newer).ledger_after  # type: ignore[method-assign]  # it can be read now
    await stuck.catch_up()
    assert len(endings(database)) == 4


async def test_what_no_column_takes_is_cut_and_the_line_is_written(clock: FakeClock, database: LedgerDatabase) -> None:
    odd: dict[str, Any] = {"detail": "x\0" * 400, "started_at": 1e300, "channel": "carrier pigeon, by night"}
    line = LedgerLine("call-1", Ending.RESOLVED, START, **odd)

    class Odd(MemoryStore):
        async def ledger_after(self, cursor: str = "", *, count: int = 100) -> tuple[tuple[LedgerLine, ...], str]:
            return ((line,), "1") if cursor == "" else ((), cursor)

    await reader(Odd(now=clock), database).catch_up()
    with database.reading() as session:
        row = session.get(Line, "call-1")
    assert row is not None
    assert (row.detail, row.started_at, row.channel) == ("x" * 400, None, "carrier pigeon, ")


async def test_a_database_that_fails_is_said_so_and_nothing_is_lost(
    store: MemoryStore, database: LedgerDatabase
) -> None:
    lines = Lines(store, database)
    is_full = True

    def write(session: Session, read: Sequence[Ended]) -> Sequence[LedgerLine]:
        written = lines.write(session, read)
        if is_full:
            raise OperationalError("insert", None, Exception("disk full"))
        return written

    follower = StreamReader("ledger", database, fetch=lines.fetch, write=write)
    await end_call(store, "call-1")
    with pytest.raises(OperationalError):
        await follower.catch_up()
    is_full = False
    await follower.catch_up()
    assert endings(database) == {"call-1": "resolved"}
