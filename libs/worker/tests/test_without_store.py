"""The store goes and comes back, full, behind, or empty: the call goes on, and one agent holds it afterwards."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import pytest
from handoff.call import Call, Ending, Floor
from handoff.errors import FloorLost, StoreUnavailable, UnknownCall
from handoff.lifecycle import State
from handoff.store import Handoff
from handoff.testing import START, FakeClock, OutageStore, make_call, make_context, make_turn
from worker.handover.without_store import SteadyStore
from worker.store_clock import StoreClock

LEASE = 1.0
CALL = make_call(services=("triage",))


@dataclass
class World:
    """One Redis, and the stores of the jobs around it."""

    clock: FakeClock = field(default_factory=FakeClock)
    redis: OutageStore = field(init=False)
    steady: dict[str, SteadyStore] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.redis = OutageStore(now=self.clock)

    def job(self, agent_id: str) -> SteadyStore:
        """The store of that agent's job; services are named as in ``<service>-1``."""
        store = SteadyStore(
            self.redis,
            service=agent_id.split("-")[0],
            agent_id=lambda: agent_id,
            lease_seconds=LEASE,
            clock=StoreClock(monotonic=self.clock, local=self.clock),
            monotonic=self.clock,
        )
        self.steady[agent_id] = store
        return store

    def goes(self) -> None:
        self.redis.is_away = True

    def comes_back(self, *, empty: bool = False) -> None:
        """After longer than any lease."""
        self.clock.advance(30)
        if empty:
            self.redis = OutageStore(now=self.clock)
            for store in self.steady.values():
                store._store = self.redis
        self.redis.is_away = False


async def renewed(store: SteadyStore, epoch: int = 1) -> Floor:
    return await store.renew_floor("call-1", epoch=epoch, lease_seconds=LEASE)


async def held(world: World, agent_id: str = "triage-1") -> SteadyStore:
    """A job that holds the floor of a call at epoch 1, with everything stored."""
    store = world.job(agent_id)
    await store.open_call(CALL)
    await store.take_floor("call-1", service="triage", agent_id=agent_id, lease_seconds=LEASE)
    await store.checkpoint(CALL, epoch=1)
    return store


async def owner(world: World) -> tuple[str, int]:
    floor = await world.redis.load_floor("call-1")
    assert floor is not None
    return floor.agent_id, floor.epoch


# --- it is away -------------------------------------------------------------------------------------------------------
async def test_an_owner_keeps_its_floor_while_nobody_can_be_asked() -> None:
    world = World()
    store = await held(world)
    world.goes()
    assert await renewed(store) == Floor("call-1", "triage", "triage-1", 1, 0.0)
    assert store.is_away


async def test_a_caller_who_calls_then_is_answered_and_his_call_stored_when_it_can_be() -> None:
    world = World()
    store = world.job("triage-1")
    world.goes()
    assert await store.now() == START
    opened = await store.open_call(CALL)
    floor = await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=LEASE)
    assert (opened, floor.epoch, floor.lease_until) == (CALL, 1, 0.0)
    world.comes_back()
    assert (await renewed(store)).lease_until > START
    assert await world.redis.load_call("call-1") is not None


async def test_a_call_that_somebody_may_hold_is_not_taken_blindly() -> None:
    world = World()
    await held(world)
    other = world.job("triage-2")
    await other.load_call("call-1")
    world.goes()
    with pytest.raises(StoreUnavailable):
        await other.take_floor("call-1", service="triage", agent_id="triage-2", lease_seconds=LEASE)


async def test_a_store_that_did_not_answer_is_given_half_a_second_before_it_is_asked_again() -> None:
    world = World()
    store = await held(world)
    world.goes()
    await renewed(store)
    world.redis.is_away = False
    assert (await renewed(store)).lease_until == 0.0
    world.clock.advance(0.5)
    assert (await renewed(store)).lease_until > 0.0


async def test_an_outage_is_logged_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    store = await held(world)
    world.goes()
    with caplog.at_level(logging.INFO, logger="voicemesh.store"):
        for _ in range(5):
            await renewed(store)
            world.clock.advance(1)
        world.comes_back()
        await renewed(store)
        await renewed(store)
    assert [record.message.split(",")[0] for record in caplog.records] == [
        "the store is away",
        "the store answers again",
    ]


