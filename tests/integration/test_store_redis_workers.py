"""What workers tell of themselves, on a real Redis: what the suite of all stores (shared_suite) cannot see of their keys."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from handoff.errors import WireMismatch
from handoff.keys import PLAIN as keys
from handoff.redis_store import RedisStore
from handoff.testing import make_worker
from redis.asyncio import Redis

from tests.integration.conftest import PATIENCE


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    store = RedisStore.connect(redis_url, **PATIENCE)
    yield store
    await store.aclose()


async def test_what_workers_tell_lives_as_long_as_the_longest_lived_of_them(store: RedisStore, client: Redis) -> None:
    await store.note_worker(make_worker("billing-1"), seconds=60)
    await store.note_worker(make_worker("billing-2"), seconds=5)
    lives = {key: await client.ttl(key) async for key in client.scan_iter()}
    assert lives.keys() == {keys.workers, keys.workers_told}
    assert all(30 < seconds <= 60 for seconds in lives.values())


async def test_a_worker_whose_time_has_passed_by_redis_own_clock_is_gone_with_all_that_it_told(
    store: RedisStore, client: Redis
) -> None:
    await store.note_worker(make_worker("billing-1"), seconds=60)
    await client.zadd(keys.workers, {"billing-1": await store.now() - 0.001})
    await store.note_worker(make_worker("billing-2"), seconds=60)
    assert await client.hkeys(keys.workers_told) == ["billing-2"]
    assert await store.workers() == (make_worker("billing-2"),)


async def test_what_another_release_tells_is_read_as_far_as_it_is_known(store: RedisStore, client: Redis) -> None:
    await store.note_worker(make_worker(), seconds=60)
    newer = '{"worker_id":"billing-1","service":"billing","capacity":10,"taken":3,"zone":"b"}'
    await client.hset(keys.workers_told, "billing-1", newer)
    assert await store.workers() == (make_worker(),)
    await client.hset(keys.workers_told, "billing-1", '{"worker_id":"billing-1"}')
    with pytest.raises(WireMismatch):
        await store.workers()
