"""A master and its replica change places behind one address: whoever is connected to the old master must leave it by himself.

Real Redis processes. Nobody closes a connection here, as a managed Redis need not: the old master lives on as a replica.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from handoff.call import Floor, Role
from handoff.errors import StoreUnavailable
from handoff.guardian import Guardian
from handoff.redis_store import RedisStore
from handoff.store import Overdue
from handoff.testing import make_call
from redis.asyncio import Redis
from store_steps import LEASE, PASSED, opened

from tests.integration import outage_rig
from tests.integration.mortal_redis import Address, MortalRedis
from tests.integration.outage_rig import Mesh, until


@dataclass
class Pair:
    """Two Redis behind one address; ``first`` is the master until they swap."""

    first: MortalRedis
    second: MortalRedis
    address: Address

    async def replicated(self) -> None:
        """Returns when the replica has all that was written so far."""
        async with Redis(port=self.first.port) as client:
            assert await client.wait(1, 30_000) == 1

    async def swap(self) -> None:
        """The replica becomes the master and the master its replica; then the address leads there."""
        await self.second.follow(None)
        await self.first.follow(self.second)
        self.address.leads_to = self.second.port

    async def fail_over_behind(self) -> None:
        """The replica becomes a master that is behind the first one by whatever is written there from now on. See ``switch``."""
        await self.replicated()
        await self.second.follow(None)

    async def switch(self, store: RedisStore) -> None:
        """The address leads to it, and closes what connections stand. Returns when this store's are closed: it is connected anew when
        it asks next, and notices nothing."""
        self.address.leads_to = self.second.port
        await self.address.hang_up()
        waiting = store._client.connection_pool._available_connections
        await until(lambda: all(connection._reader.at_eof() for connection in waiting))


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as closing:
        both = []
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            both.append(MortalRedis(tmp_path / name))
            closing.push_async_callback(both[-1].stop)
            await both[-1].start()
        await both[1].follow(both[0])
        address = Address()
        closing.push_async_callback(address.close)
        await address.open(both[0])
        yield Pair(both[0], both[1], address)


async def test_one_refused_write_is_enough_for_all_connections_to_find_the_new_master(pair: Pair) -> None:
    store = RedisStore.connect(pair.address.url)
    await opened(store)
    await asyncio.gather(*(store.load_call("call-1") for _ in range(8)))
    connections = pair.address.connections
    assert connections > 1
    await pair.replicated()
    await pair.swap()
    with pytest.raises(StoreUnavailable):
        await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)
    floors = await asyncio.gather(
        *(store.renew_floor("call-1", epoch=1, lease_seconds=LEASE + n) for n in range(connections))
    )
    assert [floor.epoch for floor in floors] == [1] * connections
    new = RedisStore.connect(pair.second.url)
    assert await new.load_floor("call-1") in floors
    await new.aclose()
    await store.aclose()


async def test_an_answer_that_somebody_waits_for_comes_though_the_connections_are_left(pair: Pair) -> None:
    store = RedisStore.connect(pair.address.url)
    await opened(store)
    await asyncio.gather(*(store.load_call("call-1") for _ in range(9)))  # all that is asked below has a connection
    await pair.replicated()
    await pair.swap()
    answers = await asyncio.gather(
        *(store.load_call("call-1") for _ in range(4)),
        store.renew_floor("call-1", epoch=1, lease_seconds=LEASE),
        *(store.load_call("call-1") for _ in range(4)),
        return_exceptions=True,
    )
    assert [answer for answer in answers if isinstance(answer, BaseException)] == [answers[4]]
    assert isinstance(answers[4], StoreUnavailable)
    assert (await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)).epoch == 1
    await store.aclose()


async def test_a_guardian_that_was_led_to_another_redis_unnoticed_gives_the_owners_a_moment(pair: Pair) -> None:
    """The new master has missed the owner's renewals: by what it knows the lease has passed, however long it is."""
    at, seized = 0.0, asyncio.Event()

    async def rescue(*_: object) -> None:
        seized.set()

    store = RedisStore.connect(pair.address.url)
    guardian = Guardian(store, rescue, poll_seconds=0, lease_seconds=4.0, monotonic=lambda: at)
    await opened(store, lease_seconds=PASSED)
    await pair.fail_over_behind()
    await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)
    assert await guardian.look() == 0
    await pair.switch(store)
    assert [await guardian.look() for _ in range(3)] == [0, 0, 0]
    await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)
    at += 4.0
    assert await guardian.look() == 0
    await store.renew_floor("call-1", epoch=1, lease_seconds=PASSED)
    assert await guardian.look() == 1
    async with asyncio.timeout(30):
        await seized.wait()
    await store.aclose()


async def test_a_call_goes_on_over_a_failover_with_the_owner_that_it_had(pair: Pair) -> None:
    seized: list[Overdue] = []

    async def rescue(seen: Overdue, floor: Floor) -> None:
        seized.append(seen)

    async with AsyncExitStack() as closing:
        mesh = Mesh(pair.second, closing)  # it looks where the master will be
        job = await mesh.owner(make_call(services=("triage",)), url=pair.address.url)
        guardian = Guardian(mesh.connect(pair.address.url), rescue, poll_seconds=0.02, lease_seconds=4.0)
        watching = asyncio.create_task(guardian.run())
        await until(lambda: job.checkpoint._written.is_set())
        await until(lambda: pair.address.connections == 2)  # the guardian has looked, at the old master
        await pair.replicated()
        await pair.swap()
        job.checkpoint.note_turn(Role.CALLER, "Are you still with me?")

        async def goes_on() -> bool:
            assert (seized, job.lost) == ([], [])
            words = await mesh.words()
            return not job.store.is_away and "Are you still with me?" in words

        await until(goes_on)
        for _ in range(5):
            await asyncio.sleep(outage_rig.LEASE / 2)
            assert not job.store.is_away, "no connection leads to the old master any more"
            assert (seized, job.lost) == ([], [])
        assert await mesh.floor() == ("triage-1", 1)
        watching.cancel()
