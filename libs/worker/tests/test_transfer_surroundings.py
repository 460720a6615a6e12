"""A handoff while its surroundings fail: the caller leaves, LiveKit or the store is away, another agent has the call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import pytest
from handoff.call import Role
from handoff.context import HandoffContext
from handoff.errors import StoreUnavailable
from handoff.lifecycle import State
from handoff.outcome import Expired
from livekit import api
from worker.handover.transfer import Moved, Stayed
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.transfer import DeafTaker, SilentTaker, Stage, UndecidedTaker, VanishedTaker, WillingTaker

NO_LIVEKIT = [
    api.TwirpError("unavailable", "no", status=503),
    aiohttp.ClientConnectionError("no route"),
    aiohttp.ServerDisconnectedError(),
    TimeoutError(),
]


# --- the caller leaves ------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_caller_who_leaves_during_the_announcement_ends_the_handoff_at_once() -> None:
    stage = Stage(WillingTaker())

    async def announce() -> None:
        await asyncio.sleep(2)  # the taker is in the room by then
        stage.caller_leaves()
        await asyncio.Event().wait()

    stage.announce = announce
    assert await stage.hand_over() == Stayed("caller_left")
    handoff = await stage.handoff()
    assert (handoff.state, handoff.reason) == (State.WITHDRAWN, "caller_left")
    assert "evicted billing" in stage.journal


@without_waiting
async def test_a_caller_who_leaves_while_the_last_words_are_stored_is_not_handed_over() -> None:
    stage = Stage(WillingTaker())

    async def caller_is_done() -> None:
        stage.checkpoint.note_effect("the last words")
        stage.store.checkpoint = leaving

    async def leaving(*args, **kwargs) -> None:
        await asyncio.sleep(0.1)
        stage.caller_leaves()

    stage.caller_is_done = caller_is_done
    assert await stage.hand_over() == Stayed("caller_left")
    assert "floor passed" not in stage.journal


@without_waiting
async def test_another_participant_who_leaves_does_not_matter() -> None:
    stage = Stage(WillingTaker())

    async def announce() -> None:
        stage.leaves("somebody-who-listened-in")
        await asyncio.sleep(2)

    stage.announce = announce
    assert isinstance(await stage.hand_over(), Moved)


async def cut_off(stage: Stage, after_seconds: float) -> None:
    """The job ends in the middle of a handoff: its session closes, and the transfer is cancelled."""
    handing_over = asyncio.create_task(stage.hand_over())
    await asyncio.sleep(after_seconds)
    handing_over.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handing_over


@without_waiting
async def test_a_job_that_ends_during_the_announcement_withdraws_its_handoff() -> None:
    stage = Stage(WillingTaker())
    await cut_off(stage, 2)
    handoff = await stage.handoff()
    assert (handoff.state, handoff.reason) == (State.WITHDRAWN, "caller_left")
    assert stage.journal[-2:] == ["withdrawn: caller_left", "evicted billing"]


@without_waiting
async def test_a_job_that_ends_while_the_offer_is_considered_withdraws_it_too() -> None:
    stage = Stage(UndecidedTaker())
    await cut_off(stage, 0.1)
    assert stage.journal[:2] == ["offered", "withdrawn: caller_left"]
    assert (await stage.handoff()).state is State.WITHDRAWN


@without_waiting
async def test_a_job_that_ends_after_it_passed_the_floor_leaves_the_caller_to_the_taker() -> None:
    stage = Stage(SilentTaker())
    await cut_off(stage, 5)
    assert "floor passed" in stage.journal
    assert not any(entry.startswith("evicted") for entry in stage.journal)
    assert (await stage.handoff()).state is State.TAKEN


# --- LiveKit is away --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("failure", NO_LIVEKIT, ids=lambda e: type(e).__name__)
@without_waiting
async def test_without_a_dispatch_the_call_stays_and_the_handoff_is_called_off(failure: Exception) -> None:
    stage = Stage(WillingTaker())
    stage.livekit_fails = failure
    assert await stage.hand_over() == Stayed(type(failure).__name__)
    assert (await stage.handoff()).state is State.WITHDRAWN
    assert stage.journal[-1] == "giver may speak"


@pytest.mark.parametrize("failure", NO_LIVEKIT, ids=lambda e: type(e).__name__)
@without_waiting
async def test_a_taker_that_cannot_be_evicted_does_not_keep_the_giver_silent(failure: Exception) -> None:
    stage = Stage(SilentTaker())
    handing_over = asyncio.create_task(stage.hand_over())
    await asyncio.sleep(2)
    stage.livekit_fails = failure
    assert await handing_over == Stayed("silent")
    assert stage.journal[-1] == "giver may speak"
    assert await stage.floor() == "triage at 3"


@without_waiting
async def test_a_dispatch_that_livekit_never_answers_leaves_the_call_here() -> None:
    stage = Stage(WillingTaker())
    stage.livekit_hangs = True
    assert await stage.hand_over() == Stayed("TimeoutError")
    assert stage.journal[-1] == "giver may speak"


@without_waiting
async def test_a_removal_that_livekit_never_answers_does_not_keep_the_giver_silent() -> None:
    stage = Stage(SilentTaker())
    handing_over = asyncio.create_task(stage.hand_over())
    await asyncio.sleep(2)
    stage.livekit_hangs = True
    async with asyncio.timeout(15):
        assert await handing_over == Stayed("silent")
    assert stage.journal[-1] == "giver may speak"


@without_waiting
async def test_a_caller_who_came_back_into_the_room_can_be_handed_over() -> None:
    stage = Stage(WillingTaker())
    transfer = await stage.opened()
    stage.caller_leaves()
    assert await stage.move(transfer) == Stayed("caller_left")
    stage.caller_comes_back()
    assert isinstance(await stage.move(transfer), Moved)


# --- the store is away, or knows better -------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["now", "pass_floor"])
@without_waiting
async def test_without_the_store_the_call_stays(method: str) -> None:
    stage = Stage(WillingTaker())

    async def away(*args, **kwargs):
        raise StoreUnavailable("Redis did not answer")

    transfer = await stage.opened()
    setattr(stage.store, method, away)
    assert await stage.move(transfer) == Stayed("StoreUnavailable")
    assert stage.checkpoint.epoch == 1
    assert stage.journal[-1:] in ([], ["giver may speak"])


async def nobody_answers(*args: object, **kwargs: object) -> None:
    raise StoreUnavailable("Redis did not answer")


@without_waiting
async def test_a_taker_that_vanished_while_the_store_is_away_leaves_the_caller_with_the_giver() -> None:
    stage = Stage(VanishedTaker())
    transfer = await stage.opened()
    stage.store.take_back = stage.store.renew_floor = nobody_answers
    assert await stage.move(transfer) == Stayed("lost")
    assert stage.journal[-1] == "giver may speak"
    assert "evicted billing" in stage.journal
    assert stage.checkpoint.floor is not None


@without_waiting
async def test_a_taker_that_was_told_and_is_there_keeps_the_call_while_the_store_is_away() -> None:
    stage = Stage(SilentTaker())  # nobody hears that it spoke: the store that would tell is away
    transfer = await stage.opened()
    stage.store.take_back = nobody_answers
    assert isinstance(await stage.move(transfer), Moved)
    assert "evicted billing" not in stage.journal


@without_waiting
async def test_what_is_noted_after_a_failed_passing_is_stored_as_before() -> None:
    stage = Stage(WillingTaker())

    async def away(*args, **kwargs):
        raise StoreUnavailable("Redis did not answer")

    stage.store.pass_floor = away
    await stage.hand_over()
    stage.checkpoint.note_effect("noted afterwards")
    assert await stage.checkpoint.flushed(5)
    assert (await stage.store.load_call("call-1")).effects == ("noted afterwards",)


@without_waiting
async def test_a_giver_whose_floor_was_taken_leaves_without_a_word() -> None:
    stage = Stage(WillingTaker())

    async def caller_is_done() -> None:
        stage.store._now.advance(31)  # the lease passed while this giver's process stood still
        await stage.store.take_floor("call-1", service="triage", agent_id="triage-2", lease_seconds=30)

    stage.caller_is_done = caller_is_done
    assert isinstance(await stage.hand_over(), Moved)
    assert "giver may speak" not in stage.journal
    assert await stage.floor() == "triage at 2"
    assert (await stage.handoff()).state is State.WITHDRAWN
    assert stage.checkpoint.floor is None


@without_waiting
async def test_a_floor_that_a_third_agent_took_is_not_taken_back() -> None:
    class OvertakenTaker(SilentTaker):
        """While it says nothing its lease passes, and the call is taken up by somebody else."""

        async def speak(self, handoff_id: str) -> None:
            self.stage.store._now.advance(31)
            await self.stage.store.take_floor("call-1", service="triage", agent_id="triage-2", lease_seconds=30)

    stage = Stage(OvertakenTaker())
    assert isinstance(await stage.hand_over(), Moved)
    assert await stage.floor() == "triage at 3"
    assert "withdrawn: floor_lost" in stage.journal
    assert "giver may speak" not in stage.journal
    assert "evicted billing" not in stage.journal, "who has lost the floor puts nobody out"


# --- the giver's own agent fails --------------------------------------------------------------------------------------
@without_waiting
async def test_an_announcement_that_cannot_be_said_leaves_no_handoff_open() -> None:
    stage = Stage(WillingTaker())

    async def announce() -> None:
        await everything_ran()
        raise RuntimeError("AgentSession is closing, cannot use say()")

    stage.announce = announce
    with pytest.raises(RuntimeError):
        await stage.hand_over()
    assert (await stage.handoff()).state is State.WITHDRAWN


# --- by word, while no store keeps the handoff ------------------------------------------------------------------------
class Word:
    """What by_word.begin gives the giver; the taker's steps come from the stage as always."""

    def __init__(self, stage: Stage, context: HandoffContext, service: str) -> None:
        self.attributes = {"sealed": "the sealed context"}
        self._stage, self._context, self._service = stage, context, service
        stage.context = context

    async def watch(self):
        await self._stage.taker.answer(self._context, self._service)
        async for update in self._stage.taker.watch(self._context.handoff_id, self._service):
            yield update

    def close(self) -> None:
        self._stage.journal.append("no step is heard any more")


