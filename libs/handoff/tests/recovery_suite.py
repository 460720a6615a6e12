"""What every Store must do for a call without a living owner, as tests: see store_suite.py."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from handoff.call import Call, Channel, Ending, Floor
from handoff.errors import FloorLost, InvalidContext, UnknownCall
from handoff.lifecycle import MOVES, State
from handoff.store import Overdue, Store
from handoff.testing import make_call
from store_steps import LEASE, PASSED, MakeStore, current_epoch, in_state, offered, opened, ready, stored_handoff, taken

ALL_WHO_WAIT = [state for state, onward in MOVES.items() if State.SUPERSEDED in onward]
ALL_WHO_ARE_DONE = [state for state in State if state not in ALL_WHO_WAIT]


async def seized(store: Store, *, epoch: int, agent_id: str = "triage-r2", lease_seconds: float = LEASE) -> Floor:
    """call-1 in the hands of a successor."""
    return await store.seize_floor(
        "call-1", epoch=epoch, service="triage", agent_id=agent_id, lease_seconds=lease_seconds
    )


async def restored(store: Store, call: Call, *, epoch: int, agent_id: str = "triage-1") -> Floor:
    """call-1 put back by an agent that says it owns it."""
    return await store.restore_call(call, service="triage", agent_id=agent_id, epoch=epoch, lease_seconds=LEASE)


class RecoverySuite:
    """Give a fixture ``make_store``: a function that makes an empty store, taking a store's settings by name."""

    @pytest.fixture
    def store(self, make_store: MakeStore) -> Store:
        return make_store()

    # --- who has no living owner ----------------------------------------------------------------------------------
    async def test_a_call_whose_lease_has_passed_is_overdue(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        assert await store.overdue() == (Overdue("call-1", "triage", "triage-1", 1, 0),)

    async def test_a_call_whose_owner_lives_is_not_overdue(self, store: Store) -> None:
        await opened(store)
        assert await store.overdue() == ()

    async def test_a_call_that_was_just_opened_is_not_overdue(self, store: Store) -> None:
        await store.open_call(make_call())
        assert await store.overdue() == ()

    async def test_a_call_to_which_nobody_comes_is_overdue_and_seized_at_once(self, store: Store) -> None:
        await store.open_call(make_call(services=("sales",)), nobody_comes=True)
        assert await store.overdue() == (Overdue("call-1", "sales", "", 0, 0),)
        assert (await seized(store, epoch=0)).epoch == 1

    async def test_a_call_to_which_somebody_came_after_all_is_not_overdue(self, store: Store) -> None:
        await opened(store)
        await store.open_call(make_call(), nobody_comes=True)
        assert await store.overdue() == ()

    async def test_an_owner_that_renews_in_the_end_is_not_overdue(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)
        assert await store.overdue() == ()

    async def test_a_call_that_has_ended_is_not_overdue(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
        assert await store.overdue() == ()

    @pytest.mark.parametrize("lease_seconds", [PASSED, LEASE])
    async def test_a_lease_counts_from_every_way_to_the_floor(self, store: Store, lease_seconds: float) -> None:
        await opened(store, lease_seconds=lease_seconds)
        assert bool(await store.overdue()) == (lease_seconds == PASSED)
        await ready(store)
        await store.pass_floor("handoff-1", epoch=1, lease_seconds=lease_seconds)
        assert bool(await store.overdue()) == (lease_seconds == PASSED)
        await store.take_back("handoff-1", giver_id="triage-1", epoch=2, lease_seconds=lease_seconds)
        assert bool(await store.overdue()) == (lease_seconds == PASSED)
        await store.renew_floor("call-1", epoch=3, lease_seconds=lease_seconds)
        assert bool(await store.overdue()) == (lease_seconds == PASSED)

    async def test_those_who_wait_longest_come_first_and_no_more_than_asked_for(self, store: Store) -> None:
        for call_id in ("call-3", "call-1", "call-2"):
            await store.open_call(make_call(call_id))
            await store.take_floor(call_id, service="triage", agent_id="triage-1", lease_seconds=PASSED)
        # Those of one moment (a test's clock stands still) come by their ids.
        await store.renew_floor("call-1", epoch=1, lease_seconds=PASSED)
        found = [each.call_id for each in await store.overdue()]
        assert sorted(found) == ["call-1", "call-2", "call-3"]
        assert [each.call_id for each in await store.overdue(limit=2)] == found[:2]

    async def test_the_live_calls_are_those_without_an_ending(self, store: Store) -> None:
        await opened(store)
        await store.open_call(make_call("call-2"))
        assert set(await store.live_calls()) == {"call-1", "call-2"}
        await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
        assert await store.live_calls() == ("call-2",)

    # --- seizing --------------------------------------------------------------------------------------------------
    async def test_a_floor_whose_lease_has_passed_is_seized_under_the_next_epoch(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        floor = await seized(store, epoch=1)
        assert (floor.service, floor.agent_id, floor.epoch) == ("triage", "triage-r2", 2)
        assert await store.load_floor("call-1") == floor
        assert await store.overdue() == ()
        with pytest.raises(FloorLost):
            await store.renew_floor("call-1", epoch=1, lease_seconds=LEASE)

    async def test_the_floor_of_an_owner_that_lives_is_not_seized(self, store: Store) -> None:
        floor = await opened(store)
        with pytest.raises(FloorLost):
            await seized(store, epoch=1)
        assert await store.load_floor("call-1") == floor

    async def test_whose_death_is_known_is_not_waited_for(self, store: Store) -> None:
        await opened(store)
        floor = await store.seize_floor(
            "call-1",
            epoch=1,
            service="triage",
            agent_id="triage-r2",
            lease_seconds=LEASE,
            dead_agent_id="triage-1",
        )
        assert floor.epoch == 2

    async def test_the_death_of_another_agent_opens_no_floor(self, store: Store) -> None:
        floor = await taken(store)
        with pytest.raises(FloorLost):
            await store.seize_floor(
                "call-1",
                epoch=2,
                service="triage",
                agent_id="triage-r3",
                lease_seconds=LEASE,
                dead_agent_id="triage-1",
            )
        assert await store.load_floor("call-1") == floor

    @pytest.mark.parametrize("epoch", [0, 1, 3])
    async def test_who_saw_another_epoch_seizes_nothing(self, store: Store, epoch: int) -> None:
        await opened(store, lease_seconds=PASSED)
        await store.take_floor("call-1", service="triage", agent_id="triage-2", lease_seconds=PASSED)
        with pytest.raises(FloorLost):
            await seized(store, epoch=epoch)
        assert await current_epoch(store) == 2

    async def test_of_many_guardians_one_seizes(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        tries = [seized(store, epoch=1, agent_id=f"triage-r2-{n}") for n in range(10)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        (winner,) = [result for result in results if isinstance(result, Floor)]
        assert sum(isinstance(result, FloorLost) for result in results) == 9
        assert await store.load_floor("call-1") == winner

    async def test_of_an_owner_that_comes_back_and_a_guardian_one_has_the_floor(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        renewed, seizure = await asyncio.gather(
            store.renew_floor("call-1", epoch=1, lease_seconds=LEASE), seized(store, epoch=1), return_exceptions=True
        )
        assert isinstance(renewed, FloorLost) != isinstance(seizure, FloorLost)

    async def test_a_guardian_that_lost_the_answer_asks_again_and_gets_the_same_floor(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        floor = await seized(store, epoch=1)
        assert await seized(store, epoch=1) == floor
        with pytest.raises(FloorLost):
            await seized(store, epoch=1, agent_id="triage-r2-other")

    async def test_each_successor_that_never_spoke_is_one_more_attempt(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        for epoch in (1, 2, 3):
            await seized(store, epoch=epoch, agent_id=f"triage-r{epoch + 1}", lease_seconds=PASSED)
        assert await store.overdue() == (Overdue("call-1", "triage", "triage-r4", 4, 3),)

    async def test_a_successor_that_spoke_starts_the_count_anew(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        await seized(store, epoch=1)
        await store.renew_floor("call-1", epoch=2, lease_seconds=PASSED)
        assert [each.attempts for each in await store.overdue()] == [0]

    async def test_a_service_that_stands_in_is_noted_in_the_call(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        await store.seize_floor("call-1", epoch=1, service="billing", agent_id="billing-r2", lease_seconds=PASSED)
        call = await store.load_call("call-1")
        assert call is not None
        assert call.services == ("triage", "billing")
        assert [each.service for each in await store.overdue()] == ["billing"]

    async def test_a_successor_goes_on_with_what_the_dead_one_wrote(self, store: Store) -> None:
        await opened(store)
        await store.checkpoint(make_call(effects=("process_refund RF-1042 49.99",)), epoch=1)
        await store.renew_floor("call-1", epoch=1, lease_seconds=PASSED)
        await seized(store, epoch=1)
        call = await store.load_call("call-1")
        assert call is not None
        assert call.effects == ("process_refund RF-1042 49.99",)

    async def test_what_is_unknown_or_has_ended_is_not_seized(self, store: Store) -> None:
        with pytest.raises(UnknownCall):
            await seized(store, epoch=1)
        await opened(store, lease_seconds=PASSED)
        await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
        with pytest.raises(FloorLost):
            await seized(store, epoch=1)

    async def test_a_call_that_was_just_opened_is_seized_only_when_its_agent_is_known_to_be_dead(
        self, store: Store
    ) -> None:
        await store.open_call(make_call())
        with pytest.raises(FloorLost):
            await seized(store, epoch=0)
        floor = await store.seize_floor(
            "call-1", epoch=0, service="triage", agent_id="triage-r1", lease_seconds=LEASE, dead_agent_id="triage-1"
        )
        assert floor.epoch == 1

    # --- handoffs of a seized call --------------------------------------------------------------------------------
    @pytest.mark.parametrize("state", ALL_WHO_WAIT)
    async def test_a_seizure_supersedes_the_handoffs_that_wait(self, store: Store, state: State) -> None:
        await in_state(store, state)
        epoch = await current_epoch(store)
        await store.renew_floor("call-1", epoch=epoch, lease_seconds=PASSED)
        await seized(store, epoch=epoch)
        stored = await stored_handoff(store)
        assert (stored.state, stored.reason) == (State.SUPERSEDED, "the floor was seized")
        assert {state, State.SUPERSEDED} <= stored.moved_at.keys()

    @pytest.mark.parametrize("state", ALL_WHO_ARE_DONE)
    async def test_a_seizure_leaves_a_handoff_that_has_come_to_its_end(self, store: Store, state: State) -> None:
        await in_state(store, state)
        before = await stored_handoff(store)
        epoch = await current_epoch(store)
        await store.renew_floor("call-1", epoch=epoch, lease_seconds=PASSED)
        await seized(store, epoch=epoch)
        assert await stored_handoff(store) == before

    async def test_a_seizure_that_is_refused_leaves_the_handoffs(self, store: Store) -> None:
        await opened(store)
        await ready(store)
        with pytest.raises(FloorLost):
            await seized(store, epoch=1)
        assert (await stored_handoff(store)).state is State.READY

    async def test_a_seizure_leaves_the_handoffs_of_other_calls(self, store: Store) -> None:
        await opened(store)
        await store.open_call(make_call("call-2"))
        await store.take_floor("call-2", service="triage", agent_id="triage-2", lease_seconds=LEASE)
        await offered(store, "handoff-2", call=make_call("call-2"))
        # A call that claims another's handoff as its own gets no power over it.
        await store.checkpoint(make_call(handoff_ids=("handoff-2",)), epoch=1)
        await store.renew_floor("call-1", epoch=1, lease_seconds=PASSED)
        await seized(store, epoch=1)
        assert (await stored_handoff(store, "handoff-2")).state is State.OFFERED

    async def test_a_watcher_learns_of_the_seizure(self, make_store: MakeStore) -> None:
        # Without being told it would look again after ten minutes only.
        store = make_store(reread_seconds=600.0)
        await opened(store)
        await ready(store)
        await store.renew_floor("call-1", epoch=1, lease_seconds=PASSED)
        watched = store.watch("handoff-1")
        await anext(watched)
        waiting = asyncio.ensure_future(anext(watched))
        await asyncio.sleep(0)
        await seized(store, epoch=1)
        async with asyncio.timeout(30):
            assert (await waiting).state is State.SUPERSEDED
        await watched.aclose()

    @pytest.mark.parametrize("taker_is_dead", [True, False])
    async def test_a_giver_and_a_guardian_that_want_the_floor_back_do_not_both_get_it(
        self, store: Store, taker_is_dead: bool
    ) -> None:
        await taken(store)
        back, seizure = await asyncio.gather(
            store.take_back("handoff-1", giver_id="triage-1", epoch=2, lease_seconds=LEASE),
            store.seize_floor(
                "call-1",
                epoch=2,
                service="billing",
                agent_id="billing-r3",
                lease_seconds=LEASE,
                dead_agent_id="billing-1" if taker_is_dead else "",
            ),
            return_exceptions=True,
        )
        assert isinstance(back, Floor) != isinstance(seizure, Floor)
        assert taker_is_dead or isinstance(back, Floor)
        assert await current_epoch(store) == 3

    # --- restoring ------------------------------------------------------------------------------------------------
    async def test_an_owner_puts_its_call_back_under_its_own_epoch(self, store: Store) -> None:
        call = make_call(services=("triage", "billing"), handoff_ids=("handoff-1",), language="de")
        floor = await restored(store, call, epoch=7)
        assert (floor.service, floor.agent_id, floor.epoch) == ("triage", "triage-1", 7)
        assert await store.load_floor("call-1") == floor
        assert await store.load_call("call-1") == replace(call, services=("triage", "billing", "triage"))
        await store.checkpoint(call, epoch=7)
        assert await store.live_calls() == ("call-1",)

    async def test_a_call_that_is_there_keeps_its_record_and_its_owner_only_renews(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        before = await store.load_call("call-1")
        floor = await restored(store, make_call(language="de"), epoch=1)
        assert await store.load_call("call-1") == before
        assert await store.load_floor("call-1") == floor
        assert await store.overdue() == ()

    @pytest.mark.parametrize("epoch", [1, 3])
    async def test_a_call_that_is_there_under_another_epoch_is_not_restored(self, store: Store, epoch: int) -> None:
        floor = await taken(store)
        with pytest.raises(FloorLost):
            await restored(store, make_call(), epoch=epoch)
        assert await store.load_floor("call-1") == floor

    async def test_two_that_restore_under_one_epoch_do_not_both_get_it(self, store: Store) -> None:
        results = await asyncio.gather(
            restored(store, make_call(), epoch=4, agent_id="triage-1"),
            restored(store, make_call(), epoch=4, agent_id="triage-2"),
            return_exceptions=True,
        )
        assert sum(isinstance(result, Floor) for result in results) == 1
        assert sum(isinstance(result, FloorLost) for result in results) == 1

    async def test_a_call_that_has_ended_is_not_restored(self, store: Store) -> None:
        await opened(store)
        ended = await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
        with pytest.raises(FloorLost):
            await restored(store, make_call(), epoch=1)
        with pytest.raises(InvalidContext):
            await restored(store, replace(ended, call_id="call-2"), epoch=1)

    async def test_nobody_restores_under_an_epoch_that_was_never_given(self, store: Store) -> None:
        with pytest.raises(InvalidContext):
            await restored(store, make_call(), epoch=0)
        assert await store.load_call("call-1") is None

    async def test_a_restored_call_is_recovered_like_any_other(self, store: Store) -> None:
        await restored(store, make_call(), epoch=7)
        await store.renew_floor("call-1", epoch=7, lease_seconds=PASSED)
        assert (await seized(store, epoch=7)).epoch == 8

    async def test_a_taker_by_word_alone_seizes_the_epoch_it_was_told(self, store: Store) -> None:
        await opened(store)
        floor = await store.seize_floor(
            "call-1", epoch=1, service="billing", agent_id="billing-1", lease_seconds=LEASE, dead_agent_id="triage-1"
        )
        assert (floor.epoch, floor.agent_id) == (2, "billing-1")

    # --- the ending's line ----------------------------------------------------------------------------------------
    async def test_the_ledger_tells_the_whole_call(self, store: Store) -> None:
        call = make_call(channel=Channel.PHONE)
        await store.open_call(call)
        await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=LEASE)
        await ready(store)
        await store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE)
        ended = await store.end_call("call-1", epoch=2, ending=Ending.FAILED, detail="nobody could take the call")
        (line,) = await store.endings()
        assert (line.call_id, line.ending, line.detail) == ("call-1", Ending.FAILED, "nobody could take the call")
        assert (line.services, line.handoff_ids) == (("triage", "billing"), ("handoff-1",))
        assert (line.started_at, line.ended_at, line.channel) == (call.started_at, ended.ended_at, "phone")

    async def test_the_ledger_tells_the_whole_of_a_restored_call(self, store: Store) -> None:
        call = make_call(services=("triage",), handoff_ids=("handoff-0",))
        await restored(store, call, epoch=3)
        await store.end_call("call-1", epoch=3, ending=Ending.RESOLVED)
        (line,) = await store.endings()
        assert (line.services, line.handoff_ids) == (("triage",), ("handoff-0",))
        assert (line.started_at, line.channel) == (call.started_at, "web")
