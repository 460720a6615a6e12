"""The memory store: the suite all stores pass, and what only a clock that stands still can show."""

from __future__ import annotations

import pytest
from callbacks_suite import OF, CallbacksSuite, claimed
from canary_suite import CanarySuite
from claim_suite import ClaimSuite
from forgetting_suite import ForgettingSuite
from handoff.call import Ending
from handoff.errors import FloorLost, StoreUnavailable, UnknownCall, UnknownHandoff
from handoff.lifecycle import State
from handoff.store import (
    BREAKER_SECONDS,
    EVENT_SECONDS,
    LINE_SECONDS,
    ROOMS_SECONDS,
    UNHELD_SECONDS,
    Overdue,
    RoomList,
)
from handoff.testing import START, FakeClock, OutageStore, make_call, make_due, make_worker, memory_store
from handoff_suite import HandoffSuite
from recovery_suite import RecoverySuite, seized
from refusal_suite import RefusalSuite, Refusing
from shared_suite import SharedSuite
from store_steps import LEASE, MakeStore, offered, opened, taken
from store_suite import CallSuite


class TestMemoryStore(CallSuite, HandoffSuite, RecoverySuite, SharedSuite):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        return memory_store


class TestClaimsInTheMemoryStore(ClaimSuite):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        return memory_store


class TestForgettingInTheMemoryStore(ForgettingSuite):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        return memory_store


class TestCanariesInTheMemoryStore(CanarySuite):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        return memory_store


class TestCallbacksInTheMemoryStore(CallbacksSuite):
    @pytest.fixture
    def make_store(self) -> MakeStore:
        return memory_store


async def test_a_callback_that_was_claimed_and_not_made_is_anybody_s_again() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await store.queue_callback(make_due())
    await claimed(store, "anna", seconds=60.0)
    clock.advance(60.0)
    assert await store.callbacks_due() == (make_due(),)
    assert not await store.close_callback(*OF, human_id="anna")
    assert await claimed(store, "ben")


class TestMemoryStoreThatRefusesWrites(RefusalSuite):
    @pytest.fixture
    def refusing(self) -> Refusing:
        store = OutageStore(now=FakeClock())

        async def refuse() -> None:
            store.refuses_writes = True

        async def accept() -> None:
            store.refuses_writes = False

        return Refusing(store, refuse, accept)


async def test_a_call_is_forgotten_when_its_time_to_live_has_passed() -> None:
    clock = FakeClock()
    store = memory_store(clock, call_ttl_seconds=100.0)
    await opened(store)
    clock.advance(99.0)
    await store.checkpoint(make_call(), epoch=1)
    clock.advance(99.0)
    assert await store.load_call("call-1") is not None
    clock.advance(1.0)
    assert await store.load_call("call-1") is None
    with pytest.raises(UnknownCall):
        await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)


async def test_a_handoff_is_forgotten_when_its_time_to_live_has_passed_however_it_moved() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await opened(store)
    await offered(store)
    clock.advance(299.0)
    await store.move("handoff-1", State.ACCEPTED)
    clock.advance(1.0)
    assert await store.load_handoff("handoff-1") is None
    with pytest.raises(UnknownHandoff):
        await store.move("handoff-1", State.DISPATCHED)


async def test_a_handoff_never_outlives_its_context() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await opened(store)
    await offered(store, expires_at=START + 10.0)
    clock.advance(10.0)
    assert await store.load_handoff("handoff-1") is None


async def test_a_lease_passes_by_the_stores_clock() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await opened(store, lease_seconds=10.0)
    clock.advance(10.0)
    floor = await store.take_floor("call-1", service="triage", agent_id="triage-2", lease_seconds=10.0)
    assert floor.lease_until == START + 20.0


async def test_moves_carry_the_stores_time() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await opened(store)
    await offered(store)
    clock.advance(0.25)
    stored = await store.move("handoff-1", State.ACCEPTED)
    assert stored.moved_at == {State.OFFERED: START, State.ACCEPTED: START + 0.25}


async def test_a_watch_ends_when_the_handoff_expires() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await opened(store)
    await offered(store)
    seen = []
    async for handoff in store.watch("handoff-1"):
        seen.append(handoff.state)
        clock.advance(300.0)
    assert seen == [State.OFFERED]


async def test_the_ledger_forgets_what_is_older_than_its_time_to_live() -> None:
    clock = FakeClock()
    store = memory_store(clock, ledger_ttl_seconds=1000.0)
    for call_id in ("call-1", "call-2"):
        await store.open_call(make_call(call_id))
        await store.take_floor(call_id, service="triage", agent_id="triage-1", lease_seconds=LEASE)
        await store.end_call(call_id, epoch=1, ending=Ending.RESOLVED)
        clock.advance(1000.0)
    assert [line.call_id for line in await store.endings()] == ["call-2"]


