"""What every Store must do when jobs come for a floor that was seized for one of them, as tests: see store_suite.py."""

from __future__ import annotations

import asyncio

import pytest
from handoff.call import Ending, Floor
from handoff.errors import FloorLost, HandoffError, UnknownCall
from handoff.store import Overdue, Store
from recovery_suite import seized
from store_steps import LEASE, PASSED, MakeStore, opened

AWAITED = "triage-r2"


async def claimed(store: Store, job: str, *, epoch: int = 2) -> Floor:
    """call-1's floor in the hands of that job, which has come for it."""
    return await store.claim_floor("call-1", epoch=epoch, awaited_id=AWAITED, agent_id=f"{AWAITED}-{job}")


class ClaimSuite:
    """Give a fixture ``make_store``: a function that makes an empty store, taking a store's settings by name."""

    @pytest.fixture
    async def store(self, make_store: MakeStore) -> Store:
        """One in which a guardian has seized call-1 for triage-r2, under epoch 2."""
        store = make_store()
        await opened(store, lease_seconds=PASSED)
        await seized(store, epoch=1, agent_id=AWAITED)
        return store

    async def test_who_has_come_holds_the_floor_under_its_own_name(self, store: Store) -> None:
        before = await store.load_floor("call-1")
        assert before is not None
        floor = await claimed(store, "AJ_1")
        assert (floor.agent_id, floor.epoch) == ("triage-r2-AJ_1", 2)
        assert (floor.service, floor.lease_until) == (before.service, before.lease_until)
        assert await store.load_floor("call-1") == floor

    async def test_of_two_jobs_that_come_for_one_floor_one_gets_it(self, store: Store) -> None:
        answers = await asyncio.gather(claimed(store, "AJ_1"), claimed(store, "AJ_2"), return_exceptions=True)
        assert {type(answer) for answer in answers} == {Floor, FloorLost}

    async def test_a_claim_may_be_repeated_when_its_answer_was_lost(self, store: Store) -> None:
        assert await claimed(store, "AJ_1") == await claimed(store, "AJ_1")
        with pytest.raises(FloorLost):
            await claimed(store, "AJ_2")

    async def test_a_claim_is_no_first_word(self, store: Store) -> None:
        """One that comes and is never heard has lost its attempt all the same, and its lease passes as the awaited one's would."""
        await store.renew_floor("call-1", epoch=2, lease_seconds=PASSED)
        await seized(store, epoch=2, agent_id=AWAITED, lease_seconds=PASSED)
        floor = await claimed(store, "AJ_1", epoch=3)
        assert await store.overdue() == (Overdue("call-1", "triage", floor.agent_id, 3, 1),)

    async def test_a_floor_that_was_seized_once_more_is_not_claimed(self, store: Store) -> None:
        await store.renew_floor("call-1", epoch=2, lease_seconds=PASSED)
        await seized(store, epoch=2, agent_id="triage-r3")
        for epoch in (2, 3):
            with pytest.raises(FloorLost):
                await claimed(store, "AJ_1", epoch=epoch)

    async def test_nobody_seizes_in_the_awaited_name_what_was_claimed(self, store: Store) -> None:
        """As a guardian does that has waited long enough for somebody to come."""
        floor = await claimed(store, "AJ_1")
        with pytest.raises(FloorLost):
            await store.seize_floor(
                "call-1", epoch=2, service="triage", agent_id="triage-r3", lease_seconds=LEASE, dead_agent_id=AWAITED
            )
        assert await store.load_floor("call-1") == floor

    @pytest.mark.parametrize(("call_id", "fault"), [("call-1", FloorLost), ("call-2", UnknownCall)])
    async def test_what_is_unknown_or_has_ended_is_not_claimed(
        self, store: Store, call_id: str, fault: type[HandoffError]
    ) -> None:
        await store.end_call("call-1", epoch=2, ending=Ending.RESOLVED)
        with pytest.raises(fault):
            await store.claim_floor(call_id, epoch=2, awaited_id=AWAITED, agent_id="triage-r2-AJ_1")
