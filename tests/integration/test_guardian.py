"""Guardians on a real Redis: however many of them race, each call is rescued once for each death; and a winner may die too."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from handoff.call import Ending, Floor
from handoff.errors import FloorLost
from handoff.guardian import Guardian, successor
from handoff.lifecycle import State
from handoff.redis_store import RedisStore
from handoff.store import Overdue, Store
from handoff.testing import make_call
from store_steps import MakeStore, in_state, opened, stored_handoff, taken

from tests.integration.conftest import PATIENCE

GUARDIANS = 10
CALLS = 50
POLL_SECONDS = 0.01
LONG = 60.0


@pytest.fixture
async def make_store(redis_url: str) -> AsyncIterator[MakeStore]:
    made: list[RedisStore] = []

    def make(**settings: float) -> RedisStore:
        made.append(RedisStore.connect(redis_url, **(PATIENCE | settings)))
        return made[-1]

    yield make
    for store in made:
        await store.aclose()


class Rescues:
    """What all guardians of a test did, in one list."""

    def __init__(self) -> None:
        self.done: list[tuple[Overdue, Floor]] = []
        self._changed = asyncio.Condition()

    async def note(self, seen: Overdue, floor: Floor) -> None:
        async with self._changed:
            self.done.append((seen, floor))
            self._changed.notify_all()

    async def at_least(self, count: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.done) >= count)


async def dead_calls(store: Store, count: int = CALLS) -> None:
    """Calls whose billing agent died so long ago that its lease has passed."""
    for n in range(count):
        await store.open_call(make_call(f"call-{n}"))
        await store.take_floor(f"call-{n}", service="billing", agent_id=f"billing-{n}", lease_seconds=0)


def guardian(store: Store, rescues: Rescues, *, lease_seconds: float = LONG) -> Guardian:
    return Guardian(store, rescues.note, poll_seconds=POLL_SECONDS, lease_seconds=lease_seconds)


async def test_ten_guardians_race_for_fifty_calls_and_each_is_rescued_once(make_store: MakeStore) -> None:
    store, rescues = make_store(), Rescues()
    await dead_calls(store)
    running = [asyncio.create_task(guardian(make_store(), rescues).run()) for _ in range(GUARDIANS)]
    await rescues.at_least(CALLS)
    for _ in range(GUARDIANS):  # every one of them looks again, and there is nothing left to win
        assert await guardian(make_store(), rescues).look() == 0
    for task in running:
        task.cancel()
    assert Counter(seen.call_id for seen, _ in rescues.done) == Counter(f"call-{n}" for n in range(CALLS))
    for _, floor in rescues.done:
        found = await store.load_floor(floor.call_id)
        assert found is not None
        assert (found.epoch, found.agent_id) == (2, floor.agent_id)


async def test_of_ten_that_saw_the_same_death_one_wins_the_parent_among_them(make_store: MakeStore) -> None:
    """The lease has passed in the very moment in which the parent learns of the death."""
    for n in range(20):
        store = make_store()
        await store.open_call(make_call(f"call-{n}"))
        await store.take_floor(f"call-{n}", service="billing", agent_id="billing-1", lease_seconds=0)
        seen = Overdue(f"call-{n}", "billing", "billing-1", 1, 0)
        tries = [guardian(make_store(), Rescues()).seize(seen) for _ in range(GUARDIANS - 1)]
        parent = guardian(make_store(), Rescues()).seize(seen, dead_agent_id="billing-1")
        won = [floor for floor in await asyncio.gather(*tries, parent) if floor is not None]
        assert len(won) == 1
        assert await store.load_floor(f"call-{n}") == won[0]


async def test_a_winner_that_dies_before_it_could_help_is_followed_by_another(make_store: MakeStore) -> None:
    store, first, second = make_store(), Rescues(), Rescues()
    await dead_calls(store, 1)
    dying = guardian(make_store(), first, lease_seconds=0.05)
    assert await dying.look() == 1
    await dying.settle(0)  # it has seized, and brings nobody
    following = asyncio.create_task(guardian(make_store(), second).run())
    await second.at_least(1)
    following.cancel()
    ((seen, floor),) = second.done
    assert (seen.epoch, seen.attempts) == (2, 1)
    assert floor.epoch == 3


def _seize_and_die(url: str) -> None:
    """A guardian's process that is killed between its seizure and its rescue."""

    async def seize() -> None:
        store = RedisStore.connect(url)
        (seen,) = await store.overdue()
        service, agent_id = successor(seen)
        await store.seize_floor(seen.call_id, epoch=seen.epoch, service=service, agent_id=agent_id, lease_seconds=0.2)
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(seize())


