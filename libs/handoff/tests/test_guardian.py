"""The guardian: which calls it seizes, for whom, and that nothing stops it."""

from __future__ import annotations

import asyncio
import logging

import pytest
from handoff.call import Floor
from handoff.desk import DESK, LEASE_SECONDS
from handoff.errors import HandoffError
from handoff.guardian import Guardian, service_of_successor, successor
from handoff.memory_store import MemoryStore
from handoff.store import Overdue
from handoff.testing import FakeClock, OutageStore, make_call, memory_store

RECOVERY_SECONDS = 4.0


class Rescuer:
    """Notes what it was asked to rescue."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.asked: list[tuple[Overdue, Floor]] = []
        self._fault = fault

    async def __call__(self, seen: Overdue, floor: Floor) -> None:
        self.asked.append((seen, floor))
        if self._fault is not None:
            raise self._fault


def guardian(store: MemoryStore, rescue: Rescuer, **choices: object) -> Guardian:
    return Guardian(store, rescue, poll_seconds=0, lease_seconds=RECOVERY_SECONDS, **choices)  # type: ignore[arg-type]


async def held(store: MemoryStore, call_id: str = "call-1", *, lease_seconds: float = 1.0) -> Floor:
    """A call that billing-1 holds."""
    await store.open_call(make_call(call_id))
    return await store.take_floor(call_id, service="billing", agent_id="billing-1", lease_seconds=lease_seconds)


async def looked(watching: Guardian) -> int:
    """One look, and what it began has run."""
    won = await watching.look()
    await asyncio.sleep(0)
    return won


# --- which calls ------------------------------------------------------------------------------------------------------
async def test_a_call_whose_owner_renews_is_left_alone() -> None:
    store, rescue = memory_store(), Rescuer()
    await held(store)
    assert await looked(guardian(store, rescue)) == 0
    assert rescue.asked == []


async def test_a_call_whose_lease_has_passed_is_seized_for_a_successor_of_the_same_service() -> None:
    clock = FakeClock()
    store, rescue = memory_store(clock), Rescuer()
    await held(store)
    clock.advance(1.0)
    assert await looked(guardian(store, rescue)) == 1
    ((seen, floor),) = rescue.asked
    assert (seen.agent_id, seen.epoch, seen.attempts) == ("billing-1", 1, 0)
    assert (floor.service, floor.epoch) == ("billing", 2)
    assert floor.agent_id.startswith("billing-r2-")
    assert floor.lease_until == clock() + RECOVERY_SECONDS
    assert await store.load_floor("call-1") == floor


async def test_a_call_that_was_seized_is_left_alone_until_its_successor_was_not_heard_in_time() -> None:
    clock = FakeClock()
    store, rescue = memory_store(clock), Rescuer()
    await held(store)
    clock.advance(1.0)
    watching = guardian(store, rescue)
    await looked(watching)
    clock.advance(RECOVERY_SECONDS - 0.1)
    assert await looked(watching) == 0
    clock.advance(0.2)
    assert await looked(watching) == 1
    (first, first_floor), (second, second_floor) = rescue.asked
    assert (first.attempts, second.attempts) == (0, 1)
    assert second.agent_id == first_floor.agent_id
    assert second_floor.epoch == 3


async def test_a_successor_that_was_heard_starts_the_count_anew() -> None:
    clock = FakeClock()
    store, rescue = memory_store(clock), Rescuer()
    await held(store)
    clock.advance(1.0)
    watching = guardian(store, rescue)
    await looked(watching)
    await store.renew_floor("call-1", epoch=2, lease_seconds=1.0)
    clock.advance(1.0)
    await looked(watching)
    assert [seen.attempts for seen, _ in rescue.asked] == [0, 0]


async def test_of_ten_guardians_one_wins_each_call() -> None:
    clock = FakeClock()
    store, rescue = memory_store(clock), Rescuer()
    for n in range(5):
        await held(store, f"call-{n}")
    clock.advance(1.0)
    won = await asyncio.gather(*(looked(guardian(store, rescue)) for _ in range(10)))
    assert sum(won) == 5
    assert sorted(seen.call_id for seen, _ in rescue.asked) == [f"call-{n}" for n in range(5)]


async def test_a_call_that_another_guardian_serves_better_is_left_to_it_for_one_look() -> None:
    clock = FakeClock()
    store, rescue = memory_store(clock), Rescuer()
    await held(store)
    clock.advance(1.0)
    watching = guardian(store, rescue, prefers=lambda _: False)
    assert [await looked(watching) for _ in range(3)] == [0, 1, 0]


async def test_a_call_that_was_left_and_is_seen_under_a_new_epoch_is_left_for_another_look() -> None:
    clock = FakeClock()
    store, rescue = memory_store(clock), Rescuer()
    await held(store)
    clock.advance(1.0)
    watching = guardian(store, rescue, prefers=lambda _: False)
    assert await looked(watching) == 0
    await store.take_floor("call-1", service="billing", agent_id="billing-2", lease_seconds=1.0)
    clock.advance(1.0)
    assert await looked(watching) == 0


async def test_who_cannot_help_seizes_nothing() -> None:
    clock = FakeClock()
    store, rescue = memory_store(clock), Rescuer()
    await held(store)
    clock.advance(1.0)
    assert await looked(guardian(store, rescue, is_able=lambda: False)) == 0
    floor = await store.load_floor("call-1")
    assert floor is not None
    assert floor.epoch == 1


@pytest.mark.parametrize(
    ("service", "attempts", "successor_is"),
    [("human", 0, "escalation"), ("human", 1, "escalation"), ("escalation", 2, "triage"), ("nobody", 0, "triage")],
)
def test_a_call_that_a_human_has_lost_is_customer_cares(service: str, attempts: int, successor_is: str) -> None:
    seen = Overdue("call-1", service, f"{service}-1", 3, attempts)
    assert service_of_successor(seen) == successor_is


async def test_a_human_whose_page_died_is_followed_by_customer_care() -> None:
    clock = FakeClock()
    store, rescue = memory_store(clock), Rescuer()
    await store.open_call(make_call())
    await store.take_floor("call-1", service=DESK, agent_id="human-1", lease_seconds=LEASE_SECONDS)
    watching = guardian(store, rescue)
    clock.advance(LEASE_SECONDS - 0.1)
    assert await looked(watching) == 0
    clock.advance(0.1)
    assert await looked(watching) == 1
    ((seen, floor),) = rescue.asked
    assert (seen.agent_id, floor.service, floor.epoch) == ("human-1", "escalation", 2)


# --- a death that is known --------------------------------------------------------------------------------------------
async def test_for_an_agent_that_is_known_to_be_dead_no_lease_is_waited_for() -> None:
    store = memory_store()
    await held(store)
    seen = Overdue("call-1", "billing", "billing-1", 1, 0)
    floor = await guardian(store, Rescuer()).seize(seen, dead_agent_id="billing-1")
    assert floor is not None
    assert floor.epoch == 2


@pytest.mark.parametrize("dead", ["", "billing-0"])
async def test_a_living_owner_is_not_seized_from(dead: str) -> None:
    store = memory_store()
    await held(store)
    assert await guardian(store, Rescuer()).seize(Overdue("call-1", "billing", "", 1, 0), dead_agent_id=dead) is None


async def test_a_call_that_nobody_knows_is_not_seized() -> None:
    assert await guardian(memory_store(), Rescuer()).seize(Overdue("call-9", "billing", "", 1, 0)) is None


# --- nothing stops it -------------------------------------------------------------------------------------------------
async def test_an_outage_of_the_store_is_told_once_and_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    store, rescue = OutageStore(now=clock), Rescuer()
    await held(store)
    clock.advance(1.0)
    watching = guardian(store, rescue, monotonic=clock)
    with caplog.at_level(logging.INFO, logger="voicemesh.guardian"):
        store.is_away = True
        assert [await looked(watching) for _ in range(3)] == [0, 0, 0]
        store.is_away = False
        assert await looked(watching) == 0
        clock.advance(RECOVERY_SECONDS)
        assert await looked(watching) == 1
    assert [r.getMessage().partition(":")[0] for r in caplog.records] == [
        "calls without an owner cannot be looked for",
        "the store answers again",
    ]


async def test_after_an_outage_the_owners_that_live_renew_first() -> None:
    clock = FakeClock()
    store, rescue = OutageStore(now=clock), Rescuer()
    await held(store, "call-living")
    await held(store, "call-dead")
    watching = guardian(store, rescue, monotonic=clock)
    store.is_away = True
    await looked(watching)
    clock.advance(30.0)
    store.is_away = False
    assert await looked(watching) == 0
    await store.renew_floor("call-living", epoch=1, lease_seconds=60.0)
    clock.advance(RECOVERY_SECONDS)
    await looked(watching)
    assert [seen.call_id for seen, _ in rescue.asked] == ["call-dead"]


async def test_who_can_help_nobody_still_notices_that_the_store_was_away() -> None:
    clock = FakeClock()
    store, rescue = OutageStore(now=clock), Rescuer()
    await held(store)
    is_able = False
    watching = guardian(store, rescue, monotonic=clock, is_able=lambda: is_able)
    store.is_away = True
    await looked(watching)
    clock.advance(30.0)
    store.is_away = False
    is_able = True
    assert await looked(watching) == 0, "those who live come first"


async def test_a_store_that_can_be_read_and_takes_no_writes_is_away_like_any_other() -> None:
    """In the moment when it takes writes again every lease has passed, and a guardian may be faster than an owner."""
    clock = FakeClock()
    store, rescue = OutageStore(now=clock), Rescuer()
    await held(store)
    watching = guardian(store, rescue, monotonic=clock)
    store.refuses_writes = True
    clock.advance(30.0)
    assert [await looked(watching) for _ in range(3)] == [0, 0, 0]
    store.refuses_writes = False
    assert await looked(watching) == 0
    await store.renew_floor("call-1", epoch=1, lease_seconds=60.0)
    clock.advance(RECOVERY_SECONDS)
    assert await looked(watching) == 0
    assert rescue.asked == []


@pytest.mark.parametrize("fault", [HandoffError("no"), RuntimeError("broken")])
async def test_a_rescue_that_fails_takes_nobody_with_it(fault: Exception) -> None:
    clock = FakeClock()
    store, rescue = memory_store(clock), Rescuer(fault)
    await held(store)
    clock.advance(1.0)
    watching = guardian(store, rescue)
    assert await looked(watching) == 1
    clock.advance(RECOVERY_SECONDS)
    assert await looked(watching) == 1


async def test_the_loop_goes_on_after_a_look_that_failed() -> None:
    class Broken(MemoryStore):
        looks = 0

        async def overdue(self, *, limit: int = 100) -> tuple[Overdue, ...]:
            self.looks += 1
            if self.looks == 1:
                raise RuntimeError("broken")
            if self.looks == 3:
                third.set()
            return await super().overdue(limit=limit)

    third = asyncio.Event()
    running = asyncio.create_task(guardian(Broken(), Rescuer()).run())
    await third.wait()
    assert not running.done()
    running.cancel()


async def test_a_guardian_that_goes_gives_its_rescues_up() -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await held(store)
    clock.advance(1.0)
    began, was_cancelled = asyncio.Event(), []

    async def for_ever(seen: Overdue, floor: Floor) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            was_cancelled.append(seen.call_id)
            raise

    watching = Guardian(store, for_ever, poll_seconds=0, lease_seconds=RECOVERY_SECONDS)
    await watching.look()
    await began.wait()
    await watching.settle(0)
    assert was_cancelled == ["call-1"]


# --- for whom ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("service", "attempts", "next_service"),
    [
        ("billing", 0, "billing"),
        ("billing", 1, "billing"),
        ("billing", 2, "escalation"),
        ("escalation", 3, "triage"),  # billing's stand-in was not heard either
        ("triage", 4, "escalation"),
        ("triage", 1, "triage"),
        ("triage", 2, "escalation"),
        ("escalation", 2, "triage"),
        ("", 0, "triage"),
        ("accounting", 0, "triage"),  # a release before this one had it
    ],
)
def test_who_is_to_go_on(service: str, attempts: int, next_service: str) -> None:
    assert service_of_successor(Overdue("call-1", service, "", 7, attempts)) == next_service


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 4.0), (1, 6.0), (2, 8.0), (4, 8.0)])
async def test_each_successor_has_more_time_to_be_heard_than_the_one_before_it(attempts: int, seconds: float) -> None:
    clock = FakeClock()
    store = memory_store(clock)
    await held(store)
    floor = await guardian(store, Rescuer()).seize(
        Overdue("call-1", "billing", "billing-1", 1, attempts), dead_agent_id="billing-1"
    )
    assert floor is not None
    assert floor.lease_until == clock() + seconds


def test_every_successor_has_an_identity_of_its_own() -> None:
    seen = Overdue("call-1", "billing", "billing-1", 7, 0)
    (service, one), (_, other) = successor(seen), successor(seen)
    assert service == "billing"
    assert one != other
    assert {one[:11], other[:11]} == {"billing-r8-"}
