"""A Redis that answers reads and refuses writes, as one does whose disk is full or whose replicas are gone."""

from __future__ import annotations

import pytest
from handoff.call import Ending
from handoff.errors import StoreUnavailable
from handoff.redis_store import RedisStore
from redis.asyncio import Redis
from store_steps import LEASE, opened


async def test_a_redis_that_takes_no_writes_is_away_until_it_takes_them_again(
    redis_url: str,
) -> None:
    store, client = RedisStore.connect(redis_url), Redis.from_url(redis_url)
    floor = await opened(store)
    await client.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(StoreUnavailable, match="NOREPLICAS"):
            await store.renew_floor("call-1", epoch=floor.epoch, lease_seconds=LEASE)
        with pytest.raises(StoreUnavailable):
            await store.end_call("call-1", epoch=floor.epoch, ending=Ending.RESOLVED)
        assert await store.load_call("call-1") is not None, "it can be read"
    finally:
        await client.config_set("min-replicas-to-write", 0)
    await store.renew_floor("call-1", epoch=floor.epoch, lease_seconds=LEASE)
    await client.aclose()
    await store.aclose()