@without_waiting
async def test_without_a_store_nobody_is_offered_the_call_and_it_moves_by_word() -> None:
    stage = Stage(WillingTaker())
    transfer = await stage.opened()
    transfer._by_word = lambda context, service, again: Word(stage, context, service)
    assert isinstance(await stage.move(transfer), Moved)
    assert "offered" not in stage.journal
    assert stage.journal[0] == "dispatched billing"
    assert stage.journal[-1] == "no step is heard any more"
    assert await stage.floor() == "billing at 2"


@without_waiting
async def test_a_store_that_goes_away_while_the_call_is_offered_is_no_reason_to_stay() -> None:
    stage = Stage(DeafTaker())
    stage.taker.answer = WillingTaker.answer.__get__(stage.taker)

    async def offer(context: HandoffContext, to_service: str) -> Expired:
        stage.journal.append("offered")
        return Expired(context.handoff_id, 0.5)

    stage.taker.offer = offer
    transfer = await stage.opened()
    transfer._by_word = lambda context, service, again: (
        Word(stage, context, service) if "offered" in stage.journal else None
    )
    assert isinstance(await stage.move(transfer), Moved)
    assert stage.journal[:3] == ["offered", "withdrawn: expired", "dispatched billing"]


@without_waiting
async def test_the_context_is_built_anew_with_what_was_said_since_also_when_the_floor_is_given_away() -> None:
    stage = Stage(WillingTaker())
    again: list[Callable[[], HandoffContext]] = []

    def by_word(context: HandoffContext, service: str, build: Callable[[], HandoffContext]) -> Word:
        again.append(build)
        return Word(stage, context, service)

    transfer = await stage.opened()
    transfer._by_word = by_word
    await stage.move(transfer)
    stage.checkpoint.note_turn(Role.CALLER, "One more thing.")
    assert [turn.text for turn in again[0]().turns] == ["One more thing."]
    assert again[0]().epoch == 1