async def test_a_call_is_overdue_from_the_moment_its_lease_passes() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await opened(store, lease_seconds=1.0)
    clock.advance(0.75)
    assert await store.overdue() == ()
    with pytest.raises(FloorLost):
        await seized(store, epoch=1)
    clock.advance(0.25)
    assert await store.overdue() == (Overdue("call-1", "triage", "triage-1", 1, 0),)
    assert (await seized(store, epoch=1)).lease_until == START + 1.0 + LEASE


async def test_a_call_that_nobody_ever_held_is_overdue_in_the_end() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await store.open_call(make_call(services=("sales",)))
    clock.advance(UNHELD_SECONDS - 0.25)
    assert await store.overdue() == ()
    clock.advance(0.25)
    assert await store.overdue() == (Overdue("call-1", "sales", "", 0, 0),)
    assert (await seized(store, epoch=0)).epoch == 1


async def test_those_whose_lease_passed_first_come_first() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    for call_id, lease_seconds in (("call-1", 3.0), ("call-2", 1.0), ("call-3", 2.0)):
        await store.open_call(make_call(call_id))
        await store.take_floor(call_id, service="triage", agent_id="triage-1", lease_seconds=lease_seconds)
    clock.advance(5.0)
    assert [each.call_id for each in await store.overdue()] == ["call-2", "call-3", "call-1"]


async def test_a_call_that_was_forgotten_is_no_longer_overdue() -> None:
    clock = FakeClock()
    store = memory_store(clock, call_ttl_seconds=100.0)
    await opened(store, lease_seconds=1.0)
    clock.advance(100.0)
    assert await store.overdue() == ()
    assert await store.live_calls() == ()


async def test_who_does_not_ask_again_is_no_longer_in_line() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await store.wait_in_line("billing", "call-1")
    clock.advance(LINE_SECONDS - 1.0)
    assert await store.wait_in_line("billing", "call-2") == 2
    clock.advance(1.0)
    assert await store.position("billing", "call-1") == 0
    assert await store.position("billing", "call-2") == 1
    assert await store.wait_in_line("billing", "call-1") == 2


async def test_a_breaker_that_nobody_touches_is_forgotten() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await store.breaker_swap("billing", 0, {"state": "open"})
    clock.advance(BREAKER_SECONDS)
    assert await store.breaker_load("billing") == {}
    assert await store.breaker_swap("billing", 0, {"state": "open"})


async def test_an_outage_store_can_forget_everything() -> None:
    store = OutageStore(now=FakeClock())
    await taken(store)
    store.is_away = True
    store.forget_everything()
    with pytest.raises(StoreUnavailable):
        await store.load_call("call-1")
    store.is_away = False
    assert await store.load_call("call-1") is None
    assert await store.live_calls() == ()


async def test_an_outage_store_is_away_and_comes_back_with_what_it_held() -> None:
    store = OutageStore()
    await taken(store)
    store.is_away = True
    with pytest.raises(StoreUnavailable):
        await store.load_call("call-1")
    with pytest.raises(StoreUnavailable):
        await anext(store.watch("handoff-1"))
    await store.aclose()
    store.is_away = False
    assert await store.load_call("call-1") is not None


async def test_a_list_of_rooms_that_nobody_touches_is_forgotten_and_so_is_an_event() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await store.note_room("call-1", RoomList.OVER, event_id="EV_1", after_seconds=10.0)
    clock.advance(9.9)
    assert await store.rooms_due(RoomList.OVER, again_seconds=60.0) == ()
    clock.advance(0.1)
    assert await store.rooms_due(RoomList.OVER, again_seconds=60.0) == ("call-1",)
    clock.advance(ROOMS_SECONDS - 0.1)
    assert await store.rooms_due(RoomList.OVER, again_seconds=60.0) == ("call-1",), "it was touched an hour ago"
    clock.advance(ROOMS_SECONDS)
    assert await store.rooms_due(RoomList.OVER, again_seconds=60.0) == ()
    assert clock.at > START + EVENT_SECONDS
    assert await store.note_room("call-1", RoomList.OVER, event_id="EV_1", after_seconds=0.0)


async def test_a_human_who_is_not_heard_of_any_more_is_not_on_duty() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await store.note_on_duty("anna", seconds=10)
    clock.advance(9.9)
    assert await store.humans_on_duty() == 1
    clock.advance(0.1)
    assert await store.humans_on_duty() == 0


async def test_a_worker_that_is_not_heard_of_any_more_is_gone() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await store.note_worker(make_worker(), seconds=5)
    clock.advance(4.9)
    assert await store.workers() == (make_worker(),)
    clock.advance(0.1)
    assert await store.workers() == ()
