"""Rows go when their time is over and not before, a batch at a time, and nothing but numbers is told of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ended_calls import end_call, endings, hand_over, make_ticket, open_call, reader
from handoff.errors import StoreUnavailable
from handoff.memory_store import MemoryStore
from handoff.testing import START, FakeClock, OutageStore
from ledger import retention as retention_module
from ledger.database import LedgerDatabase
from ledger.retention import DAY_SECONDS, Retention
from ledger.rows import ForgottenCall, HandoffRow, OpenCall, Row, Ticket, moment
from ledger.run import Ledger
from ledger.settings import Settings
from ledger.tickets import Tickets, mark_done
from sqlalchemy import func, select

NUMBER = "+15550142617"
Keep = Callable[..., Retention]


def days(number: float) -> float:
    return number * DAY_SECONDS


@pytest.fixture
def keep(store: MemoryStore, database: LedgerDatabase) -> Keep:
    """Ninety days for lines, thirty for callbacks."""
    return lambda **told: Retention(store, database, ledger_days=90, callback_days=30, **told)


def rows(database: LedgerDatabase, table: type[Row]) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


async def promise(store: MemoryStore, database: LedgerDatabase, settings: Settings, *names: str) -> Tickets:
    """A callback for each of these calls, in the database and in the queue."""
    tickets = Tickets(store, database, settings=settings)
    for n, call_id in enumerate(names):
        await store.add_callback(make_ticket(f"CT-{n}", call_id, number=NUMBER))
    promised, _ = await tickets.fetch("", 100)
    with database.writing() as session:
        tickets.write(session, promised)
    return tickets


async def test_a_line_goes_with_its_handoffs_when_its_time_is_over(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, keep: Keep
) -> None:
    await open_call(store, "old")
    epoch = await hand_over(store, clock, "old", gap_seconds=0.2)
    await end_call(store, "old", epoch=epoch)
    await reader(store, database).catch_up()
    clock.advance(days(90) - 1)
    await end_call(store, "young")
    await reader(store, database).catch_up()
    assert set((await keep().step()).values()) == {0}
    clock.advance(2)
    told: list[tuple[str, int]] = []
    gone = await keep(on_deleted=lambda kind, n: told.append((kind, n))).step()
    assert {kind: n for kind, n in gone.items() if n} == {"lines": 1, "handoffs": 1}
    assert {("lines", 1), ("handoffs", 1)} <= set(told)
    assert list(endings(database)) == ["young"]
    assert rows(database, HandoffRow) == 0


async def test_a_call_that_vanished_goes_like_one_that_ended_and_one_that_runs_stays(
    clock: FakeClock, database: LedgerDatabase, keep: Keep
) -> None:
    with database.writing() as session:
        session.add(OpenCall(call_id="vanished", first_seen_at=moment(START), vanished_at=moment(START + 1)))
        session.add(OpenCall(call_id="runs", first_seen_at=moment(START)))
    clock.advance(days(91))
    assert (await keep().step())["open_calls"] == 1
    with database.reading() as session:
        assert [row.call_id for row in session.scalars(select(OpenCall))] == ["runs"]


async def test_a_callback_goes_a_month_after_it_was_made(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings, keep: Keep
) -> None:
    await promise(store, database, settings, "call-1")
    with database.writing() as session:
        mark_done(session, "CT-0", now=clock())
    clock.advance(days(30))
    assert (await keep().step())["callbacks"] == 0
    clock.advance(1)
    assert (await keep().step())["callbacks"] == 1
    assert rows(database, Ticket) == 0


async def test_one_that_nobody_made_goes_too_out_of_the_queue_as_well_and_is_told_aloud(
    store: MemoryStore,
    clock: FakeClock,
    database: LedgerDatabase,
    settings: Settings,
    keep: Keep,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    tickets = await promise(store, database, settings, "call-1")
    clock.advance(settings.callback_after_seconds)
    await tickets.keep_queue()
    assert len(await store.callbacks_due()) == 1
    clock.advance(days(30) + 1)
    assert (await keep().step())["unkept_callbacks"] == 1
    assert await store.callbacks_due() == ()
    await tickets.keep_queue()
    assert (rows(database, Ticket), await store.callbacks_due()) == (0, ())
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    assert not any(private in caplog.text for private in (NUMBER, "CT-0", "call-1"))


async def test_years_of_rows_are_worked_off_in_batches_and_not_all_in_one_step(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "BATCH", 2)
    monkeypatch.setattr(retention_module, "_BATCHES", 3)
    for n in range(7):
        await end_call(store, f"call-{n}")
    await reader(store, database).catch_up()
    clock.advance(days(91))
    assert [(await keep().step())["lines"] for _ in range(3)] == [6, 1, 0]


async def test_with_redis_away_nothing_is_deleted(
    clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    store = OutageStore(now=clock)
    await promise(store, database, settings, "call-1")
    clock.advance(days(91))
    store.is_away = True
    with pytest.raises(StoreUnavailable):
        await Retention(store, database, ledger_days=90, callback_days=30).step()
    assert rows(database, Ticket) == 1


async def test_what_was_deleted_before_redis_went_away_is_told(
    clock: FakeClock,
    database: LedgerDatabase,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    store = OutageStore(now=clock)
    await promise(store, database, settings, "call-1")
    await end_call(store, "old")
    await reader(store, database).catch_up()
    clock.advance(days(91))
    store.refuses_writes = True
    told: list[tuple[str, int]] = []
    keep = Retention(
        store, database, ledger_days=90, callback_days=30, on_deleted=lambda kind, n: told.append((kind, n))
    )
    with pytest.raises(StoreUnavailable):
        await keep.step()
    assert ("lines", 1) in told
    assert "1 lines" in caplog.text
    assert rows(database, Ticket) == 1


async def test_a_forgotten_call_s_hash_goes_when_redis_can_bring_nothing_back(
    clock: FakeClock, database: LedgerDatabase, keep: Keep
) -> None:
    with database.writing() as session:
        session.add(ForgottenCall(call_hash="0" * 64, forgotten_at=moment(START)))
    clock.advance(days(15))
    assert (await keep().step())["forgotten_calls"] == 0
    clock.advance(1)
    assert (await keep().step())["forgotten_calls"] == 1


async def test_the_process_counts_what_it_deletes_by_kind(
    store: MemoryStore, clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    await end_call(store, "old")
    ledger = Ledger(settings, store=store, database=database)
    for advance in (0, days(settings.retention_days) + 1):
        clock.advance(advance)
        for duty in ledger.duties:
            await duty.try_once()
    value = ledger.metrics.registry.get_sample_value
    assert value("voicemesh_ledger_deleted_total", {"kind": "lines"}) == 1
    assert value("voicemesh_ledger_deleted_total", {"kind": "unkept_callbacks"}) == 0
    assert value("voicemesh_ledger_lag_seconds", {"duty": "retention"}) is not None
