"""Callbacks whose time has come, on a real Redis: the suite that all stores pass, and what only Redis can get wrong."""

from __future__ import annotations

import asyncio

from callbacks_suite import OF, CallbacksSuite, claimed
from handoff.keys import PLAIN as keys
from handoff.testing import make_due
from redis.asyncio import Redis
from store_steps import MakeStore


class TestCallbacksInRedis(CallbacksSuite):
    pass


async def test_of_people_at_many_gateways_one_makes_a_callback(make_store: MakeStore) -> None:
    stores = [make_store() for _ in range(8)]
    await stores[0].queue_callback(make_due())
    answers = await asyncio.gather(*(claimed(store, f"human-{n}") for n, store in enumerate(stores)))
    assert answers.count(True) == 1


async def test_a_program_reads_the_queue_as_well_and_takes_out_what_it_has_made(
    make_store: MakeStore, client: Redis
) -> None:
    store = make_store()
    await store.queue_callback(make_due())
    ((entry, fields),) = await client.xrange(keys.callbacks_due)
    assert (fields["ticket_id"], fields["call_id"], fields["service"]) == (*OF, "billing")
    await claimed(store, "anna")
    await client.xdel(keys.callbacks_due, entry)
    assert await store.callbacks_due() == ()
    assert not await store.close_callback(*OF, human_id="anna")
    assert not await store.queue_callback(make_due()), "it was queued, and is known to be out of it"


async def test_a_claim_lives_as_long_as_it_was_made_for(make_store: MakeStore, client: Redis) -> None:
    store = make_store(ledger_ttl_seconds=86400.0)
    await store.queue_callback(make_due())
    await claimed(store, "anna", seconds=60.0)
    assert 50 < await client.ttl(keys.callback_claimed(*OF)) <= 60
    await client.delete(keys.callback_claimed(*OF))
    assert await claimed(store, "ben")
    await store.close_callback(*OF, human_id="ben")
    assert 86000 < await client.ttl(keys.callbacks_done) <= 86400
