"""The Redis store on a real Redis: the suite all stores pass, and what only Redis can get wrong."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest
from handoff import keys
from handoff.call import Ending
from handoff.errors import FloorLost, StoreUnavailable, UnknownHandoff, WireMismatch
from handoff.lifecycle import State
from handoff.redis_store import RedisStore
from handoff.testing import make_call
from handoff_suite import HandoffSuite
from redis.asyncio import Redis
from store_steps import LEASE, MakeStore, offered, opened, ready, taken
from store_suite import CallSuite


@pytest.fixture
async def make_store(redis_url: str) -> AsyncIterator[MakeStore]:
    made: list[RedisStore] = []

    def make(**settings: float) -> RedisStore:
        made.append(RedisStore.connect(redis_url, **settings))
        return made[-1]

    yield make
    for store in made:
        await store.aclose()


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """A look into Redis beside the store."""
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


class TestRedisStore(CallSuite, HandoffSuite):
    pass


async def test_every_key_lives_as_long_as_it_is_told_to(make_store: MakeStore, client: Redis) -> None:
    store = make_store(call_ttl_seconds=3600.0, handoff_ttl_seconds=300.0, ledger_ttl_seconds=86400.0)
    await taken(store)
    await store.end_call("call-1", epoch=2, ending=Ending.RESOLVED)
    lives = {key: await client.ttl(key) async for key in client.scan_iter()}
    assert lives.keys() == {keys.call("call-1"), keys.handoff("handoff-1"), keys.LEDGER}
    assert 3500 < lives[keys.call("call-1")] <= 3600
    assert 200 < lives[keys.handoff("handoff-1")] <= 300
    assert 86000 < lives[keys.LEDGER] <= 86400


async def test_a_renewed_floor_keeps_the_call_alive(make_store: MakeStore, client: Redis) -> None:
    store = make_store()
    await opened(store)
    await client.expire(keys.call("call-1"), 5)
    await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)
    assert await client.ttl(keys.call("call-1")) > 3500


async def test_moves_do_not_prolong_a_handoff(make_store: MakeStore, client: Redis) -> None:
    store = make_store()
    await opened(store)
    await offered(store)
    await client.expire(keys.handoff("handoff-1"), 50)
    await store.move("handoff-1", State.ACCEPTED)
    assert await client.ttl(keys.handoff("handoff-1")) <= 50


async def test_a_handoff_that_redis_forgot_is_unknown_and_its_watch_ends(make_store: MakeStore, client: Redis) -> None:
    store = make_store(reread_seconds=0.01)
    await opened(store)
    await offered(store)
    seen = []
    async for handoff in store.watch("handoff-1"):
        seen.append(handoff.state)
        await client.delete(keys.handoff("handoff-1"))
    assert seen == [State.OFFERED]
    with pytest.raises(UnknownHandoff):
        await store.move("handoff-1", State.ACCEPTED)


async def test_a_watch_that_was_told_nothing_looks_again_by_itself(make_store: MakeStore, client: Redis) -> None:
    store = make_store(reread_seconds=0.01)
    await opened(store)
    await offered(store)
    watched = store.watch("handoff-1")
    await anext(watched)
    # As after a lost message: the state has changed, and nobody was told.
    await client.hset(keys.handoff("handoff-1"), mapping={"state": "withdrawn", "at:withdrawn": "1750000000.0"})
    assert (await anext(watched)).state is State.WITHDRAWN
    await watched.aclose()


async def test_a_watch_that_is_closed_leaves_no_subscription(make_store: MakeStore, client: Redis) -> None:
    store = make_store()
    await opened(store)
    await offered(store)
    watched = store.watch("handoff-1")
    await anext(watched)
    assert await client.pubsub_numsub(keys.moved("handoff-1")) == [(keys.moved("handoff-1"), 1)]
    await watched.aclose()
    while (await client.pubsub_numsub(keys.moved("handoff-1")))[0][1] != 0:
        await asyncio.sleep(0.01)


async def test_two_processes_that_take_the_floor_at_once_do_not_both_get_it(make_store: MakeStore) -> None:
    stores = [make_store() for _ in range(4)]
    await stores[0].open_call(make_call())
    tries = [
        store.take_floor("call-1", service="triage", agent_id=f"triage-{n}", lease_seconds=LEASE)
        for n, store in enumerate(stores)
    ]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, FloorLost) for result in results) == 3


async def test_redis_that_lost_its_scripts_gets_them_again(make_store: MakeStore, client: Redis) -> None:
    store = make_store()
    await opened(store)
    await client.script_flush()
    assert (await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)).epoch == 1


async def test_a_redis_that_is_not_there_is_store_unavailable() -> None:
    with socket.socket() as taken_port:
        # Bound and not listening: connections are refused.
        taken_port.bind(("127.0.0.1", 0))
        store = RedisStore.connect(f"redis://127.0.0.1:{taken_port.getsockname()[1]}/0")
        for question in (store.now(), store.load_call("call-1"), store.open_call(make_call()), _first(store)):
            with pytest.raises(StoreUnavailable):
                await question
        await store.aclose()


async def test_a_redis_that_never_answers_is_store_unavailable() -> None:
    with socket.socket() as black_hole:
        black_hole.bind(("127.0.0.1", 0))
        black_hole.listen()
        url = f"redis://127.0.0.1:{black_hole.getsockname()[1]}/0"
        store = RedisStore.connect(url, connect_timeout_seconds=0.05, answer_timeout_seconds=0.05)
        with pytest.raises(StoreUnavailable):
            await store.load_floor("call-1")
        with pytest.raises(StoreUnavailable):
            await _first(store)
        await store.aclose()


async def test_a_connection_that_redis_closed_is_opened_again(make_store: MakeStore, client: Redis) -> None:
    store = make_store()
    await opened(store)
    await client.client_kill_filter(_type="normal", skipme=True)
    assert (await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)).epoch == 1


@pytest.mark.parametrize("record", ["not json", "{}", "[]", json.dumps({"call_id": 7})])
async def test_a_stored_call_that_cannot_be_read_is_a_wire_mismatch(
    make_store: MakeStore, client: Redis, record: str
) -> None:
    store = make_store()
    await opened(store)
    await client.hset(keys.call("call-1"), "record", record)
    with pytest.raises(WireMismatch):
        await store.load_call("call-1")


@pytest.mark.parametrize(("field", "value"), [("context", "{}"), ("state", "dancing"), ("at:ready", "soon")])
async def test_a_stored_handoff_that_cannot_be_read_is_a_wire_mismatch(
    make_store: MakeStore, client: Redis, field: str, value: str
) -> None:
    store = make_store()
    await opened(store)
    await ready(store)
    await client.hset(keys.handoff("handoff-1"), field, value)
    with pytest.raises(WireMismatch):
        await store.load_handoff("handoff-1")


async def test_the_ledger_is_read_in_pages(
    make_store: MakeStore, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handoff.redis_store._LEDGER_PAGE", 2)
    store = make_store()
    for n in range(5):
        await store.open_call(make_call(f"call-{n}"))
        await store.take_floor(f"call-{n}", service="triage", agent_id="triage-1", lease_seconds=LEASE)
        await store.end_call(f"call-{n}", epoch=1, ending=Ending.RESOLVED)
    lines = await store.endings()
    assert [line.call_id for line in lines] == [f"call-{n}" for n in range(5)]
    assert await store.endings(since=lines[3].ended_at) == lines[3:]


async def _first(store: RedisStore) -> object:
    return await anext(store.watch("handoff-1"))
