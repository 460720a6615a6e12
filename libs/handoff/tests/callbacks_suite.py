"""What every Store must do with callbacks whose time has come, as tests: see store_suite.py."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from handoff.errors import InvalidContext
from handoff.store import Store
from handoff.testing import START, make_due
from store_steps import LEASE, MakeStore

OF = ("CT-10001", "call-1")


async def claimed(store: Store, human_id: str, *, seconds: float = LEASE) -> bool:
    return await store.claim_callback(*OF, human_id=human_id, name=human_id.title(), seconds=seconds)


class CallbacksSuite:
    """Give a fixture ``make_store``: a function that makes an empty store, taking a store's settings by name."""

    @pytest.fixture
    def store(self, make_store: MakeStore) -> Store:
        return make_store()

    async def test_what_is_queued_waits_longest_due_first(self, store: Store) -> None:
        later = make_due("CT-10001", due_at=START + 60.0)
        first = make_due("CT-10002", due_at=START, number="5035550142")
        assert [await store.queue_callback(due) for due in (later, first)] == [True, True]
        assert await store.callbacks_due() == (first, later)
        assert len(await store.callbacks_due(limit=1)) == 1

    async def test_a_ticket_is_queued_once_and_again_when_its_number_is_another_call_s(self, store: Store) -> None:
        assert await store.queue_callback(make_due())
        assert not await store.queue_callback(make_due(reason="said again"))
        assert await store.queue_callback(make_due(call_id="call-2"))
        assert [due.call_id for due in await store.callbacks_due()] == ["call-1", "call-2"]

    @pytest.mark.parametrize(
        "changes", [{"ticket_id": ""}, {"call_id": " "}, {"service": ""}, {"reason": "x" * 501}, {"number": "call me"}]
    )
    async def test_what_is_malformed_is_not_queued(self, store: Store, changes: dict[str, Any]) -> None:
        with pytest.raises(InvalidContext):
            await store.queue_callback(make_due(**changes))
        assert await store.callbacks_due() == ()

    async def test_of_many_who_claim_a_callback_one_makes_it(self, store: Store) -> None:
        await store.queue_callback(make_due())
        answers = await asyncio.gather(*(claimed(store, f"human-{n}") for n in range(8)))
        assert answers.count(True) == 1
        winner = f"human-{answers.index(True)}"
        assert await store.callbacks_due() == (make_due(claimed_by=winner, claimed_name=winner.title()),)

    async def test_a_claim_may_be_repeated_and_is_let_go(self, store: Store) -> None:
        await store.queue_callback(make_due())
        assert [await claimed(store, "anna") for _ in range(2)] == [True, True]
        assert await claimed(store, "anna", seconds=0)
        assert await store.callbacks_due() == (make_due(),)
        assert await claimed(store, "ben")

    async def test_nobody_lets_go_what_another_one_has_claimed(self, store: Store) -> None:
        await store.queue_callback(make_due())
        await claimed(store, "anna")
        assert not await claimed(store, "ben", seconds=0)
        assert [due.claimed_by for due in await store.callbacks_due()] == ["anna"]

    async def test_what_was_made_is_out_of_the_queue_and_told_once(self, store: Store) -> None:
        await store.queue_callback(make_due())
        await claimed(store, "anna")
        assert await store.close_callback(*OF, human_id="anna")
        assert not await store.close_callback(*OF, human_id="anna")
        assert await store.callbacks_due() == ()
        (done,), cursor = await store.callbacks_done()
        assert (done.ticket_id, done.call_id) == OF
        assert abs(done.done_at - await store.now()) < 30
        assert await store.callbacks_done(cursor) == ((), cursor)

    async def test_what_was_made_is_not_queued_again(self, store: Store) -> None:
        """The ledger has not heard of it yet."""
        await store.queue_callback(make_due())
        await claimed(store, "anna")
        await store.close_callback(*OF, human_id="anna")
        assert not await store.queue_callback(make_due())
        assert await store.callbacks_due() == ()

    @pytest.mark.parametrize("who", ["nobody", "ben"])
    async def test_only_who_has_claimed_it_has_made_it(self, store: Store, who: str) -> None:
        await store.queue_callback(make_due())
        if who == "ben":
            await claimed(store, "anna")
        assert not await store.close_callback(*OF, human_id="ben")
        assert len(await store.callbacks_due()) == 1
        assert await store.callbacks_done() == ((), "")

    async def test_what_is_not_in_the_queue_is_neither_claimed_nor_made(self, store: Store) -> None:
        assert not await claimed(store, "anna")
        assert not await store.close_callback(*OF, human_id="anna")
        await store.drop_callback(*OF)
        assert await store.callbacks_done() == ((), "")

    async def test_what_was_done_elsewhere_is_dropped_whoever_has_claimed_it(self, store: Store) -> None:
        await store.queue_callback(make_due())
        other = make_due("CT-10002")
        await store.queue_callback(other)
        await claimed(store, "anna")
        await store.drop_callback(*OF)
        assert await store.callbacks_due() == (other,)
        assert not await store.close_callback(*OF, human_id="anna")

    async def test_a_claim_is_no_part_of_what_is_queued(self, store: Store) -> None:
        await store.queue_callback(replace(make_due(), claimed_by="anna", claimed_name="Anna"))
        assert await store.callbacks_due() == (make_due(),)