async def test_a_store_that_answers_questions_and_takes_no_writes_stays_away_until_it_takes_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Otherwise a handoff would be offered to it, and refused, instead of going by word."""
    world = World()
    store = await held(world)
    world.redis.refuses_writes = True
    with caplog.at_level(logging.INFO, logger="voicemesh.store"):
        for _ in range(3):
            assert (await renewed(store)).lease_until == 0.0
            world.clock.advance(0.5)
            await store.now()
            assert await store.load_call("call-1") is not None, "it can be read"
            assert store.is_away
        world.redis.refuses_writes = False
        world.clock.advance(0.5)
        assert (await renewed(store)).lease_until > 0.0
    assert not store.is_away
    assert [record.message.split(",")[0] for record in caplog.records] == [
        "the store is away",
        "the store answers again",
    ]


async def test_the_time_goes_on_without_the_store() -> None:
    world = World()
    store = await held(world)
    await store.now()
    world.goes()
    world.clock.advance(7)
    assert await store.now() == START + 7


# --- it is back, with everything ----------------------------------------------------------------------------------------
async def test_an_owner_whose_lease_passed_in_the_outage_goes_on_holding_it() -> None:
    world = World()
    store = await held(world)
    world.goes()
    await renewed(store)
    world.comes_back()
    assert (await renewed(store)).epoch == 1
    assert await world.redis.overdue() == ()


async def test_an_owner_that_a_guardian_replaced_meanwhile_has_lost_the_floor() -> None:
    world = World()
    store = await held(world)
    world.goes()
    await renewed(store)
    world.comes_back()
    await world.redis.seize_floor("call-1", epoch=1, service="triage", agent_id="triage-r2-abc", lease_seconds=4.0)
    with pytest.raises(FloorLost):
        await renewed(store)
    with pytest.raises(FloorLost):
        await store.checkpoint(CALL, epoch=1)
    assert await owner(world) == ("triage-r2-abc", 2)


# --- it is back, and behind ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("epoch", [2, 4])
async def test_whoever_got_the_floor_without_it_makes_it_known_under_its_own_epoch(epoch: int) -> None:
    """One handoff, or three, were made in the outage."""
    world = World()
    await held(world)
    taker = world.job("billing-h1")
    world.comes_back()
    assert (await renewed(taker, epoch)).epoch == epoch
    assert await owner(world) == ("billing-h1", epoch)


async def test_what_the_taker_learned_meanwhile_is_stored_though_the_store_knew_only_its_giver() -> None:
    world = World()
    await held(world)
    taker = world.job("billing-h1")
    world.comes_back()
    said = make_turn("It is A C 4721.")
    await taker.checkpoint(make_call(turns=(said,)), epoch=2)
    stored = await world.redis.load_call("call-1")
    assert stored is not None and stored.turns == (said,)


async def test_a_giver_that_wakes_up_late_does_not_get_its_floor_back() -> None:
    world = World()
    giver = await held(world)
    await renewed(world.job("billing-h1"), 2)
    with pytest.raises(FloorLost):
        await renewed(giver, 1)


async def test_of_two_that_both_believe_in_one_epoch_one_is_silenced() -> None:
    """A failover lost a handoff, and a guardian gave the same epoch to another agent."""
    world = World()
    await held(world)
    taker = world.job("billing-h1")
    await world.redis.seize_floor(
        "call-1", epoch=1, service="triage", agent_id="triage-r2-abc", lease_seconds=4.0, dead_agent_id="triage-1"
    )
    with pytest.raises(FloorLost):
        await renewed(taker, 2)
    assert await owner(world) == ("triage-r2-abc", 2)


async def test_nobody_seizes_a_floor_of_his_own_epoch_from_another_agent() -> None:
    """It became so between a refused renewal and the look at who has the floor."""
    world = World()
    await held(world)
    with pytest.raises(FloorLost, match="overtaken"):
        await world.job("billing-h1")._agree("call-1", 1, UnknownCall())
    assert await owner(world) == ("triage-1", 1)


async def test_an_open_handoff_of_the_time_before_is_superseded() -> None:
    world = World()
    giver = await held(world)
    await giver.offer(Handoff(make_context("old"), "triage", "billing", State.OFFERED))
    await renewed(world.job("billing-h1"), 2)
    stored = await world.redis.load_handoff("old")
    assert stored is not None and stored.state is State.SUPERSEDED


# --- it is back, and empty ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("epoch", [1, 3])
async def test_a_call_that_it_forgot_is_put_back_as_its_owner_knows_it(epoch: int) -> None:
    world = World()
    store = await held(world)
    newest = make_call(turns=(make_turn("One more thing."),), services=("triage",))
    world.goes()
    with pytest.raises(StoreUnavailable):
        await store.checkpoint(newest, epoch=epoch)
    world.comes_back(empty=True)
    assert (await renewed(store, epoch)).epoch == epoch
    assert await owner(world) == ("triage-1", epoch)
    stored = await world.redis.load_call("call-1")
    assert stored is not None and stored.turns == newest.turns


async def test_a_frozen_agent_that_puts_a_call_back_too_early_loses_it_to_its_successor() -> None:
    world = World()
    frozen = await held(world)
    world.goes()
    world.comes_back(empty=True)
    await renewed(frozen, 1)
    successor = world.job("triage-r2-abc")
    assert (await renewed(successor, 2)).epoch == 2
    with pytest.raises(FloorLost):
        await renewed(frozen, 1)


async def test_a_call_that_ends_in_the_outage_has_its_ending_afterwards() -> None:
    world = World()
    store = await held(world)
    world.goes()
    with pytest.raises(StoreUnavailable):
        await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
    world.comes_back(empty=True)
    ended = await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED, detail="done")
    assert (ended.ending, ended.ending_detail) == (Ending.RESOLVED, "done")
    assert [line.call_id for line in await world.redis.endings()] == ["call-1"]


async def test_a_call_that_has_ended_is_not_put_back() -> None:
    world = World()
    store = await held(world)
    await world.redis.end_call("call-1", epoch=1, ending=Ending.CALLER_HUNG_UP)
    with pytest.raises(FloorLost):
        await renewed(store)


async def test_a_call_that_we_do_not_know_either_stays_unknown() -> None:
    world = World()
    with pytest.raises(UnknownCall):
        await renewed(world.job("triage-1"))


async def test_a_call_that_was_opened_and_whose_first_floor_was_not_stored_gets_it() -> None:
    world = World()
    store = world.job("triage-1")
    await store.open_call(CALL)
    world.goes()
    await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=LEASE)
    world.comes_back()
    assert (await renewed(store)).epoch == 1
    assert await owner(world) == ("triage-1", 1)


async def test_a_returning_caller_is_known_again(call: Call = CALL) -> None:
    """The store answers: what it holds of the call is what the new agent goes on with."""
    world = World()
    await held(world)
    assert await world.job("triage-2").open_call(make_call(turns=())) != make_call(turns=())
