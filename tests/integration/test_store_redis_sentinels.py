"""Sentinels that are away, hang, or do not know the master's name: a store finds its master all the same, or says why not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from handoff.errors import StoreUnavailable
from handoff.redis_store import RedisStore
from redis.asyncio import Redis
from store_steps import opened

from tests.integration.conftest import _free_port
from tests.integration.redis_farm import MASTER, Watched


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    watched = Watched(tmp_path)
    try:
        await asyncio.to_thread(watched.start)
        yield watched
    finally:
        await asyncio.to_thread(watched.close)


async def test_one_sentinel_that_answers_is_enough(watched: Watched) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as hangs:
        hosts = [_free_port(), hangs.getsockname()[1], watched.sentinels[0].port]
        store = RedisStore.connect(f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in hosts)}/{MASTER}")
        assert (await opened(store)).epoch == 1
        await store.aclose()


async def test_a_number_of_a_database_and_a_name_are_of_the_connection_to_the_master(watched: Watched) -> None:
    store = RedisStore.connect(watched.url.removesuffix("/0") + "/3?client_name=triage")
    await opened(store)
    async with Redis(port=watched.master.port, db=3, decode_responses=True) as client:
        assert await client.exists(store.keys.call("call-1"))
        assert "triage" in {each["name"] for each in await client.client_list()}
    await store.aclose()


async def test_a_master_that_nobody_watches_is_named(watched: Watched) -> None:
    store = RedisStore.connect(watched.url.replace(MASTER, "another"))
    with pytest.raises(StoreUnavailable, match=r"none of 3 Sentinels knows where the master 'another' is"):
        await store.now()
    await store.aclose()


async def test_sentinels_with_a_password_of_their_own(watched: Watched) -> None:
    for sentinel in watched.sentinels:
        sentinel.ask("ACL", "SETUSER", "default", "resetpass", ">s3cret")
    store = RedisStore.connect(watched.url)
    with pytest.raises(StoreUnavailable, match=r"none of 3 Sentinels .*\(AuthenticationError\)"):
        await store.now()
    await store.aclose()
    store = RedisStore.connect(watched.url + "?sentinel_password=s3cret")
    assert await store.now() > 0
    await store.aclose()
