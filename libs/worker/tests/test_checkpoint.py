"""What a call's agent notes is stored behind its back, while the floor is its own, and never after."""

import asyncio

from handoff.call import Ending, Role, Source
from handoff.testing import FakeClock, OutageStore, make_call, memory_store
from worker.checkpoint import Checkpoint


async def held(store, lost=lambda: None) -> Checkpoint:
    call = await store.open_call(make_call(turns=(), facts=()))
    floor = await store.take_floor(call.call_id, service="triage", agent_id="triage-1", lease_seconds=30)
    checkpoint = Checkpoint(store, call, service="triage", lease_seconds=30, on_floor_lost=lost)
    checkpoint.hold(floor)
    return checkpoint


async def test_a_turn_is_stored_without_anybody_waiting_for_it() -> None:
    store = memory_store()
    checkpoint = await held(store)
    checkpoint.note_turn(Role.CALLER, " Hello. ")
    assert await checkpoint.flushed(5)
    stored = await store.load_call("call-1")
    assert [t.text for t in stored.turns] == ["Hello."]
    checkpoint.let_go()


async def test_silence_is_not_a_turn() -> None:
    checkpoint = await held(memory_store())
    checkpoint.note_turn(Role.CALLER, "  ")
    assert checkpoint.call.turns == ()
    checkpoint.let_go()


async def test_a_fact_said_twice_is_noted_once_and_a_verified_one_wins() -> None:
    checkpoint = await held(memory_store())
    checkpoint.note_fact("account_id", "AC4721", source=Source.CALLER)
    checkpoint.note_fact("account_id", "AC4721", source=Source.CALLER)
    assert len(checkpoint.call.facts) == 1
    checkpoint.note_fact("account_id", "AC4721", source=Source.TOOL, verified=True)
    assert checkpoint.call.fact("account_id").verified
    checkpoint.let_go()


async def test_the_agent_learns_once_that_its_floor_is_lost_and_writes_nothing_more() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    lost: list[str] = []
    checkpoint = await held(store, lambda: lost.append("lost"))
    clock.advance(31)
    await store.take_floor("call-1", service="billing", agent_id="billing-1", lease_seconds=30)
    checkpoint.note_turn(Role.AGENT, "a stale word")
    for _ in range(50):
        await asyncio.sleep(0)
    assert lost == ["lost"]
    assert (await store.load_call("call-1")).turns == ()
    assert checkpoint.floor is None


async def test_while_the_store_is_away_the_agent_goes_on_and_nothing_is_lost() -> None:
    store = OutageStore(now=FakeClock())
    checkpoint = await held(store)
    store.is_away = True
    checkpoint.note_turn(Role.CALLER, "said during the outage")
    assert not await checkpoint.flushed(0.05)
    assert checkpoint.floor is not None
    store.is_away = False
    assert await checkpoint.flushed(5)
    assert [t.text for t in (await store.load_call("call-1")).turns] == ["said during the outage"]
    checkpoint.let_go()


async def test_the_call_ends_once_and_with_everything_that_was_noted() -> None:
    store = memory_store()
    checkpoint = await held(store)
    checkpoint.note_effect("process_refund RF-1 49.99")
    await checkpoint.end(Ending.RESOLVED)
    await checkpoint.end(Ending.FAILED)
    stored = await store.load_call("call-1")
    assert (stored.ending, stored.effects) == (Ending.RESOLVED, ("process_refund RF-1 49.99",))
