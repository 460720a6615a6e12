"""What a call's agent notes is stored behind its back, while the floor is its own, and never after."""

import asyncio

from handoff.call import MAX_MARKS, Ending, MarkKind, Role, Source
from handoff.testing import FakeClock, OutageStore, make_call, make_intent, memory_store
from worker.checkpoint import Checkpoint
from worker.testing.jumping_time import everything_ran, without_waiting


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


async def test_an_effect_that_was_undone_and_is_made_again_is_the_last_one() -> None:
    checkpoint = await held(memory_store())
    four, three = "book_callback CB-1 2026-11-25T16:00", "book_callback CB-1 2026-11-26T15:00"
    for effect in (four, three, four, four):
        checkpoint.note_effect(effect)
    assert checkpoint.call.effects == (three, four)
    checkpoint.let_go()


async def test_after_its_ending_the_call_is_over_for_good() -> None:
    checkpoint = await held(memory_store())
    await checkpoint.end(Ending.RESOLVED)
    assert checkpoint.has_ended is True


async def test_who_ends_a_call_that_is_another_s_by_now_ends_nothing() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    checkpoint = await held(store)
    clock.advance(31)
    await store.take_floor("call-1", service="triage", agent_id="triage-2", lease_seconds=30)
    await checkpoint.end(Ending.CALLER_HUNG_UP)
    assert checkpoint.has_ended is False
    assert (await store.load_call("call-1")).ending is None


@without_waiting
async def test_an_ending_waits_for_a_store_that_is_away() -> None:
    store = OutageStore(now=FakeClock())
    checkpoint = await held(store)
    store.is_away = True
    await checkpoint.end(Ending.RESOLVED)
    assert checkpoint.has_ended is None
    store.is_away = False
    await checkpoint.last_written()
    assert checkpoint.has_ended is True
    assert (await store.load_call("call-1")).ending is Ending.RESOLVED


@without_waiting
async def test_an_ending_does_not_wait_for_ever() -> None:
    store = OutageStore(now=FakeClock())
    checkpoint = await held(store)
    store.is_away = True
    await checkpoint.end(Ending.RESOLVED)
    await checkpoint.last_written()
    assert checkpoint.has_ended is None


async def test_an_abandoned_call_is_overdue_at_once_with_all_that_was_noted() -> None:
    store = memory_store()
    checkpoint = await held(store)
    checkpoint.note_turn(Role.CALLER, "Hello.")
    await checkpoint.abandon()
    (overdue,) = await store.overdue()
    assert (overdue.call_id, overdue.agent_id) == ("call-1", "triage-1")
    assert [turn.text for turn in (await store.load_call("call-1")).turns] == ["Hello."]


async def test_what_tools_answered_is_kept_for_who_goes_on_and_stays_in_the_service() -> None:
    store = memory_store()
    checkpoint = await held(store)
    checkpoint.note_tool_use("get_account", '{"account_id": "AC4721"}', '{"name": "Sarah"}', failed=False)
    checkpoint.note_tool_use("read_all", "{}", "x" * 100_000, failed=False)
    assert await checkpoint.flushed(5)
    stored = await store.load_call("call-1")
    assert [(use.name, use.output) for use in stored.tool_uses] == [("get_account", '{"name": "Sarah"}')]
    checkpoint.take_over(stored, intent=make_intent())
    assert checkpoint.call.tool_uses == ()
    checkpoint.carry_on(stored)
    assert checkpoint.call == stored
    checkpoint.let_go()


async def test_what_happened_is_marked_for_who_looks_at_the_call_and_outlives_a_handoff() -> None:
    store = memory_store()
    checkpoint = await held(store)
    checkpoint.note_tool_use("get_account", "{}", "x" * 100_000, failed=True)
    checkpoint.mark_recovery()
    assert await checkpoint.flushed(5)
    checkpoint.take_over(await store.load_call("call-1"), intent=make_intent())
    checkpoint.mark_handoff("handoff-1", giver="triage")
    assert [(mark.kind, mark.name, mark.failed, mark.handoff_id) for mark in checkpoint.call.marks] == [
        (MarkKind.TOOL, "get_account", True, ""),
        (MarkKind.RECOVERY, "", False, ""),
        (MarkKind.HANDOFF, "triage", False, "handoff-1"),
    ]
    for _ in range(MAX_MARKS):
        checkpoint.mark_recovery()
    assert {mark.kind for mark in checkpoint.call.marks} == {MarkKind.RECOVERY}, "the oldest go"
    checkpoint.let_go()


async def test_a_floor_that_is_held_is_renewed_at_once() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    call = await store.open_call(make_call())
    floor = await store.take_floor(call.call_id, service="triage", agent_id="triage-1", lease_seconds=4)
    checkpoint = Checkpoint(store, call, service="triage", lease_seconds=30, on_floor_lost=lambda: None)
    clock.advance(3.9)
    checkpoint.hold(floor)
    await everything_ran()
    clock.advance(1)
    assert await store.overdue() == ()
    checkpoint.let_go()


@without_waiting
async def test_out_of_reach_the_lease_is_left_to_pass_and_renewed_late_when_nobody_has_the_call() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    checkpoint = await held(store)
    checkpoint.is_out_of_reach = True
    await asyncio.sleep(60)
    clock.advance(60)
    assert [seen.call_id for seen in await store.overdue()] == ["call-1"]
    checkpoint.is_out_of_reach = False
    await asyncio.sleep(2)
    assert await store.overdue() == ()
    assert checkpoint.floor is not None
    checkpoint.let_go()


@without_waiting
async def test_who_was_out_of_reach_and_has_lost_the_floor_learns_it_when_he_is_back() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    lost: list[str] = []
    checkpoint = await held(store, lost=lambda: lost.append("the floor"))
    checkpoint.is_out_of_reach = True
    await asyncio.sleep(60)
    clock.advance(60)
    await store.seize_floor("call-1", epoch=1, service="triage", agent_id="triage-r2", lease_seconds=60)
    assert lost == []
    checkpoint.is_out_of_reach = False
    await asyncio.sleep(2)
    assert lost == ["the floor"]


@without_waiting
async def test_a_fault_that_nobody_expected_ends_neither_renewals_nor_writing() -> None:
    store = memory_store()
    checkpoint = await held(store)
    well = store.renew_floor, store.checkpoint

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("of a kind that nobody thought of")

    store.renew_floor = store.checkpoint = broken  # type: ignore[method-assign, assignment]
    checkpoint.note_turn(Role.CALLER, "Still there?")
    await asyncio.sleep(40)
    store.renew_floor, store.checkpoint = well  # type: ignore[method-assign]
    await asyncio.sleep(40)
    call = await store.load_call("call-1")
    assert call is not None
    assert call.turns[-1].text == "Still there?"
    assert checkpoint.floor is not None
    checkpoint.let_go()
