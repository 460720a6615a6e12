"""A call that should have ended and did not is an alert; one that has ended, or that lives, is none."""

from __future__ import annotations

import pytest
from ended_calls import LEASE_SECONDS, end_call, hand_over, open_call, reader
from handoff.call import Ending
from handoff.memory_store import MemoryStore
from handoff.testing import FakeClock, make_call, memory_store
from ledger.database import LedgerDatabase
from ledger.rows import HandoffRow
from ledger.settings import Settings
from ledger.watch import ALERT_SECONDS, Watch, since


@pytest.fixture
def watch(store: MemoryStore, database: LedgerDatabase, settings: Settings, clock: FakeClock) -> Watch:
    return Watch(store, database, settings=settings, monotonic=clock)


async def test_a_call_that_is_held_is_no_alert(store: MemoryStore, clock: FakeClock, watch: Watch) -> None:
    epoch = await open_call(store, "call-1")
    for _ in range(10):
        await watch.step()
        clock.advance(20)
        await store.renew_floor("call-1", epoch=epoch, lease_seconds=LEASE_SECONDS)
    assert watch.without_ending == {}


async def test_a_call_that_nobody_has_held_for_longer_than_the_bound_is_one(
    store: MemoryStore, clock: FakeClock, watch: Watch, settings: Settings
) -> None:
    await open_call(store, "call-1")
    await watch.step()
    clock.advance(LEASE_SECONDS + settings.ending_bound_seconds)
    await watch.step()
    assert watch.without_ending == {}
    clock.advance(1)
    await watch.step()
    assert watch.without_ending == {"call-1": "lease_passed"}


async def test_a_call_that_was_opened_and_never_held_is_one(
    store: MemoryStore, clock: FakeClock, watch: Watch, settings: Settings
) -> None:
    await store.open_call(make_call("call-1"))
    await watch.step()
    clock.advance(settings.ending_bound_seconds + 1)
    await watch.step()
    assert watch.without_ending == {"call-1": "lease_passed"}


async def test_a_successor_ends_the_alert(store: MemoryStore, clock: FakeClock, watch: Watch) -> None:
    await open_call(store, "call-1")
    await watch.step()
    clock.advance(100)
    await watch.step()
    await store.take_floor("call-1", service="triage", agent_id="triage-2", lease_seconds=LEASE_SECONDS)
    await watch.step()
    assert watch.without_ending == {}


async def test_a_call_that_the_store_has_forgotten_without_a_line_is_one_for_a_day(
    store: MemoryStore, clock: FakeClock, watch: Watch, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    await open_call(store, "call-1")
    await watch.step()
    clock.advance(settings.call_ttl_seconds)
    for _ in range(2):
        await watch.step()
        assert watch.count("vanished") == 0
        clock.advance(settings.ending_bound_seconds / 2 + 1)
    await watch.step()
    await watch.step()
    assert watch.without_ending == {"call-1": "vanished"}
    assert [record.call_id for record in caplog.records] == ["call-1"]  # type: ignore[attr-defined]
    clock.advance(ALERT_SECONDS)
    await watch.step()
    assert watch.without_ending == {}


async def test_a_call_that_is_put_back_into_an_empty_store_is_none(
    clock: FakeClock, database: LedgerDatabase, settings: Settings
) -> None:
    before, after = memory_store(clock), memory_store(clock)
    await open_call(before, "call-1")
    await Watch(before, database, settings=settings).step()
    watch = Watch(after, database, settings=settings)
    await watch.step()
    clock.advance(settings.ending_bound_seconds + 1)
    await watch.step()
    assert watch.without_ending == {"call-1": "vanished"}
    await after.restore_call(
        make_call("call-1"), service="triage", agent_id="triage-1", epoch=1, lease_seconds=LEASE_SECONDS
    )
    await watch.step()
    assert watch.without_ending == {}


async def test_a_call_that_runs_longer_than_its_record_is_meant_to_live_is_one(
    store: MemoryStore, clock: FakeClock, watch: Watch, settings: Settings
) -> None:
    epoch = await open_call(store, "call-1")
    await watch.step()
    clock.advance(settings.call_ttl_seconds / 2)
    await store.renew_floor("call-1", epoch=epoch, lease_seconds=settings.call_ttl_seconds)
    clock.advance(settings.call_ttl_seconds / 2 + 1)
    await watch.step()
    assert watch.without_ending == {"call-1": "overlong"}


async def test_a_call_that_ended_is_none_whoever_looks_first(
    store: MemoryStore, clock: FakeClock, watch: Watch, database: LedgerDatabase, settings: Settings
) -> None:
    """The watch may find it gone before its line is read, and may have seen it alive before."""
    for number in range(2):
        epoch = await open_call(store, f"call-{number}")
        await watch.step()
        await end_call(store, f"call-{number}", Ending.RESOLVED, epoch=epoch)
        if number:
            await watch.step()
        await reader(store, database).catch_up()
    clock.advance(settings.ending_bound_seconds * 2)
    await watch.step()
    clock.advance(settings.ending_bound_seconds * 2)
    await watch.step()
    assert watch.without_ending == {}
    with database.reading() as session:
        assert since(session, 0.0) == []


async def test_a_look_that_is_older_than_the_line_does_not_bring_the_call_back(
    store: MemoryStore, database: LedgerDatabase, settings: Settings, clock: FakeClock
) -> None:
    class Late(MemoryStore):
        async def live_calls(self) -> tuple[str, ...]:
            return ("call-1",)

    await end_call(store, "call-1")
    await reader(store, database).catch_up()
    watch = Watch(Late(now=clock), database, settings=settings)
    await watch.step()
    with database.reading() as session:
        assert since(session, 0.0) == []


async def test_a_handoffs_time_is_kept_although_its_record_is_gone_when_the_call_ends(
    store: MemoryStore, clock: FakeClock, watch: Watch, database: LedgerDatabase
) -> None:
    await open_call(store, "call-1")
    epoch = await hand_over(store, clock, "call-1", gap_seconds=0.5)
    await watch.step()
    clock.advance(1200)
    await end_call(store, "call-1", epoch=epoch)
    assert await store.load_handoff("call-1-h") is None
    await reader(store, database).catch_up()
    with database.reading() as session:
        row = session.get(HandoffRow, "call-1-h")
    assert row is not None
    assert row.taken_to_spoken_seconds == pytest.approx(0.5)
