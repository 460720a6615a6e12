"""The giver keeps the call until somebody else speaks in it; whatever fails on the way, the call stays or has one owner."""

from __future__ import annotations

import asyncio

import pytest
from handoff.errors import WireMismatch
from handoff.lifecycle import State
from handoff.outcome import Refusal
from handoff.testing import make_fact
from worker.handover.transfer import Moved, Stayed
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.transfer import (
    AbsentTaker,
    DeafTaker,
    DecliningTaker,
    DyingTaker,
    ForeignTaker,
    FrozenTaker,
    RetractingTaker,
    SilentTaker,
    SlowTaker,
    Stage,
    VanishedTaker,
    WillingTaker,
)

CALLED_OFF = ["evicted billing", "giver may speak"]


# --- it moves ---------------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_handoff_goes_through_its_steps_in_one_order() -> None:
    stage = Stage(WillingTaker())
    outcome = await stage.hand_over()
    handoff = await stage.handoff()
    assert stage.journal == [
        "offered",
        "dispatched billing",
        "announcement begins",
        "ready",
        "announcement ends",
        "caller is done",
        "giver falls silent",
        "floor passed",
        f"told billing-{handoff.context.handoff_id}-AJ_1: epoch 2",
        "taker speaks",
    ]
    assert outcome == Moved(handoff.context.handoff_id)
    assert handoff.state is State.SPOKEN
    assert await stage.floor() == "billing at 2"


@without_waiting
async def test_after_the_handoff_the_giver_holds_nothing_and_the_call_knows_both_services() -> None:
    stage = Stage(WillingTaker())
    await stage.hand_over()
    assert stage.checkpoint.floor is None
    call = await stage.store.load_call("call-1")
    assert call.services == ("triage", "billing")
    assert call.handoff_ids == (stage.context.handoff_id,)


@without_waiting
async def test_a_slow_taker_gets_the_floor_only_when_it_is_ready() -> None:
    stage = Stage(SlowTaker())
    assert isinstance(await stage.hand_over(), Moved)
    assert stage.journal.index("announcement ends") < stage.journal.index("ready") < stage.journal.index("floor passed")


@without_waiting
async def test_the_taker_is_told_what_is_known_and_nothing_it_may_not_know() -> None:
    stage = Stage(WillingTaker())
    transfer = await stage.opened()
    stage.checkpoint.note(facts=(make_fact("account_id", "AC4721"), make_fact("favourite_colour", "green")))
    await stage.move(transfer)
    assert [f.name for f in stage.context.facts] == ["account_id"]
    assert stage.context.summary == "Charged twice in March."
    assert stage.context.epoch == 1


@without_waiting
async def test_what_the_caller_said_last_is_in_the_record_when_the_taker_gets_the_floor() -> None:
    read: list[tuple[str, ...]] = []

    class ReadingTaker(WillingTaker):
        async def told(self, handoff_id: str) -> str:
            read.append((await self.stage.store.load_call("call-1")).effects)
            return await super().told(handoff_id)

    stage = Stage(ReadingTaker())
    real = stage.store.checkpoint

    async def take_a_moment(*args, **kwargs) -> None:
        await asyncio.sleep(0.1)
        await real(*args, **kwargs)

    async def caller_is_done() -> None:
        stage.checkpoint.note_effect("said at the very end")

    stage.store.checkpoint, stage.caller_is_done = take_a_moment, caller_is_done
    assert isinstance(await stage.hand_over(), Moved)
    assert read == [("said at the very end",)]


@without_waiting
async def test_what_the_giver_notes_while_it_passes_the_floor_does_not_look_like_a_lost_floor() -> None:
    """Between the store's step and its answer the giver's epoch is already overtaken, by the giver itself."""
    stage = Stage(WillingTaker())
    real = stage.store.pass_floor

    async def answer_late(*args, **kwargs):
        floor = await real(*args, **kwargs)
        stage.checkpoint.note_effect("something that was noted in this moment")
        await everything_ran()
        return floor

    stage.store.pass_floor = answer_late
    assert isinstance(await stage.hand_over(), Moved)
    assert stage.floor_lost == []


# --- it never begins --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("refusal", list(Refusal))
@without_waiting
async def test_a_refusal_stays_a_matter_between_the_services(refusal: Refusal) -> None:
    stage = Stage(DecliningTaker(refusal))
    assert await stage.hand_over() == Stayed(refusal.value)
    assert stage.journal == ["offered"]
    assert await stage.floor() == "triage at 1"


@without_waiting
async def test_a_service_that_does_not_answer_is_unreachable_and_told_to_forget_the_call() -> None:
    stage = Stage(DeafTaker())
    assert await stage.hand_over() == Stayed("unreachable")
    assert stage.journal == ["offered", "withdrawn: expired"]


