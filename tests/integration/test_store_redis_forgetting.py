"""To forget a call on a real Redis, one and a Cluster: the suite that all stores pass, a dump of all keys, and that streams keep their time."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator

import pytest
from forgetting_suite import NUMBER, OF, WORDS, ForgettingSuite, told
from handoff.call import Ending
from handoff.keys import PLAIN as keys
from handoff.redis_store import RedisStore
from handoff.store import RoomList
from handoff.testing import make_call, make_due, make_ticket
from redis.asyncio import Redis
from store_steps import LEASE, MakeStore

from tests.integration.conftest import PATIENCE, Place

WEEK = 7 * 86400


class TestForgettingInRedis(ForgettingSuite):
    pass


@pytest.fixture
async def look(place: Place) -> AsyncIterator[Redis]:
    async with Redis.from_url(place.direct_url, decode_responses=True) as client:
        yield client


async def dump(client: Redis) -> str:
    """All that Redis holds, keys and values, as text."""
    found = []
    async for key in client.scan_iter():
        kind = await client.type(key)
        read = {"hash": client.hgetall, "string": client.get}.get(kind)
        if read is not None:
            value = await read(key)
        elif kind == "stream":
            value = await client.xrange(key)
        else:
            value = await client.zrange(key, 0, -1)
        found.append(f"{key} {json.dumps(value)}")
    return "\n".join(found)


async def test_a_dump_of_all_keys_has_none_of_its_words_and_not_its_id(place: Place, look: Redis) -> None:
    store = RedisStore.connect(place.url, **PATIENCE)
    await told(store)
    await store.queue_callback(make_due(number=NUMBER))
    await store.claim_callback(*OF, human_id="anna", name="Anna", seconds=LEASE)
    before = await dump(look)
    assert all(canary in before for canary in (WORDS, NUMBER, "call-1", "handoff-1"))
    await store.forget_call("call-1")
    after = await dump(look)
    assert not any(canary in after for canary in (WORDS, NUMBER, "call-1", "handoff-1", "CT-10001", "Anna"))
    assert "call-2" in after
    await store.aclose()


async def test_what_a_newer_release_wrote_is_found_by_its_call(make_store: MakeStore, client: Redis) -> None:
    store = make_store()
    newer = json.dumps({"call_id": "call-1", "ticket_id": "CT-9", "number": NUMBER, "surprise": [1]})
    await client.xadd(keys.callbacks, {"ticket": newer})
    await client.xadd(keys.callbacks, {"ticket": "no JSON"})
    await client.expire(keys.callbacks, 60)
    await client.set(keys.callback_queued("CT-9", "call-1"), "1-1", ex=60)
    removed = await store.forget_call("call-1")
    assert (removed["callbacks"], removed["callback_places"]) == (1, 1)
    assert NUMBER not in await dump(client)


async def test_more_than_a_page_of_a_stream_is_searched(make_store: MakeStore, client: Redis) -> None:
    store = make_store()
    async with client.pipeline() as pipe:
        for number in range(2500):
            pipe.xadd(keys.callbacks_done, {"ticket_id": "CT-1", "call_id": f"call-{number}", "done_at": "1"})
        pipe.expire(keys.callbacks_done, 60)
        await pipe.execute()
    assert (await store.forget_call("call-2499"))["callbacks_done"] == 1
    assert await client.xlen(keys.callbacks_done) == 2499


async def test_a_line_and_a_promise_are_trimmed_when_their_week_is_over_however_few_there_are(
    make_store: MakeStore, client: Redis
) -> None:
    """Redis trims a stream roughly unless it is told otherwise: up to a hundred entries would stay for as long as others come."""
    store = make_store()
    old = f"{int((time.time() - WEEK - 3600) * 1000)}-0"
    for stream in (keys.ledger, keys.callbacks, keys.callbacks_done):
        await client.xadd(stream, {"number": NUMBER}, id=old)
        await client.expire(stream, 60)
    await store.open_call(make_call())
    await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=LEASE)
    await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
    await store.add_callback(make_ticket())
    await store.queue_callback(make_due())
    await store.claim_callback(*OF, human_id="anna", name="Anna", seconds=LEASE)
    await store.close_callback(*OF, human_id="anna")
    assert NUMBER not in await dump(client)


async def test_an_event_of_livekit_is_known_again_without_the_call_that_it_told_of(
    make_store: MakeStore, client: Redis
) -> None:
    store = make_store()
    assert await store.note_room("call-1", RoomList.OVER, event_id="EV_1", after_seconds=0.0)
    assert not await store.note_room("call-1", RoomList.OVER, event_id="EV_1", after_seconds=0.0)
    await store.forget_call("call-1")
    assert "call-1" not in await dump(client)