async def test_what_a_killed_process_had_seized_is_seized_again(make_store: MakeStore, redis_url: str) -> None:
    store, rescues = make_store(), Rescues()
    await dead_calls(store, 1)
    process = multiprocessing.get_context("spawn").Process(target=_seize_and_die, args=(redis_url,))
    process.start()
    await asyncio.to_thread(process.join)
    assert process.exitcode == -signal.SIGKILL
    running = [asyncio.create_task(guardian(make_store(), rescues).run()) for _ in range(GUARDIANS)]
    await rescues.at_least(1)
    for task in running:
        task.cancel()
    assert [(seen.epoch, seen.attempts, floor.epoch) for seen, floor in rescues.done] == [(2, 1, 3)]


async def test_a_successor_that_speaks_is_left_alone_by_all_of_them(make_store: MakeStore) -> None:
    store, rescues = make_store(), Rescues()
    await dead_calls(store, 1)
    watching = [guardian(make_store(), rescues, lease_seconds=0.05) for _ in range(GUARDIANS)]
    assert sum(await asyncio.gather(*(one.look() for one in watching))) == 1
    await rescues.at_least(1)
    await store.renew_floor("call-0", epoch=2, lease_seconds=LONG)
    assert await asyncio.gather(*(one.look() for one in watching)) == [0] * GUARDIANS


async def test_the_end_of_a_call_and_its_seizure_do_not_both_happen(make_store: MakeStore) -> None:
    for n in range(20):
        store = make_store()
        await store.open_call(make_call(f"call-{n}"))
        await store.take_floor(f"call-{n}", service="billing", agent_id="billing-1", lease_seconds=0)
        seen = Overdue(f"call-{n}", "billing", "billing-1", 1, 0)
        ended, floor = await asyncio.gather(
            store.end_call(f"call-{n}", epoch=1, ending=Ending.RESOLVED),
            guardian(make_store(), Rescues()).seize(seen),
            return_exceptions=True,
        )
        assert isinstance(ended, BaseException) == (floor is not None)


@pytest.mark.parametrize("state", [State.OFFERED, State.ACCEPTED, State.DISPATCHED, State.READY])
async def test_a_handoff_that_was_under_way_is_over_when_its_givers_call_is_seized(
    make_store: MakeStore, state: State
) -> None:
    store = make_store()
    await in_state(store, state)
    floor = await guardian(store, Rescues()).seize(
        Overdue("call-1", "triage", "triage-1", 1, 0), dead_agent_id="triage-1"
    )
    assert floor is not None
    assert (await stored_handoff(store)).state is State.SUPERSEDED


async def test_a_taker_that_died_before_its_first_word_is_not_taken_back_from_its_successor(
    make_store: MakeStore,
) -> None:
    store = make_store()
    floor = await taken(store)
    seized = await guardian(store, Rescues()).seize(
        Overdue("call-1", "billing", "billing-1", floor.epoch, 0), dead_agent_id="billing-1"
    )
    assert seized is not None
    with pytest.raises(FloorLost):
        await store.take_back("handoff-1", giver_id="triage-1", epoch=floor.epoch, lease_seconds=LONG)
    assert await store.load_floor("call-1") == seized


async def test_a_call_whose_owner_lives_is_seized_by_nobody(make_store: MakeStore) -> None:
    store, rescues = make_store(), Rescues()
    await opened(store)
    assert await asyncio.gather(*(guardian(make_store(), rescues).look() for _ in range(GUARDIANS))) == [0] * GUARDIANS
    assert rescues.done == []
