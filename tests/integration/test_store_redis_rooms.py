"""Rooms that LiveKit told of, on a real Redis: what the suite of all stores (shared_suite) cannot see of their keys."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from handoff.keys import PLAIN as keys
from handoff.redis_store import RedisStore
from handoff.store import RoomList
from redis.asyncio import Redis

from tests.integration.conftest import PATIENCE


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    store = RedisStore.connect(redis_url, **PATIENCE)
    yield store
    await store.aclose()


async def test_a_list_and_an_event_live_for_an_hour(store: RedisStore, client: Redis) -> None:
    await store.note_room("call-1", RoomList.LONELY, event_id="EV_1", after_seconds=5.0)
    lives = {key: await client.ttl(key) async for key in client.scan_iter()}
    assert lives.keys() == {keys.rooms("lonely"), keys.event("EV_1")}
    assert all(3500 < seconds <= 3600 for seconds in lives.values())


async def test_who_is_told_of_a_room_prolongs_its_list(store: RedisStore, client: Redis) -> None:
    await store.note_room("call-1", RoomList.OVER, event_id="EV_1", after_seconds=0.0)
    await client.expire(keys.rooms("over"), 50)
    assert await store.rooms_due(RoomList.OVER, again_seconds=30.0) == ("call-1",)
    assert await client.ttl(keys.rooms("over")) > 3500
    await store.forget_room("call-1", RoomList.OVER)
    assert not await client.exists(keys.rooms("over"))


async def test_a_moment_is_one_of_redis_own_clock(store: RedisStore, client: Redis) -> None:
    before = await store.now()
    await store.note_room("call-1", RoomList.OVER, event_id="EV_1", after_seconds=30.0)
    after = await store.now()
    at = await client.zscore(keys.rooms("over"), "call-1")
    assert at is not None
    assert before + 30.0 <= at <= after + 30.0
