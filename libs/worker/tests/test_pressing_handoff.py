"""What is typed while the call changes hands: noted by the giver if it had asked, used by the taker if it asks; never a yes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from handoff.call import Channel, Role
from handoff.testing import make_call, make_context, make_turn
from worker.handover.transfer import Moved
from worker.telephone.pressing import _KEPT_SECONDS, NOT_ASKED_FOR
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.pressing import ASK_ACCOUNT, COMPLAINT, YES_OR_NO, PhoneCall, phone_call
from worker.testing.told import Calls, ToldModel, ToldTransfer

ACCOUNT = "My account ID is A C, 4 7 2 1."
CARD = "4111111111111111"
Desk = Callable[..., AbstractAsyncContextManager[PhoneCall]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A call at a desk that has just asked something; its model is told its answers."""
    return lambda brain, asked, **given: phone_call(tmp_path, brain, asked, **given)


# --- while the call changes hands -------------------------------------------------------------------------------------
TO_BILLING = Calls("transfer_call", {"service": "billing"})


@without_waiting
async def test_what_was_asked_for_is_noted_during_a_transfer_and_not_answered(desk: Desk) -> None:
    brain = ToldModel(TO_BILLING)
    async with desk(brain, ASK_ACCOUNT, transfer=ToldTransfer(Moved("h1"))) as call:

        async def types_meanwhile() -> None:
            call.room.press("21#")
            await everything_ran()

        call.text.transfer.meanwhile = types_meanwhile
        call.room.press("47")
        await call.text.caller("Billing, please.")
        assert call.caller_said[-1] == ACCOUNT
        assert len(brain.asked) == 1


@without_waiting
async def test_what_was_not_is_left_to_the_taker_without_a_word(desk: Desk) -> None:
    async with desk(ToldModel(TO_BILLING), "How can I help you?", transfer=ToldTransfer(Moved("h1"))) as call:
        call.text.transfer.meanwhile = lambda: call.room.press("4721#")
        said = await call.text.caller("Billing, please.")
        assert NOT_ASKED_FOR not in " ".join(said)
        assert await call.types("4721#") == [], "the call is another agent's"


@asynccontextmanager
async def taken(desk: Desk, brain: ToldModel, *, asked: str = "How can I help you?") -> AsyncIterator[PhoneCall]:
    """A taker that waits for the floor, after what another service ``asked``."""
    turns = (make_turn(asked, role=Role.AGENT, service="billing"),)
    record = make_call(channel=Channel.PHONE, services=("billing",), turns=turns, facts=())
    async with desk(brain, "", call=record, context=make_context(call=record)) as call:
        call.agent.floor_is_ours = False
        yield call


@without_waiting
async def test_a_taker_uses_what_was_typed_before_it_had_the_floor_when_it_asks_for_it(desk: Desk) -> None:
    async with taken(desk, ToldModel("Thank you.")) as call:
        assert await call.types("4721#") == []
        call.agent.begin()
        call.text.session.say("Hi there, I'm your billing specialist.")
        await call.text.quiet()
        assert "Thank you." not in call.text.said
        call.text.session.say(ASK_ACCOUNT)
        await call.settled()
        assert call.caller_said[-1] == ACCOUNT
        assert call.text.said[-1] == "Thank you."


@pytest.mark.parametrize(("typed", "asked"), [("1#", YES_OR_NO), ("97209#", ASK_ACCOUNT)])
@without_waiting
async def test_a_yes_or_another_number_from_before_counts_for_nothing(desk: Desk, typed: str, asked: str) -> None:
    async with taken(desk, ToldModel()) as call:
        await call.types(typed)
        call.agent.begin()
        call.text.session.say(asked)
        await call.settled()
        assert call.text.said[-1] == asked
        assert "Yes." not in call.caller_said


@without_waiting
async def test_an_entry_may_begin_before_we_speak_and_end_over_our_question(desk: Desk) -> None:
    async with taken(desk, ToldModel("Thank you.")) as call:
        call.room.press("47")
        call.agent.begin()
        call.speaks_slowly(ASK_ACCOUNT)
        await asyncio.sleep(1.0)
        call.room.press("21#")
        await call.text.quiet()
        await call.settled()
        assert not any(turn.was_interrupted for turn in call.text.call.turns), "nobody would ask it again"
        assert call.caller_said[-1] == ACCOUNT


@without_waiting
async def test_what_the_agent_before_us_has_taken_is_not_taken_twice(desk: Desk) -> None:
    async with taken(desk, ToldModel()) as call:
        await call.types("4721#")
        call.agent.brief.checkpoint.note_turn(Role.CALLER, ACCOUNT)
        call.agent.begin()
        call.text.session.say(ASK_ACCOUNT)
        await call.settled()
        assert call.caller_said.count(ACCOUNT) == 1


@without_waiting
async def test_a_yes_to_the_agent_before_us_is_none_to_us(desk: Desk) -> None:
    async with taken(desk, ToldModel(), asked=YES_OR_NO) as call:
        call.room.press("1")
        call.agent.begin()
        await call.settled()
        assert call.caller_said == []


@without_waiting
async def test_what_was_typed_long_ago_is_forgotten(desk: Desk) -> None:
    async with taken(desk, ToldModel()) as call:
        await call.types("4721#")
        call.agent.begin()
        await asyncio.sleep(_KEPT_SECONDS)
        call.text.session.say(ASK_ACCOUNT)
        await call.settled()
        assert ACCOUNT not in call.caller_said


@without_waiting
async def test_an_agent_that_has_lost_the_floor_does_nothing_with_keys(desk: Desk) -> None:
    brain = ToldModel()
    async with desk(brain, ASK_ACCOUNT) as call:
        call.agent.brief.checkpoint.let_go()
        assert await call.types("4721#") == []
        assert await call.types(CARD) == []
        assert call.caller_said == [COMPLAINT]
    assert brain.asked == []
