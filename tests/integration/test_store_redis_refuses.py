"""A Redis that answers reads and refuses writes, as one does whose memory is full or whose replicas are gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from handoff.call import Floor, Role
from handoff.errors import StoreUnavailable
from handoff.guardian import Guardian
from handoff.keys import PLAIN as keys
from handoff.redis_store import RedisStore
from handoff.store import Overdue
from redis.asyncio import Redis
from refusal_suite import RefusalSuite, Refusing
from store_steps import LEASE, PASSED, opened

from tests.integration import outage_rig
from tests.integration.outage_rig import Mesh, away, made_mesh, until

mesh = pytest.fixture(made_mesh)

REFUSALS = {
    "its replicas are gone": ("min-replicas-to-write", 1, 0),
    "its memory is full": ("maxmemory", 1, 0),
}


class TestRedisThatRefusesWrites(RefusalSuite):
    @pytest.fixture(params=list(REFUSALS.values()), ids=list(REFUSALS))
    async def refusing(self, request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[Refusing]:
        option, refusing, accepting = request.param
        store, client = RedisStore.connect(redis_url), Redis.from_url(redis_url)

        async def refuse() -> None:
            await client.config_set(option, refusing)

        async def accept() -> None:
            await client.config_set(option, accepting)

        yield Refusing(store, refuse, accept)
        await accept()
        await client.aclose()
        await store.aclose()


async def test_a_refusal_is_named(redis_url: str) -> None:
    store, client = RedisStore.connect(redis_url), Redis.from_url(redis_url)
    floor = await opened(store)
    await client.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(StoreUnavailable, match="NOREPLICAS"):
            await store.renew_floor("call-1", epoch=floor.epoch, lease_seconds=LEASE)
    finally:
        await client.config_set("min-replicas-to-write", 0)
    await client.aclose()
    await store.aclose()


async def test_a_look_for_overdue_calls_makes_no_key_and_changes_none(redis_url: str) -> None:
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        store = RedisStore.connect(redis_url)
        await store.overdue()
        assert await client.keys() == []
        await opened(store, lease_seconds=PASSED)
        before = await client.zrange(keys.live, 0, -1, withscores=True)
        await store.overdue()
        assert await client.zrange(keys.live, 0, -1, withscores=True) == before
        await store.aclose()


async def test_an_owner_outlives_a_redis_that_takes_no_writes_for_longer_than_its_lease(mesh: Mesh) -> None:
    job = await mesh.owner()
    seized: list[Overdue] = []

    async def rescue(seen: Overdue, floor: Floor) -> None:
        seized.append(seen)

    guardians = [Guardian(mesh.connect(), rescue, poll_seconds=0.01, lease_seconds=4.0) for _ in range(5)]
    watching = [asyncio.create_task(guardian.run()) for guardian in guardians]
    async with Redis.from_url(mesh.redis.url) as client:
        await client.config_set("min-replicas-to-write", 1)
        await away(job)
        for _ in range(20):  # many questions are answered meanwhile, and none of them hides that no write is
            await asyncio.sleep(outage_rig.LEASE / 5)
            await job.store.now()
            assert job.store.is_away
        job.checkpoint.note_turn(Role.CALLER, "Are you still with me?")
        await client.config_set("min-replicas-to-write", 0)

        async def is_back() -> bool:
            return not job.store.is_away and "Are you still with me?" in await mesh.words()

        await until(is_back)
    for _ in range(3):
        await asyncio.sleep(outage_rig.LEASE)
        assert await mesh.floor() == ("triage-1", 1)
    for task in watching:
        task.cancel()
    assert (seized, job.lost) == ([], [])
