"""The record of a call that is over, also when the store is away in that moment."""

from __future__ import annotations

import asyncio

from handoff.call import Ending
from handoff.testing import OutageStore, make_call, make_handoff
from worker.testing.jumping_time import without_waiting

from local.ended import ended, record_of


async def on_the_line() -> OutageStore:
    store = OutageStore(now=asyncio.get_running_loop().time)
    await store.open_call(make_call(services=("triage",)))
    await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=60)
    return store


@without_waiting
async def test_an_ending_that_is_still_being_written_is_waited_for() -> None:
    store = await on_the_line()
    looking = asyncio.create_task(ended(store, "call-1", within_seconds=8))
    await asyncio.sleep(5)
    await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
    found = await looking
    assert found is not None
    assert found.ending is Ending.RESOLVED


@without_waiting
async def test_a_store_that_is_started_again_meanwhile_is_asked_again() -> None:
    store = await on_the_line()
    store.is_away = True
    looking = asyncio.create_task(ended(store, "call-1", within_seconds=8))
    await asyncio.sleep(5)
    store.is_away = False
    await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
    found = await looking
    assert found is not None
    assert found.ending is Ending.RESOLVED


@without_waiting
async def test_a_call_that_does_not_end_is_given_as_it_is_and_one_that_is_not_there_is_none() -> None:
    store = await on_the_line()
    found = await ended(store, "call-1", within_seconds=8)
    assert found is not None
    assert found.ending is None
    assert await record_of(store, "call-2", within_seconds=8) == (None, ())


@without_waiting
async def test_handoffs_that_cannot_be_read_any_more_are_left_out() -> None:
    store = await on_the_line()
    await store.offer(make_handoff(now=0.0))
    await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
    call, handoffs = await record_of(store, "call-1", within_seconds=8)
    assert call is not None
    assert [handoff.context.handoff_id for handoff in handoffs] == ["handoff-1"]
    await asyncio.sleep(3000)
    call, handoffs = await record_of(store, "call-1", within_seconds=8)
    assert call is not None
    assert handoffs == ()
