"""Fundamentals, part 1: a call, its checkpoint and its floor.

Read from top to bottom. Each test shows one idea and no more; the corner cases are in the other test files.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from handoff.call import Call, Channel, Ending, Fact, Intent, Role, Source, Turn
from handoff.errors import FloorLost
from handoff.memory_store import MemoryStore
from handoff.testing import FakeClock

CALL = Call(call_id="call-1", channel=Channel.PHONE, caller_identity="caller-1", started_at=0.0)


async def test_a_call_begins_with_its_record() -> None:
    store = MemoryStore()
    await store.open_call(CALL)
    assert await store.load_call("call-1") == CALL


async def test_an_agent_takes_the_floor_before_it_speaks() -> None:
    store = MemoryStore()
    await store.open_call(CALL)
    floor = await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=10.0)
    assert floor.agent_id == "triage-1"
    assert floor.epoch == 1


async def test_while_one_agent_holds_the_floor_no_other_gets_it() -> None:
    store = MemoryStore()
    await store.open_call(CALL)
    await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=10.0)
    with pytest.raises(FloorLost):
        await store.take_floor("call-1", service="billing", agent_id="billing-1", lease_seconds=10.0)


async def test_the_holder_notes_what_was_said_in_the_checkpoint() -> None:
    store = MemoryStore()
    await store.open_call(CALL)
    floor = await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=10.0)
    turn = Turn(Role.CALLER, "Hi, I was charged twice for my March invoice.", spoken_at=2.5, service="triage")
    await store.checkpoint(replace(CALL, turns=(turn,)), epoch=floor.epoch)
    stored = await store.load_call("call-1")
    assert stored is not None
    assert stored.turns == (turn,)


async def test_a_fact_tells_where_it_comes_from() -> None:
    said = Fact("account_id", "AC4721", Source.CALLER, learned_at=3.0)
    looked_up = Fact("account_id", "AC4721", Source.TOOL, learned_at=4.0, verified=True)
    call = replace(CALL, facts=(said, looked_up), intent=Intent("billing", 0.9, "keywords"))
    assert call.fact("account_id") == looked_up


async def test_a_lease_is_renewed_while_its_agent_lives() -> None:
    clock = FakeClock()
    store = MemoryStore(now=clock)
    await store.open_call(CALL)
    floor = await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=10.0)
    clock.advance(8.0)
    renewed = await store.renew_floor("call-1", epoch=floor.epoch, lease_seconds=10.0)
    assert renewed.lease_until == clock() + 10.0
    assert renewed.epoch == floor.epoch


async def test_when_an_agent_dies_its_lease_passes_and_another_takes_over() -> None:
    clock = FakeClock()
    store = MemoryStore(now=clock)
    await store.open_call(CALL)
    await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=10.0)
    clock.advance(10.0)
    floor = await store.take_floor("call-1", service="triage", agent_id="triage-2", lease_seconds=10.0)
    assert floor.epoch == 2


async def test_an_agent_that_was_overtaken_can_write_nothing_more() -> None:
    clock = FakeClock()
    store = MemoryStore(now=clock)
    await store.open_call(CALL)
    slow = await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=10.0)
    clock.advance(10.0)
    await store.take_floor("call-1", service="triage", agent_id="triage-2", lease_seconds=10.0)
    with pytest.raises(FloorLost):
        await store.checkpoint(replace(CALL, language="de"), epoch=slow.epoch)


async def test_a_call_ends_in_exactly_one_way() -> None:
    store = MemoryStore()
    await store.open_call(CALL)
    floor = await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=10.0)
    await store.end_call("call-1", epoch=floor.epoch, ending=Ending.RESOLVED)
    ended = await store.end_call("call-1", epoch=floor.epoch, ending=Ending.FAILED)
    assert ended.ending is Ending.RESOLVED


async def test_every_ending_is_in_the_ledger() -> None:
    store = MemoryStore()
    await store.open_call(CALL)
    floor = await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=10.0)
    await store.end_call("call-1", epoch=floor.epoch, ending=Ending.CALLER_HUNG_UP)
    (line,) = await store.endings()
    assert (line.call_id, line.ending) == ("call-1", Ending.CALLER_HUNG_UP)
