"""A Redis that is not there, or never answers."""

from __future__ import annotations

import socket

import pytest
from handoff.errors import StoreUnavailable
from handoff.redis_store import RedisStore
from handoff.testing import make_call


async def test_a_redis_that_is_not_there_is_store_unavailable() -> None:
    with socket.socket() as taken_port:
        # Bound and not listening: connections are refused.
        taken_port.bind(("127.0.0.1", 0))
        store = RedisStore.connect(f"redis://127.0.0.1:{taken_port.getsockname()[1]}/0")
        questions = (
            store.now(),
            store.load_call("call-1"),
            store.open_call(make_call()),
            store.overdue(),
            store.live_calls(),
            store.ledger_after(),
            store.next_ticket(),
            store.position("billing", "call-1"),
            store.breaker_load("billing"),
            _first(store),
        )
        for question in questions:
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


async def _first(store: RedisStore) -> object:
    return await anext(store.watch("handoff-1"))
