"""What another release wrote into Redis, and this one cannot read, is told as that."""

from __future__ import annotations

import json

import pytest
from handoff.errors import WireMismatch
from handoff.keys import PLAIN as keys
from redis.asyncio import Redis
from store_steps import MakeStore, opened, ready


@pytest.mark.parametrize(
    "fields",
    [
        {"call_id": "call-1", "ending": "vanished", "ended_at": "1.0"},
        {"ending": "resolved", "ended_at": "1.0"},
        {"call_id": "call-1", "ending": "resolved", "ended_at": "1.0", "services": "billing"},
    ],
    ids=["no ending", "no call", "no list"],
)
async def test_a_line_that_cannot_be_read_is_a_wire_mismatch(
    make_store: MakeStore, client: Redis, fields: dict[str, str]
) -> None:
    store = make_store()
    await client.xadd(keys.ledger, fields)  # type: ignore[arg-type]
    await client.expire(keys.ledger, 100)
    with pytest.raises(WireMismatch):
        await store.ledger_after()


@pytest.mark.parametrize("fields", [{"ticket": "{}"}, {"note": "none"}])
async def test_a_callback_that_cannot_be_read_is_a_wire_mismatch(
    make_store: MakeStore, client: Redis, fields: dict[str, str]
) -> None:
    store = make_store()
    await client.xadd(keys.callbacks, fields)  # type: ignore[arg-type]
    await client.expire(keys.callbacks, 100)
    with pytest.raises(WireMismatch):
        await store.callbacks()


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
