"""Whoever cancels a loop that asks Redis stops it, in whichever moment that comes."""

from __future__ import annotations

import asyncio
import random

import pytest
from handoff.errors import StoreUnavailable
from handoff.redis_store import RedisStore

CANCELLED = 300
PATIENT_SECONDS = 30.0
"""Only bounds a test that hangs; nothing is measured."""


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_loop_that_asks_redis_ends_when_it_is_cancelled(redis_url: str, seed: int) -> None:
    """Two of a hundred went on for ever: on Python 3.11 asyncio.wait_for, in which the client sends, may forget a cancellation."""
    moments = random.Random(seed)

    async def ask(store: RedisStore) -> None:
        while True:
            try:
                await store.overdue()
            except StoreUnavailable:
                continue

    for _ in range(CANCELLED):
        store = RedisStore.connect(redis_url)
        asking = asyncio.create_task(ask(store))
        await asyncio.sleep(moments.uniform(0, 0.01))
        asking.cancel()
        async with asyncio.timeout(PATIENT_SECONDS):
            await asyncio.wait([asking])
        assert asking.cancelled()
        await store.aclose()
