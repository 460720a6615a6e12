"""Canaries on a real Redis: the suite that all stores pass, and what only Redis can get wrong."""

from __future__ import annotations

import json

from canary_suite import CanarySuite, beats, counted
from handoff.canary import TRIAL_SECONDS
from handoff.keys import PLAIN as keys
from redis.asyncio import Redis
from store_steps import MakeStore


class TestCanariesInRedis(CanarySuite):
    pass


async def test_a_canary_is_one_key_that_lives_for_a_week_after_it_was_heard_of(
    make_store: MakeStore, client: Redis
) -> None:
    store = make_store()
    await beats(store)
    await counted(store, "fff")
    lives = {key: await client.ttl(key) async for key in client.scan_iter()}
    assert lives.keys() == {keys.canary("billing")}
    assert TRIAL_SECONDS - 60 < lives[keys.canary("billing")] <= TRIAL_SECONDS


async def test_by_redis_own_clock_its_workers_are_gone_and_a_version_is_forgotten(
    make_store: MakeStore, client: Redis
) -> None:
    store = make_store()
    key = keys.canary("billing")
    await beats(store)
    await counted(store, "fff")
    await client.hset(key, "until", str(await store.now() - 0.001))
    found = await store.canary("billing")
    assert found is not None and not found.is_there
    trial = json.loads(await client.hget(key, "trial:2.0"))
    trial["seen"] = str(await store.now() - TRIAL_SECONDS - 1)
    await client.hset(key, "trial:2.0", json.dumps(trial))
    assert await store.canary("billing") is None
    await beats(store, "2.1")
    assert set(await client.hkeys(key)) == {"version", "weight", "until", "trial:2.1"}
    assert (await beats(store)).share == 10, "it is a new one by now"
