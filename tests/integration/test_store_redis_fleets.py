"""Masters that die, hang, or knew more than their replica: behind Sentinels, and in a Cluster. Nobody tells the stores; they ask.

Real servers. `test_store_redis_failover.py` is the same behind one address.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from handoff.call import Floor, Role
from handoff.errors import StoreUnavailable
from handoff.guardian import Guardian
from handoff.redis_store import RedisStore
from handoff.store import Overdue
from handoff.testing import make_call
from store_steps import LEASE, opened, ready

from local.chaos.soundless.run import Outcome, under_fire
from tests.integration import outage_rig
from tests.integration.outage_rig import Mesh, until
from tests.integration.redis_farm import Cluster, Fleet, Node, Watched, settled

KINDS: dict[str, Callable[[Path], Fleet]] = {
    "Sentinels": Watched,
    "Redis Cluster": lambda folder: Cluster(folder, replicas=1),
}
STRICT = ("--min-replicas-to-write", "1", "--min-replicas-max-lag", "2")
"""A master that no replica hears takes no writes."""
HANDOFFS = 80
ENDED = 5
"""So many calls have ended when the master is struck: the others are in the middle of theirs."""


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
async def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Fleet]:
    fleet: Fleet = request.param(tmp_path)
    try:
        await asyncio.to_thread(fleet.start)
        yield fleet
    finally:
        await asyncio.to_thread(fleet.close)


@pytest.fixture
async def closing() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def answered(ask: Callable[[], Any]) -> Any:
    """The answer, when there is one."""
    while True:
        try:
            return await ask()
        except StoreUnavailable:
            await asyncio.sleep(0.05)


async def test_a_killed_master_is_followed_by_every_connection(fleet: Fleet) -> None:
    store = RedisStore.connect(fleet.url)
    await opened(store)
    await asyncio.gather(*(store.load_call("call-1") for _ in range(8)))
    fleet.master.replicated()
    fleet.master.kill()
    floor = await answered(lambda: store.renew_floor("call-1", epoch=1, lease_seconds=LEASE))
    assert floor.epoch == 1
    assert fleet.has_failed_over()
    assert not {None} & set(await asyncio.gather(*(store.load_call("call-1") for _ in range(8))))
    await store.aclose()


async def test_one_redis_that_logs_its_writes_comes_back_with_what_it_had(tmp_path: Path) -> None:
    node = Node(tmp_path, "--appendonly", "yes")
    node.start()
    store = RedisStore.connect(f"redis://127.0.0.1:{node.port}")
    await opened(store)
    await ready(store)
    node.kill()
    await asyncio.to_thread(node.start)
    floor = await answered(lambda: store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE))
    assert floor.epoch == 2
    await store.aclose()
    node.kill()


async def test_a_watch_that_a_failover_broke_is_begun_again(fleet: Fleet) -> None:
    store = RedisStore.connect(fleet.url, reread_seconds=0.05)
    await opened(store)
    await ready(store)
    watched = store.watch("handoff-1")
    await anext(watched)
    fleet.master.replicated()
    fleet.master.kill()
    with pytest.raises(StoreUnavailable):
        await anext(watched)
    await answered(lambda: store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE))
    again = store.watch("handoff-1")
    assert (await anext(again)).state == "taken"
    await again.aclose()
    await store.aclose()


async def test_what_the_replica_had_missed_is_put_right_by_the_owner(fleet: Fleet, closing: AsyncExitStack) -> None:
    """A floor was passed, and words were stored, that the new master has never heard of."""
    seized: list[Overdue] = []

    async def rescue(seen: Overdue, floor: Floor) -> None:
        seized.append(seen)

    mesh = Mesh(fleet, closing)
    giver = await mesh.owner(make_call(services=("triage",)))
    store = mesh.watch()
    await ready(store)
    guardian = Guardian(mesh.connect(), rescue, poll_seconds=0.02, lease_seconds=4.0)
    watching = asyncio.create_task(guardian.run())
    closing.callback(watching.cancel)
    fleet.master.replicated()
    fleet.replicas[0].signal(signal.SIGSTOP)
    taker = mesh.job("billing-1", giver.checkpoint.call)
    giver.checkpoint.let_go()
    taker.checkpoint.hold(await store.pass_floor("handoff-1", epoch=1, lease_seconds=outage_rig.LEASE))
    taker.checkpoint.note_turn(Role.CALLER, "My account is AC4721.")
    assert await taker.checkpoint.flushed(30)
    fleet.master.kill()
    fleet.replicas[0].signal(signal.SIGCONT)
    await asyncio.to_thread(settled, fleet.has_failed_over)
    taker.checkpoint.note_turn(Role.CALLER, "Are you still with me?")

    async def is_put_right() -> bool:
        words = await mesh.words()
        return await mesh.floor() == ("billing-1", 2) and words[-2:] == [
            "My account is AC4721.",
            "Are you still with me?",
        ]

    await until(is_put_right)
    assert (seized, taker.lost) == ([], [])


async def test_no_call_is_lost_nor_spoken_for_twice_when_the_master_is_killed_in_the_middle(fleet: Fleet) -> None:
    async def strike() -> None:
        await asyncio.to_thread(fleet.master.kill)

    outcome = await _struck(fleet, strike)
    assert _not_borne(outcome) == []
    assert sum(outcome.endings.values()) == outcome.calls


@pytest.mark.long
@pytest.mark.parametrize(
    "fleet", [lambda folder: Watched(folder, *STRICT, replicas=2)], indirect=True, ids=["Sentinels"]
)
async def test_nor_when_it_hangs_until_another_is_master_and_then_comes_back(fleet: Fleet) -> None:
    """For some seconds there are two masters, for Sentinels give the old one time to come to itself. It has no replica any more, and takes
    no writes."""
    assert isinstance(fleet, Watched)

    async def strike() -> None:
        fleet.master.signal(signal.SIGSTOP)
        await asyncio.to_thread(settled, fleet.follow_another)
        fleet.master.signal(signal.SIGCONT)

    outcome = await _struck(fleet, strike)
    assert _not_borne(outcome) == []
    assert sum(outcome.endings.values()) == outcome.calls
    await asyncio.to_thread(settled, lambda: not fleet.master.leads)


def _not_borne(outcome: Outcome) -> list[str]:
    """No call without an ending or with two, no two voices at once, no context that came twice. Two things are borne: a successor's claim
    that the new master has not heard of, so that another one comes for the same floor and the first one is put out; and a caller to whom
    nobody could come, for these agents cannot open a call without the store, as real ones can (`test_without_store.py` of the worker)."""
    borne = ("successors for epoch", " ended as failed")
    return [problem for problem in outcome.problems if not any(each in problem for each in borne)]


async def _struck(fleet: Fleet, strike: Callable[[], Any]) -> Outcome:
    """Calls with handoffs, the real protocol and real guardians; the master is struck in the middle. No other fault is."""

    async def later() -> None:
        store = RedisStore.connect(fleet.url)
        await until(lambda: _ended(store))
        assert await store.live_calls(), "it is struck in the middle"
        await store.aclose()
        await strike()

    async def _ended(store: RedisStore) -> bool:
        return len(await store.endings()) >= ENDED

    striking = asyncio.create_task(later())
    outcome = await under_fire(fleet.url, handoffs=HANDOFFS, seed=6, every=10**6)
    await striking
    assert await asyncio.to_thread(fleet.has_failed_over)
    return outcome
