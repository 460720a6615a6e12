"""Fundamentals, part 2: a call changes hands.

Read part 1 first (test_fundamentals_call.py). Triage gives, billing takes; each test goes one step further than the last.
"""

from __future__ import annotations

import pytest
from handoff.call import Call, Channel, Fact, Floor, Intent, Role, Source, Turn
from handoff.context import HandoffContext, build_context, check_context
from handoff.directory import DIRECTORY, service_for
from handoff.errors import FloorLost, IllegalMove, InvalidContext
from handoff.lifecycle import State
from handoff.memory_store import MemoryStore
from handoff.store import Handoff
from handoff.testing import START, FakeClock

BILLING = Intent("billing", confidence=0.9, found_by="keywords")
CALL = Call(
    call_id="call-1",
    channel=Channel.WEB,
    caller_identity="caller-1",
    started_at=START,
    turns=(Turn(Role.CALLER, "I was charged twice in March. My phone is 555-123-4567.", START, "triage"),),
    facts=(
        Fact("account_id", "AC4721", Source.CALLER, START),
        Fact("favourite_colour", "green", Source.CALLER, START),
    ),
)


def context_for_billing(*, epoch: int = 1) -> HandoffContext:
    return build_context(
        CALL, entry=DIRECTORY["billing"], handoff_id="handoff-1", epoch=epoch, now=START, intent=BILLING
    )


async def triage_speaks(store: MemoryStore) -> Floor:
    await store.open_call(CALL)
    return await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=10.0)


async def billing_is_ready(store: MemoryStore) -> None:
    await store.offer(Handoff(context_for_billing(), "triage", "billing", State.OFFERED))
    await store.move("handoff-1", State.ACCEPTED)
    await store.move("handoff-1", State.DISPATCHED)
    await store.move("handoff-1", State.READY, taker_id="billing-1")


def test_the_directory_knows_which_service_takes_an_intent() -> None:
    entry = service_for("billing")
    assert entry is not None
    assert entry.spoken_name == "billing specialist"


def test_the_context_carries_what_spares_the_caller_a_repetition() -> None:
    context = context_for_billing()
    account = context.fact("account_id")
    assert account is not None
    assert account.value == "AC4721"
    assert "I was charged twice in March" in context.summary


def test_the_context_leaves_out_what_the_taker_does_not_need() -> None:
    context = context_for_billing()
    assert context.fact("favourite_colour") is None
    assert context.turns[0].text == "I was charged twice in March. My phone is [phone]."


def test_a_context_grows_stale() -> None:
    context = context_for_billing()
    check_context(context, call_id="call-1", now=START)
    with pytest.raises(InvalidContext):
        check_context(context, call_id="call-1", now=START + 300.0)


async def test_a_handoff_begins_as_an_offer() -> None:
    store = MemoryStore(now=FakeClock())
    await triage_speaks(store)
    stored = await store.offer(Handoff(context_for_billing(), "triage", "billing", State.OFFERED))
    assert stored.state is State.OFFERED
    assert stored.moved_at == {State.OFFERED: START}


async def test_an_offer_may_be_repeated_when_its_answer_was_lost() -> None:
    store = MemoryStore(now=FakeClock())
    await triage_speaks(store)
    offer = Handoff(context_for_billing(), "triage", "billing", State.OFFERED)
    await store.offer(offer)
    accepted = await store.move("handoff-1", State.ACCEPTED)
    assert await store.offer(offer) == accepted


async def test_a_handoff_moves_only_along_its_arrows() -> None:
    store = MemoryStore(now=FakeClock())
    await triage_speaks(store)
    await store.offer(Handoff(context_for_billing(), "triage", "billing", State.OFFERED))
    with pytest.raises(IllegalMove):
        await store.move("handoff-1", State.SPOKEN)


async def test_the_giver_keeps_the_floor_until_the_taker_is_ready() -> None:
    store = MemoryStore(now=FakeClock())
    triage = await triage_speaks(store)
    await billing_is_ready(store)
    assert await store.load_floor("call-1") == triage


async def test_passing_the_floor_is_one_step_the_taker_has_it_and_the_giver_has_not() -> None:
    store = MemoryStore(now=FakeClock())
    triage = await triage_speaks(store)
    await billing_is_ready(store)
    billing = await store.pass_floor("handoff-1", epoch=triage.epoch, lease_seconds=10.0)
    assert (billing.agent_id, billing.epoch) == ("billing-1", 2)
    with pytest.raises(FloorLost):
        await store.renew_floor("call-1", epoch=triage.epoch, lease_seconds=10.0)


async def test_the_taker_says_that_it_has_spoken() -> None:
    store = MemoryStore(now=FakeClock())
    triage = await triage_speaks(store)
    await billing_is_ready(store)
    await store.pass_floor("handoff-1", epoch=triage.epoch, lease_seconds=10.0)
    assert (await store.move("handoff-1", State.SPOKEN)).state is State.SPOKEN


async def test_a_taker_that_never_speaks_loses_the_floor_to_its_giver() -> None:
    store = MemoryStore(now=FakeClock())
    triage = await triage_speaks(store)
    await billing_is_ready(store)
    billing = await store.pass_floor("handoff-1", epoch=triage.epoch, lease_seconds=10.0)
    back = await store.take_back("handoff-1", giver_id="triage-1", epoch=billing.epoch, lease_seconds=10.0)
    assert (back.agent_id, back.epoch) == ("triage-1", 3)


async def test_whoever_watches_a_handoff_sees_it_move() -> None:
    store = MemoryStore(now=FakeClock())
    await triage_speaks(store)
    await store.offer(Handoff(context_for_billing(), "triage", "billing", State.OFFERED))
    seen = []
    async for handoff in store.watch("handoff-1"):
        seen.append(handoff.state)
        if handoff.state is State.OFFERED:
            await store.move("handoff-1", State.DECLINED, reason="at_capacity")
    assert seen == [State.OFFERED, State.DECLINED]


async def test_the_call_remembers_who_had_it() -> None:
    store = MemoryStore(now=FakeClock())
    triage = await triage_speaks(store)
    await billing_is_ready(store)
    await store.pass_floor("handoff-1", epoch=triage.epoch, lease_seconds=10.0)
    call = await store.load_call("call-1")
    assert call is not None
    assert call.services == ("triage", "billing")
    assert call.handoff_ids == ("handoff-1",)
