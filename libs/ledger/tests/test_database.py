"""The ledger's schema, and what the process tells of itself over it."""

from __future__ import annotations

import pytest
from backoffice.testing import schema_differences
from ended_calls import end_call, make_ticket, open_call
from handoff.call import Ending
from handoff.testing import FakeClock, OutageStore
from ledger.database import DatabaseUnusable, LedgerDatabase
from ledger.rows import Row, moment, seconds
from ledger.run import Ledger
from ledger.settings import Settings
from sqlalchemy import inspect, text


def test_the_migrations_make_what_the_rows_describe_and_nothing_else(
    database: LedgerDatabase, settings: Settings
) -> None:
    assert schema_differences(settings.database_url, Row.metadata) == []
    with database.reading() as session:
        found = set(inspect(session.connection()).get_table_names())
    assert found == {*Row.metadata.tables, "alembic_version"}


def test_a_second_start_changes_nothing(database: LedgerDatabase) -> None:
    database.prepare()
    assert database.ping()


def test_a_release_goes_on_with_the_schema_of_the_next_one(database: LedgerDatabase) -> None:
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.prepare()
    assert database.ping()


@pytest.mark.parametrize("address", ["sqlite:////no/such/folder/x.db", "postgresql+nodriver://me:s3cret@h/x"])
def test_a_database_that_cannot_be_used_is_told_without_its_password(address: str) -> None:
    with pytest.raises(DatabaseUnusable) as refused:
        LedgerDatabase(Settings(database_url=address)).prepare()
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("at", [0.0, 1_750_000_000.123456])
def test_a_moment_comes_back_as_it_was(at: float) -> None:
    assert seconds(moment(at)) == pytest.approx(at, abs=1e-6)


async def test_the_process_tells_endings_lags_callbacks_and_calls_without_an_ending(
    clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    store = OutageStore(now=clock)
    await end_call(store, "call-1", Ending.FAILED)
    await open_call(store, "call-2")
    await store.add_callback(make_ticket())
    ledger = Ledger(settings, store=store, database=database)
    assert ledger.reason() == "not_done_yet"
    for _ in range(2):
        for duty in ledger.duties:
            await duty.try_once()
        clock.advance(100)
    value = ledger.metrics.registry.get_sample_value
    assert ledger.reason() == ""
    assert value("voicemesh_endings_total", {"ending": "failed"}) == 1
    assert value("voicemesh_endings_total", {"ending": "resolved"}) == 0
    assert value("voicemesh_calls_without_ending", {"reason": "lease_passed"}) == 1
    assert value("voicemesh_calls_without_ending", {"reason": "vanished"}) == 0
    assert value("voicemesh_callbacks", {"state": "open"}) == 1
    assert value("voicemesh_callbacks_overdue", {"service": "billing"}) == 1, (
        "by the clock on the wall it was due long ago"
    )
    assert value("voicemesh_ledger_lag_seconds", {"duty": "endings"}) is not None
    store.is_away = True
    for duty in ledger.duties:
        await duty.try_once()
    assert ledger.reason() == "redis_unreachable"
