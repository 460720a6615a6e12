"""The Redis store on a real Redis: the suite all stores pass, and what only Redis can get wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from handoff.call import Ending, Floor
from handoff.errors import FloorLost, UnknownCall, UnknownHandoff
from handoff.keys import Keys
from handoff.lifecycle import State
from handoff.redis_store import RedisStore
from handoff.store import Overdue
from handoff.testing import make_call, make_ticket
from handoff_suite import HandoffSuite
from recovery_suite import RecoverySuite, seized
from redis.asyncio import Redis
from shared_suite import SharedSuite
from store_steps import LEASE, PASSED, MakeStore, offered, opened, ready, taken
from store_suite import CallSuite

from tests.integration.conftest import PATIENCE, Place


@pytest.fixture
async def make_store(place: Place) -> AsyncIterator[MakeStore]:
    made: list[RedisStore] = []

    def make(**settings: float) -> RedisStore:
        made.append(RedisStore.connect(place.url, **(PATIENCE | settings)))
        return made[-1]

    yield make
    for store in made:
        await store.aclose()


@pytest.fixture
async def client(place: Place) -> AsyncIterator[Redis]:
    """A look into Redis beside the store."""
    async with Redis.from_url(place.direct_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def keys(place: Place) -> Keys:
    return place.keys


class TestRedisStore(CallSuite, HandoffSuite, RecoverySuite, SharedSuite):
    pass


async def test_every_key_lives_as_long_as_it_is_told_to(make_store: MakeStore, client: Redis, keys: Keys) -> None:
    store = make_store(call_ttl_seconds=3600.0, handoff_ttl_seconds=300.0, ledger_ttl_seconds=86400.0)
    await taken(store)
    await store.open_call(make_call("call-2"))
    await store.end_call("call-1", epoch=2, ending=Ending.RESOLVED)
    lives = {key: await client.ttl(key) async for key in client.scan_iter()}
    assert await client.zrange(keys.live, 0, -1) == ["call-2"]
    of_calls = {keys.call("call-1"), keys.call("call-2"), keys.live}
    assert lives.keys() == {*of_calls, keys.handoff("handoff-1"), keys.ledger}
    assert 3500 < lives[keys.live] <= 3600
    assert 3500 < lives[keys.call("call-1")] <= 3600
    assert 200 < lives[keys.handoff("handoff-1")] <= 300
    assert 86000 < lives[keys.ledger] <= 86400


async def test_what_the_services_share_lives_as_long_as_it_is_told_to(
    make_store: MakeStore, client: Redis, keys: Keys
) -> None:
    store = make_store(ledger_ttl_seconds=86400.0)
    await store.next_ticket()
    await store.add_callback(make_ticket())
    await store.wait_in_line("billing", "call-1")
    await store.breaker_swap("billing", 0, {"state": "open"})
    lives = {key: await client.ttl(key) async for key in client.scan_iter()}
    of_line = {keys.line("billing"), keys.line_until("billing"), keys.line_last("billing")}
    assert lives.keys() == {
        *of_line,
        keys.tickets,
        keys.callbacks,
        keys.callback_of("call-1"),
        keys.breaker("billing"),
    }
    assert all(10 < lives[key] <= 20 for key in of_line)
    assert 500 < lives[keys.breaker("billing")] <= 600
    assert 86000 < lives[keys.callbacks] <= 86400
    assert 86000 < lives[keys.callback_of("call-1")] <= 86400
    assert lives[keys.tickets] > 399 * 86400


async def test_the_set_of_live_calls_lives_as_long_as_its_longest_tenant(
    make_store: MakeStore, client: Redis, keys: Keys
) -> None:
    await make_store().open_call(make_call("call-1"))
    await make_store(call_ttl_seconds=10.0).open_call(make_call("call-2"))
    assert await client.ttl(keys.live) > 3500


async def test_a_renewed_floor_keeps_the_call_alive(make_store: MakeStore, client: Redis, keys: Keys) -> None:
    store = make_store()
    await opened(store)
    await client.expire(keys.call("call-1"), 5)
    await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)
    assert await client.ttl(keys.call("call-1")) > 3500


async def test_moves_do_not_prolong_a_handoff(make_store: MakeStore, client: Redis, keys: Keys) -> None:
    store = make_store()
    await opened(store)
    await offered(store)
    await client.expire(keys.handoff("handoff-1"), 50)
    await store.move("handoff-1", State.ACCEPTED)
    assert await client.ttl(keys.handoff("handoff-1")) <= 50


async def test_a_handoff_that_redis_forgot_is_unknown_and_its_watch_ends(
    make_store: MakeStore, client: Redis, keys: Keys
) -> None:
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


async def test_a_watch_that_was_told_nothing_looks_again_by_itself(
    make_store: MakeStore, client: Redis, keys: Keys
) -> None:
    store = make_store(reread_seconds=0.01)
    await opened(store)
    await offered(store)
    watched = store.watch("handoff-1")
    await anext(watched)
    # As after a lost message: the state has changed, and nobody was told.
    await client.hset(keys.handoff("handoff-1"), mapping={"state": "withdrawn", "at:withdrawn": "1750000000.0"})
    assert (await anext(watched)).state is State.WITHDRAWN
    await watched.aclose()


async def test_a_watch_that_is_closed_leaves_no_subscription(make_store: MakeStore, client: Redis, keys: Keys) -> None:
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


async def test_of_guardians_in_many_processes_one_seizes(make_store: MakeStore) -> None:
    stores = [make_store() for _ in range(8)]
    await opened(stores[0], lease_seconds=PASSED)
    await ready(stores[0])
    tries = [seized(store, epoch=1, agent_id=f"triage-r2-{n}") for n, store in enumerate(stores)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    (winner,) = [result for result in results if isinstance(result, Floor)]
    assert sum(isinstance(result, FloorLost) for result in results) == 7
    assert await stores[0].load_floor("call-1") == winner


async def test_a_look_for_overdue_calls_touches_no_others(make_store: MakeStore, client: Redis) -> None:
    store = make_store()
    for n in range(20):
        await store.open_call(make_call(f"call-{n}"))
        lease_seconds = PASSED if n == 7 else LEASE
        await store.take_floor(f"call-{n}", service="triage", agent_id="triage-1", lease_seconds=lease_seconds)
    await client.config_resetstat()
    assert [each.call_id for each in await store.overdue()] == ["call-7"]
    assert (await client.info("commandstats"))["cmdstat_hmget"]["calls"] == 1


async def test_a_call_that_nobody_ever_held_is_overdue_under_epoch_zero(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handoff.scripts.UNHELD_SECONDS", 0.0)
    monkeypatch.setattr("handoff.scripts_recovery.UNHELD_SECONDS", 0.0)
    store = make_store()
    await store.open_call(make_call(services=("sales",)))
    assert await store.overdue() == (Overdue("call-1", "sales", "", 0, 0),)
    assert (await seized(store, epoch=0)).epoch == 1


async def test_calls_that_redis_forgot_are_no_longer_overdue_and_leave_the_set(
    make_store: MakeStore, client: Redis, keys: Keys
) -> None:
    store = make_store()
    for n in range(5):
        await store.open_call(make_call(f"call-{n}"))
        await store.take_floor(f"call-{n}", service="triage", agent_id="triage-1", lease_seconds=PASSED)
    await client.delete(*(keys.call(f"call-{n}") for n in range(4)))
    assert await store.live_calls() == ("call-4",)
    assert [each.call_id for each in await store.overdue(limit=1)] == ["call-4"]
    assert await client.zrange(keys.live, 0, -1) == ["call-4"]


async def test_an_owner_of_an_older_release_renews_without_the_set_and_is_not_overdue(
    make_store: MakeStore, client: Redis, keys: Keys
) -> None:
    store = make_store()
    await opened(store, lease_seconds=PASSED)
    await client.hset(keys.call("call-1"), "lease_until", str(await store.now() + LEASE))
    assert await store.overdue() == ()
    assert await client.zcount(keys.live, await store.now(), "+inf") == 1


async def test_a_call_that_an_older_release_ended_is_not_overdue(
    make_store: MakeStore, client: Redis, keys: Keys
) -> None:
    store = make_store()
    await opened(store, lease_seconds=PASSED)
    await client.hset(keys.call("call-1"), mapping={"ending": "resolved", "ending_detail": "", "ended_at": "1.0"})
    assert await store.live_calls() == ()
    assert await store.overdue() == ()
    assert await client.exists(keys.live) == 0


async def test_a_call_that_an_older_release_opened_is_recovered_and_ends(
    make_store: MakeStore, client: Redis, keys: Keys
) -> None:
    store = make_store()
    await opened(store)
    await client.hdel(keys.call("call-1"), "opened_at", "started_at", "channel")
    await client.delete(keys.live)
    await store.renew_floor("call-1", epoch=1, lease_seconds=PASSED)
    assert [each.call_id for each in await store.overdue()] == ["call-1"]
    await seized(store, epoch=1)
    await store.end_call("call-1", epoch=2, ending=Ending.RESOLVED)
    (line,) = await store.endings()
    assert (line.started_at, line.channel, line.services) == (0.0, "", ("triage",))


async def test_a_line_of_an_older_release_is_read(make_store: MakeStore, client: Redis, keys: Keys) -> None:
    store = make_store()
    await client.xadd(keys.ledger, {"call_id": "call-1", "ending": "resolved", "ended_at": "1750000000.0"})
    await client.expire(keys.ledger, 100)
    (line,), _ = await store.ledger_after()
    assert (line.call_id, line.ending, line.services, line.detail) == ("call-1", Ending.RESOLVED, (), "")


async def test_a_reader_goes_on_with_its_cursor_when_redis_came_back_empty(
    make_store: MakeStore, client: Redis
) -> None:
    store = make_store()
    await store.add_callback(make_ticket("CT-10001"))
    _, cursor = await store.callbacks()
    await client.flushall()
    await store.add_callback(make_ticket("CT-10002"))
    found, _ = await store.callbacks(cursor)
    assert [ticket.ticket_id for ticket in found] == ["CT-10002"]


async def test_who_does_not_ask_again_is_no_longer_in_line(make_store: MakeStore, client: Redis, keys: Keys) -> None:
    store = make_store()
    await store.wait_in_line("billing", "call-1")
    await store.wait_in_line("billing", "call-2")
    await client.zadd(keys.line_until("billing"), {"call-1": await store.now() - 1.0})
    assert await store.position("billing", "call-1") == 0
    assert await store.position("billing", "call-2") == 1


async def test_an_owner_restores_its_call_after_redis_came_back_empty(make_store: MakeStore, client: Redis) -> None:
    store = make_store()
    floor = await taken(store)
    call = await store.load_call("call-1")
    assert call is not None
    await client.flushall()
    with pytest.raises(UnknownCall):
        await store.renew_floor("call-1", epoch=2, lease_seconds=LEASE)
    restored = await store.restore_call(
        call, service=floor.service, agent_id=floor.agent_id, epoch=floor.epoch, lease_seconds=LEASE
    )
    assert (restored.epoch, restored.agent_id) == (floor.epoch, floor.agent_id)
    assert await store.load_call("call-1") == call


async def test_redis_that_lost_its_scripts_gets_them_again(make_store: MakeStore, client: Redis) -> None:
    store = make_store()
    await opened(store)
    await client.script_flush()
    assert (await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)).epoch == 1


async def test_a_connection_that_redis_closed_is_opened_again(make_store: MakeStore, client: Redis) -> None:
    store = make_store()
    await opened(store)
    await client.client_kill_filter(_type="normal", skipme=True)
    assert (await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)).epoch == 1


async def test_the_ledger_is_read_in_pages(
    make_store: MakeStore, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handoff.redis_shared._PAGE", 2)
    store = make_store()
    for n in range(5):
        await store.open_call(make_call(f"call-{n}"))
        await store.take_floor(f"call-{n}", service="triage", agent_id="triage-1", lease_seconds=LEASE)
        await store.end_call(f"call-{n}", epoch=1, ending=Ending.RESOLVED)
    lines = await store.endings()
    assert [line.call_id for line in lines] == [f"call-{n}" for n in range(5)]
    assert await store.endings(since=lines[3].ended_at) == lines[3:]
