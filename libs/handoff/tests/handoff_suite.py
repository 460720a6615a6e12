"""What every Store must do with a handoff, and when the floor changes hands, as tests: see store_suite.py."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from handoff.errors import FloorLost, IllegalMove, InvalidContext, UnknownCall, UnknownHandoff
from handoff.lifecycle import FINAL, MOVES, State
from handoff.store import Store
from handoff.testing import make_call, make_fact, make_handoff, make_turn
from store_steps import (
    LEASE,
    PASSED,
    MakeStore,
    current_epoch,
    in_state,
    offered,
    opened,
    ready,
    stored_handoff,
    taken,
)


class HandoffSuite:
    """Give a fixture ``make_store``: a function that makes an empty store, taking a store's settings by name."""

    @pytest.fixture
    def store(self, make_store: MakeStore) -> Store:
        return make_store()

    # --- offers ---------------------------------------------------------------------------------------------------
    async def test_what_is_stored_of_a_handoff_comes_back_whole(self, store: Store) -> None:
        await opened(store)
        now = await store.now()
        handoff = make_handoff(now=now)
        stored = await store.offer(handoff)
        assert stored == replace(handoff, moved_at={State.OFFERED: stored.moved_at[State.OFFERED]})
        assert await store.load_handoff("handoff-1") == stored

    async def test_an_offer_is_noted_in_the_call(self, store: Store) -> None:
        await opened(store)
        await offered(store)
        await offered(store, "handoff-2")
        stored = await store.load_call("call-1")
        assert stored is not None
        assert stored.handoff_ids == ("handoff-1", "handoff-2")

    async def test_the_same_offer_again_returns_what_is_stored(self, store: Store) -> None:
        await opened(store)
        handoff = make_handoff(now=await store.now())
        await store.offer(handoff)
        moved = await store.move("handoff-1", State.ACCEPTED)
        assert await store.offer(handoff) == moved

    @pytest.mark.parametrize("changes", [{"summary": "Something else."}, {"facts": (make_fact("amount", "1"),)}])
    async def test_another_content_under_the_same_id_is_refused(self, store: Store, changes: dict[str, Any]) -> None:
        await opened(store)
        now = await store.now()
        first = await store.offer(make_handoff(now=now))
        with pytest.raises(InvalidContext):
            await store.offer(make_handoff(now=now, **changes))
        with pytest.raises(InvalidContext):
            await store.offer(make_handoff(now=now, to_service="sales"))
        assert await store.load_handoff("handoff-1") == first

    async def test_a_stale_offer_is_refused(self, store: Store) -> None:
        await opened(store)
        with pytest.raises(InvalidContext):
            await store.offer(make_handoff(now=await store.now() - 301.0))

    async def test_an_overtaken_agent_cannot_offer(self, store: Store) -> None:
        await taken(store)
        with pytest.raises(InvalidContext):
            await offered(store, "handoff-2", epoch=1)
        assert (await offered(store, "handoff-3", epoch=2)).state is State.OFFERED

    async def test_an_offer_that_is_already_further_is_refused(self, store: Store) -> None:
        await opened(store)
        with pytest.raises(InvalidContext):
            await store.offer(replace(make_handoff(now=await store.now()), state=State.READY))

    @pytest.mark.parametrize(
        "changes",
        [
            {"turns": (make_turn("word " * 60_000),)},
            {"turns": tuple(make_turn(f"turn {n}") for n in range(11))},
            {"call_id": ""},
            {"handoff_id": " "},
            {"intent": None},
            {"services": (7,)},
        ],
        ids=["oversize", "too many turns", "no call", "no id", "no intent", "not text"],
    )
    async def test_a_malformed_or_oversize_offer_is_refused(self, store: Store, changes: dict[str, Any]) -> None:
        await opened(store)
        handoff = make_handoff(now=await store.now())
        with pytest.raises(InvalidContext) as refusal:
            await store.offer(replace(handoff, context=replace(handoff.context, **changes)))
        assert "word" not in str(refusal.value)
        assert await store.load_handoff("handoff-1") is None

    # --- moves ----------------------------------------------------------------------------------------------------
    async def test_a_handoff_goes_its_way_and_each_step_has_its_time(self, store: Store) -> None:
        await taken(store)
        stored = await store.move("handoff-1", State.SPOKEN, taker_id="billing-1")
        assert list(stored.moved_at) == [
            State.OFFERED,
            State.ACCEPTED,
            State.DISPATCHED,
            State.READY,
            State.TAKEN,
            State.SPOKEN,
        ]
        assert sorted(stored.moved_at.values()) == list(stored.moved_at.values())
        assert stored.taker_id == "billing-1"

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (old, new)
            for old in State
            for new in State
            if old is not new and (new not in MOVES[old] or new is State.TAKEN) and old is not State.SUPERSEDED
        ],
    )
    async def test_an_illegal_move_is_refused_and_changes_nothing(self, store: Store, old: State, new: State) -> None:
        await in_state(store, old)
        before = await stored_handoff(store)
        assert before.state is old
        with pytest.raises(IllegalMove):
            await store.move("handoff-1", new)
        assert await stored_handoff(store) == before

    async def test_to_stay_is_no_move(self, store: Store) -> None:
        await in_state(store, State.ACCEPTED)
        before = await stored_handoff(store)
        assert await store.move("handoff-1", State.ACCEPTED, reason="again") == before

    async def test_a_reason_is_kept(self, store: Store) -> None:
        await in_state(store, State.OFFERED)
        stored = await store.move("handoff-1", State.WITHDRAWN, reason="caller_hung_up")
        assert stored.reason == "caller_hung_up"
        assert await stored_handoff(store) == stored

    async def test_nobody_is_ready_without_a_name(self, store: Store) -> None:
        await in_state(store, State.ACCEPTED)
        with pytest.raises(IllegalMove):
            await store.move("handoff-1", State.READY)

    async def test_of_two_agents_that_come_for_a_handoff_one_is_the_taker(self, store: Store) -> None:
        await opened(store)
        await ready(store, taker_id="billing-1")
        with pytest.raises(IllegalMove):
            await store.move("handoff-1", State.READY, taker_id="billing-2")
        assert (await stored_handoff(store)).taker_id == "billing-1"

    async def test_an_unknown_handoff_is_refused_as_unknown(self, store: Store) -> None:
        assert await store.load_handoff("handoff-1") is None
        with pytest.raises(UnknownHandoff):
            await store.move("handoff-1", State.ACCEPTED)
        with pytest.raises(UnknownHandoff):
            await store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE)
        with pytest.raises(UnknownHandoff):
            await store.take_back("handoff-1", giver_id="triage-1", epoch=1, lease_seconds=LEASE)
        with pytest.raises(UnknownHandoff):
            await anext(store.watch("handoff-1"))

    # --- the floor changes hands ----------------------------------------------------------------------------------
    async def test_passing_the_floor_makes_the_taker_its_holder(self, store: Store) -> None:
        floor = await taken(store)
        assert (floor.service, floor.agent_id, floor.epoch) == ("billing", "billing-1", 2)
        assert await store.load_floor("call-1") == floor
        assert (await stored_handoff(store)).state is State.TAKEN
        call = await store.load_call("call-1")
        assert call is not None
        assert call.services == ("triage", "billing")

    async def test_the_giver_writes_nothing_after_it_passed_the_floor(self, store: Store) -> None:
        await taken(store)
        with pytest.raises(FloorLost):
            await store.checkpoint(make_call(), epoch=1)
        await store.checkpoint(make_call(), epoch=2)

    @pytest.mark.parametrize("state", [s for s in State if s not in (State.READY, State.TAKEN, State.SPOKEN)])
    async def test_the_floor_passes_only_to_a_taker_that_is_ready(self, store: Store, state: State) -> None:
        await in_state(store, state)
        with pytest.raises(IllegalMove):
            await store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE)
        assert await current_epoch(store) == 1

    async def test_an_overtaken_giver_cannot_pass_the_floor(self, store: Store) -> None:
        await opened(store, lease_seconds=PASSED)
        await ready(store)
        await store.take_floor("call-1", service="triage", agent_id="triage-2", lease_seconds=LEASE)
        with pytest.raises(FloorLost):
            await store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE)
        assert (await stored_handoff(store)).state is State.READY

    async def test_of_two_ready_takers_only_one_gets_the_floor(self, store: Store) -> None:
        await opened(store)
        await ready(store, "handoff-1", taker_id="billing-1")
        await ready(store, "handoff-2", taker_id="billing-2")
        await store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE)
        with pytest.raises(FloorLost):
            await store.pass_floor("handoff-2", epoch=1, lease_seconds=LEASE)

    async def test_passing_the_floor_again_returns_the_same_floor_and_changes_nothing(self, store: Store) -> None:
        floor = await taken(store)
        before = await stored_handoff(store)
        assert await store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE) == floor
        assert await stored_handoff(store) == before
        with pytest.raises(IllegalMove):
            await store.pass_floor("handoff-1", epoch=2, lease_seconds=LEASE)

    async def test_the_floor_cannot_pass_in_a_call_that_is_gone(self, store: Store) -> None:
        await ready(store)
        with pytest.raises(UnknownCall):
            await store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE)

    async def test_a_giver_takes_back_the_floor_of_a_taker_that_never_spoke(self, store: Store) -> None:
        await taken(store)
        floor = await store.take_back("handoff-1", giver_id="triage-1", epoch=2, lease_seconds=LEASE)
        assert (floor.service, floor.agent_id, floor.epoch) == ("triage", "triage-1", 3)
        stored = await stored_handoff(store)
        assert (stored.state, stored.reason) == (State.SUPERSEDED, "taken back by the giver")
        with pytest.raises(FloorLost):
            await store.checkpoint(make_call(), epoch=2)
        assert await store.take_back("handoff-1", giver_id="triage-1", epoch=2, lease_seconds=LEASE) == floor

    async def test_a_taker_that_spoke_keeps_the_floor(self, store: Store) -> None:
        await taken(store)
        await store.move("handoff-1", State.SPOKEN)
        with pytest.raises(IllegalMove):
            await store.take_back("handoff-1", giver_id="triage-1", epoch=2, lease_seconds=LEASE)
        assert await current_epoch(store) == 2

    async def test_a_taker_that_was_taken_back_cannot_speak(self, store: Store) -> None:
        await taken(store)
        await store.take_back("handoff-1", giver_id="triage-1", epoch=2, lease_seconds=LEASE)
        with pytest.raises(IllegalMove):
            await store.move("handoff-1", State.SPOKEN, taker_id="billing-1")

    async def test_a_taker_whose_floor_moved_on_cannot_speak(self, store: Store) -> None:
        await taken(store)
        await store.renew_floor("call-1", epoch=2, lease_seconds=PASSED)
        await store.take_floor("call-1", service="billing", agent_id="billing-2", lease_seconds=LEASE)
        with pytest.raises(FloorLost):
            await store.move("handoff-1", State.SPOKEN, taker_id="billing-1")
        with pytest.raises(FloorLost):
            await store.take_back("handoff-1", giver_id="triage-1", epoch=2, lease_seconds=LEASE)

    async def test_only_a_passed_floor_is_taken_back(self, store: Store) -> None:
        await opened(store)
        await ready(store)
        with pytest.raises(IllegalMove):
            await store.take_back("handoff-1", giver_id="triage-1", epoch=1, lease_seconds=LEASE)

    async def test_passing_and_taking_back_at_once_leave_one_holder(self, store: Store) -> None:
        await taken(store)
        spoke, back = await asyncio.gather(
            store.move("handoff-1", State.SPOKEN),
            store.take_back("handoff-1", giver_id="triage-1", epoch=2, lease_seconds=LEASE),
            return_exceptions=True,
        )
        assert isinstance(spoke, IllegalMove) != isinstance(back, IllegalMove)

    # --- watching -------------------------------------------------------------------------------------------------
    async def test_a_watch_shows_the_present_then_each_change_until_the_end(self, store: Store) -> None:
        await opened(store)
        await offered(store)
        async with aclosing(store.watch("handoff-1")) as watched:
            assert (await anext(watched)).state is State.OFFERED
            await store.move("handoff-1", State.ACCEPTED)
            assert (await anext(watched)).state is State.ACCEPTED
            await store.move("handoff-1", State.DISPATCHED)
            assert (await anext(watched)).state is State.DISPATCHED
            await store.move("handoff-1", State.READY, taker_id="billing-1")
            assert (await anext(watched)).taker_id == "billing-1"
            await store.pass_floor("handoff-1", epoch=1, lease_seconds=LEASE)
            assert (await anext(watched)).state is State.TAKEN
            await store.move("handoff-1", State.SPOKEN)
            assert (await anext(watched)).state is State.SPOKEN
            with pytest.raises(StopAsyncIteration):
                await anext(watched)

    async def test_a_watcher_that_waits_is_woken_by_the_move(self, make_store: MakeStore) -> None:
        # Without being told it would look again after ten minutes only.
        store = make_store(reread_seconds=600.0)
        await opened(store)
        await offered(store)
        async with aclosing(store.watch("handoff-1")) as watched:
            await anext(watched)
            waiting = asyncio.ensure_future(anext(watched))
            await asyncio.sleep(0)
            await store.move("handoff-1", State.WITHDRAWN, reason="caller_hung_up")
            async with asyncio.timeout(30):
                assert (await waiting).state is State.WITHDRAWN

    async def test_changes_in_quick_succession_end_in_the_newest(self, make_store: MakeStore) -> None:
        store = make_store(reread_seconds=600.0)
        await opened(store)
        await offered(store)
        async with aclosing(store.watch("handoff-1")) as watched:
            await anext(watched)
            await store.move("handoff-1", State.ACCEPTED)
            await store.move("handoff-1", State.EXPIRED)
            seen = [handoff.state async for handoff in watched]
        assert seen[-1] is State.EXPIRED

    @pytest.mark.parametrize("state", sorted(FINAL - {State.SPOKEN}))
    async def test_a_watch_of_a_finished_handoff_shows_it_and_ends(self, store: Store, state: State) -> None:
        await in_state(store, state)
        assert [handoff.state async for handoff in store.watch("handoff-1")] == [state]
