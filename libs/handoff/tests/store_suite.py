"""What every Store must do with a call, its ending and its floor, as tests.

MemoryStore and RedisStore both run this suite and handoff_suite.py; a third store would too. A test class inherits both
and gives the fixture ``make_store``. No test sleeps or counts on real time passing: a lease that has passed is one of
zero seconds.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from handoff.call import Ending, Floor, Sentiment
from handoff.errors import FloorLost, InvalidContext, UnknownCall
from handoff.record import MAX_CALL_BYTES
from handoff.store import Store
from handoff.testing import make_call, make_turn
from store_steps import LEASE, PASSED, MakeStore, current_epoch, offered, opened, ready, taken


class CallSuite:
    """Give a fixture ``make_store``: a function that makes an empty store, taking a store's settings by name."""

    @pytest.fixture
    def store(self, make_store: MakeStore) -> Store:
        return make_store()

    # --- the call -------------------------------------------------------------------------------------------------
    async def test_what_is_stored_of_a_call_comes_back_whole(self, store: Store) -> None:
        call = make_call(sentiment=Sentiment(score=-0.25), effects=("process_refund RF-1042 49.99",), language="de")
        assert await store.open_call(call) == call
        assert await store.load_call("call-1") == call

    async def test_a_call_that_nobody_stored_is_none(self, store: Store) -> None:
        assert await store.load_call("call-1") is None
        assert await store.load_floor("call-1") is None

    async def test_opening_a_call_twice_keeps_the_first(self, store: Store) -> None:
        first = await store.open_call(make_call())
        assert await store.open_call(make_call(language="de")) == first

    async def test_the_holder_of_the_floor_overwrites_the_checkpoint(self, store: Store) -> None:
        await opened(store)
        told = (*make_call().turns, make_turn("AC4721 – “naïve” 😀\n\ttabs"))
        await store.checkpoint(make_call(turns=told), epoch=1)
        stored = await store.load_call("call-1")
        assert stored is not None
        assert stored.turns == told

    async def test_a_checkpoint_leaves_the_services_to_the_store(self, store: Store) -> None:
        await opened(store)
        await store.checkpoint(make_call(services=("billing", "sales")), epoch=1)
        stored = await store.load_call("call-1")
        assert stored is not None
        assert stored.services == ("triage",)

    async def test_a_checkpoint_adds_the_handoffs_it_knows_to_those_known(self, store: Store) -> None:
        await opened(store)
        await offered(store)
        await store.checkpoint(make_call(handoff_ids=("handoff-0", "handoff-1")), epoch=1)
        stored = await store.load_call("call-1")
        assert stored is not None
        assert stored.handoff_ids == ("handoff-1", "handoff-0")

    async def test_a_checkpoint_needs_the_floor(self, store: Store) -> None:
        await store.open_call(make_call())
        with pytest.raises(FloorLost):
            await store.checkpoint(make_call(), epoch=1)

    @pytest.mark.parametrize("epoch", [0, 1, 3])
    async def test_an_epoch_that_is_not_the_floors_writes_nothing(self, store: Store, epoch: int) -> None:
        await taken(store)
        before = await store.load_call("call-1")
        with pytest.raises(FloorLost):
            await store.checkpoint(make_call(language="de"), epoch=epoch)
        with pytest.raises(FloorLost):
            await store.renew_floor("call-1", epoch=epoch, lease_seconds=LEASE)
        with pytest.raises(FloorLost):
            await store.end_call("call-1", epoch=epoch, ending=Ending.FAILED)
        assert await store.load_call("call-1") == before
        assert await current_epoch(store) == 2

    async def test_what_is_unknown_is_refused_as_unknown(self, store: Store) -> None:
        with pytest.raises(UnknownCall):
            await store.checkpoint(make_call(), epoch=1)
        with pytest.raises(UnknownCall):
            await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=LEASE)
        with pytest.raises(UnknownCall):
            await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)
        with pytest.raises(UnknownCall):
            await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)

    @pytest.mark.parametrize(
        "changes",
        [
            {"call_id": ""},
            {"call_id": "x" * 300},
            {"language": 7},
            {"turns": (make_turn("word " * MAX_CALL_BYTES),)},
            {"facts": ("AC4721",)},
            {"started_at": float("nan")},
            {"sentiment": Sentiment(score=float("inf"))},
            {"display_name": "\ud800"},
        ],
        ids=["no id", "long id", "not text", "oversize", "not a fact", "no time", "infinite", "half a character"],
    )
    async def test_a_malformed_or_oversize_call_is_refused(self, store: Store, changes: dict[str, Any]) -> None:
        with pytest.raises(InvalidContext) as refusal:
            await store.open_call(make_call(**changes))
        assert "word" not in str(refusal.value)
        assert "AC4721" not in str(refusal.value)

    # --- the ending -----------------------------------------------------------------------------------------------
    async def test_a_call_ends_once_and_the_second_ending_learns_the_first(self, store: Store) -> None:
        await opened(store)
        first = await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED, detail="refunded")
        second = await store.end_call("call-1", epoch=1, ending=Ending.FAILED)
        assert (first.ending, first.ending_detail) == (Ending.RESOLVED, "refunded")
        assert first.ended_at is not None
        assert second == first == await store.load_call("call-1")

    async def test_each_ending_is_one_line_of_the_ledger(self, store: Store) -> None:
        first = await opened(store)
        await store.end_call("call-1", epoch=first.epoch, ending=Ending.CALLER_HUNG_UP)
        await store.end_call("call-1", epoch=first.epoch, ending=Ending.FAILED)
        await store.open_call(make_call("call-2"))
        await store.take_floor("call-2", service="billing", agent_id="billing-1", lease_seconds=LEASE)
        ended = await store.end_call("call-2", epoch=1, ending=Ending.RESOLVED)
        lines = await store.endings()
        assert [(line.call_id, line.ending) for line in lines] == [
            ("call-1", Ending.CALLER_HUNG_UP),
            ("call-2", Ending.RESOLVED),
        ]
        assert lines[1].ended_at == ended.ended_at
        assert await store.endings(since=lines[-1].ended_at + 1.0) == ()

    async def test_after_the_ending_nobody_writes_and_nobody_takes_the_floor(self, store: Store) -> None:
        await opened(store)
        await ready(store)
        await store.end_call("call-1", epoch=1, ending=Ending.CALLER_HUNG_UP)
        assert await store.load_floor("call-1") is None
        with pytest.raises(FloorLost):
            await store.checkpoint(make_call(), epoch=1)
        with pytest.raises(FloorLost):
            await store.take_floor("call-1", service="triage", agent_id="triage-2", lease_seconds=LEASE)
        with pytest.raises(FloorLost):
            await store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE)
        with pytest.raises(InvalidContext):
            await offered(store, "handoff-2")

    async def test_a_long_detail_is_cut_rather_than_refused(self, store: Store) -> None:
        await opened(store)
        ended = await store.end_call("call-1", epoch=1, ending=Ending.FAILED, detail="x" * 10_000)
        assert ended.ending_detail == "x" * 500

    # --- the floor ------------------------------------------------------------------------------------------------
    async def test_the_first_floor_has_epoch_one(self, store: Store) -> None:
        before = await store.now()
        floor = await opened(store)
        after = await store.now()
        assert (floor.call_id, floor.service, floor.agent_id, floor.epoch) == ("call-1", "triage", "triage-1", 1)
        assert before + LEASE - 0.001 <= floor.lease_until <= after + LEASE + 0.001
        assert await store.load_floor("call-1") == floor

    @pytest.mark.parametrize("agent_id", ["triage-1", "triage-2"])
    async def test_a_held_floor_is_refused_even_to_its_holder(self, store: Store, agent_id: str) -> None:
        await opened(store)
        with pytest.raises(FloorLost):
            await store.take_floor("call-1", service="triage", agent_id=agent_id, lease_seconds=LEASE)

    async def test_a_floor_whose_lease_has_passed_is_taken_under_the_next_epoch(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        floor = await store.take_floor("call-1", service="triage", agent_id="triage-2", lease_seconds=LEASE)
        assert (floor.agent_id, floor.epoch) == ("triage-2", 2)
        with pytest.raises(FloorLost):
            await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)

    async def test_a_passed_lease_still_shows_who_held_the_floor(self, store: Store) -> None:
        floor = await opened(store, lease_seconds=PASSED)
        assert await store.load_floor("call-1") == floor

    async def test_a_renewed_floor_keeps_its_epoch(self, store: Store) -> None:
        first = await opened(store, lease_seconds=5.0)
        renewed = await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)
        assert renewed == replace(first, lease_until=renewed.lease_until)
        assert renewed.lease_until > first.lease_until

    async def test_the_services_of_a_call_are_those_that_held_its_floor(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        # The same service again, after a crash: not a new visit.
        await store.take_floor("call-1", service="triage", agent_id="triage-2", lease_seconds=PASSED)
        await store.take_floor("call-1", service="billing", agent_id="billing-1", lease_seconds=LEASE)
        stored = await store.load_call("call-1")
        assert stored is not None
        assert stored.services == ("triage", "billing")

    async def test_of_many_that_take_a_free_floor_at_once_one_gets_it(self, store: Store) -> None:
        await store.open_call(make_call())
        tries = [
            store.take_floor("call-1", service="triage", agent_id=f"triage-{n}", lease_seconds=LEASE) for n in range(8)
        ]
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(result, Floor) for result in results) == 1
        assert sum(isinstance(result, FloorLost) for result in results) == 7