@without_waiting
async def test_a_service_of_another_contract_is_no_reason_to_lose_the_call() -> None:
    stage = Stage(ForeignTaker(WireMismatch("an answer that nobody can read")))
    assert await stage.hand_over() == Stayed("WireMismatch")
    assert stage.journal == ["offered"]


@without_waiting
async def test_a_service_that_does_not_exist_is_not_asked() -> None:
    stage = Stage(WillingTaker())
    assert await stage.hand_over("astrology") == Stayed("no_such_service")
    assert stage.journal == []


@without_waiting
async def test_a_failed_attempt_is_remembered_for_the_next_specialist() -> None:
    stage = Stage(DecliningTaker(Refusal.AT_CAPACITY))
    await stage.hand_over()
    (attempt,) = stage.checkpoint.call.attempts
    assert (attempt.service, attempt.outcome) == ("billing", "at_capacity")


# --- the taker fails before it has the floor --------------------------------------------------------------------------
@without_waiting
async def test_an_agent_that_never_comes_is_waited_for_and_then_called_off() -> None:
    stage = Stage(AbsentTaker())
    assert await stage.hand_over() == Stayed("not_ready")
    assert stage.journal[-2:] == ["withdrawn: not_ready", "giver may speak"]
    assert (await stage.handoff()).state is State.WITHDRAWN
    assert await stage.floor() == "triage at 1"


@without_waiting
async def test_a_service_that_dies_before_ready_cuts_the_announcement_short() -> None:
    stage = Stage(DyingTaker(0.5))
    assert await stage.hand_over() == Stayed("lost")
    assert "announcement ends" not in stage.journal
    assert stage.journal[-3:] == ["taker dies", "withdrawn: lost", "giver may speak"]
    assert await stage.floor() == "triage at 1"


@without_waiting
async def test_a_service_that_dies_between_ready_and_the_floor_never_gets_it() -> None:
    stage = Stage(DyingTaker(3.0))
    assert await stage.hand_over() == Stayed("lost")
    assert "ready" in stage.journal
    assert "floor passed" not in stage.journal
    assert (await stage.handoff()).state is State.WITHDRAWN


@without_waiting
async def test_a_service_that_dies_while_the_caller_still_speaks_never_gets_the_floor() -> None:
    stage = Stage(WillingTaker())

    async def caller_goes_on_and_on() -> None:
        stage.taker.die()
        await everything_ran()
        pytest.fail("nobody waits for this caller any more")

    stage.caller_is_done = caller_goes_on_and_on
    assert await stage.hand_over() == Stayed("lost")
    assert "floor passed" not in stage.journal


@without_waiting
async def test_a_taker_that_gives_the_handoff_up_is_as_good_as_lost() -> None:
    stage = Stage(RetractingTaker())
    assert await stage.hand_over() == Stayed("lost")
    assert await stage.floor() == "triage at 1"


# --- the taker fails with the floor in its hand -----------------------------------------------------------------------
@pytest.mark.parametrize("taker", [VanishedTaker, FrozenTaker])
@without_waiting
async def test_a_floor_that_nobody_acknowledges_is_taken_back(taker: type[WillingTaker]) -> None:
    stage = Stage(taker())
    assert await stage.hand_over() == Stayed("lost")
    assert stage.journal[-5:] == ["floor taken back", "evicted billing", "withdrawn: lost", *CALLED_OFF]
    assert (await stage.handoff()).state is State.SUPERSEDED
    assert await stage.floor() == "triage at 3"
    assert stage.checkpoint.epoch == 3


@without_waiting
async def test_a_taker_that_acknowledges_and_says_nothing_loses_the_floor_again() -> None:
    stage = Stage(SilentTaker())
    assert await stage.hand_over() == Stayed("silent")
    assert "floor taken back" in stage.journal
    assert stage.journal[-1] == "giver may speak"
    assert await stage.floor() == "triage at 3"


@without_waiting
async def test_a_floor_taken_back_is_leased_and_written_under_again() -> None:
    stage = Stage(SilentTaker())
    await stage.hand_over()
    stage.checkpoint.note_effect("noted after it came back")
    assert await stage.checkpoint.flushed(5)
    assert (await stage.store.load_call("call-1")).effects == ("noted after it came back",)


@without_waiting
async def test_a_taker_that_speaks_in_the_last_moment_keeps_the_call() -> None:
    stage = Stage(SilentTaker())
    real = stage.store.take_back

    async def too_late(handoff_id, **kwargs):
        await stage.store.move(handoff_id, State.SPOKEN)
        return await real(handoff_id, **kwargs)

    stage.store.take_back = too_late
    assert isinstance(await stage.hand_over(), Moved)
    assert "giver may speak" not in stage.journal
    assert await stage.floor() == "billing at 2"
