"""What a caller types is his turn when the agent has asked for it, and nothing at all when it has not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from worker.agent.silence import SilenceWatch
from worker.telephone.keypad import CHOICE_SECONDS, PAUSE_SECONDS
from worker.telephone.pressing import NO_CARDS, NOT_ASKED_FOR
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.pressing import ASK_ACCOUNT, ASK_ZIP, COMPLAINT, YES_OR_NO, PhoneCall, phone_call
from worker.testing.text_call import PROMPTS
from worker.testing.told import ToldModel

ACCOUNT = "My account ID is A C, 4 7 2 1."
CARD = "4111111111111111"
Desk = Callable[..., AbstractAsyncContextManager[PhoneCall]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A call at a desk that has just asked something; its model is told its answers."""
    return lambda brain, asked, **given: phone_call(tmp_path, brain, asked, **given)


# --- what was asked for -----------------------------------------------------------------------------------------------
@without_waiting
async def test_a_typed_account_is_a_turn_of_the_callers(desk: Desk) -> None:
    brain = ToldModel("Thank you.")
    async with desk(brain, ASK_ACCOUNT) as call:
        assert await call.types("4721#") == ["Thank you."]
        assert call.caller_said == [COMPLAINT, ACCOUNT]
        assert call.agent.known() == {"account_id": "AC4721"}
    assert brain.last_shown.text_content == ACCOUNT


@without_waiting
async def test_it_needs_no_hash(desk: Desk) -> None:
    async with desk(ToldModel("Thank you."), ASK_ZIP) as call:
        assert await call.types("97209") == ["Thank you."]
        assert call.agent.known() == {"postal_code": "97209"}


@without_waiting
async def test_an_offered_key_is_answered_after_a_second(desk: Desk) -> None:
    async with desk(ToldModel("All right."), YES_OR_NO) as call:
        call.room.press("1")
        await asyncio.sleep(CHOICE_SECONDS + 0.1)
        await call.text.quiet()
        assert call.caller_said[-1] == "Yes."
        assert call.text.said[-1] == "All right."


@without_waiting
async def test_two_entries_in_a_row_are_two_turns_in_their_order(desk: Desk) -> None:
    brain = ToldModel(ASK_ZIP, "Thank you.")
    async with desk(brain, ASK_ACCOUNT) as call:
        assert await call.types("4721#") == [ASK_ZIP]
        assert await call.types("97209#") == ["Thank you."]
    assert [c.text_content for c in brain.asked[-1].messages() if c.role == "user"][-2:] == [
        ACCOUNT,
        "The ZIP code is 9 7 2 0 9.",
    ]


@without_waiting
async def test_a_caller_who_types_is_not_asked_whether_he_is_there(desk: Desk) -> None:
    async with desk(ToldModel("Thank you."), ASK_ACCOUNT, settings={"silence_seconds": 8.0}) as call:
        await asyncio.sleep(8.1)
        await call.text.quiet()
        assert call.text.said[-1] == PROMPTS["silence"]
        assert isinstance(call.agent._silence, SilenceWatch)
        call.room.press("4")
        assert call.agent._silence._count == 0


@without_waiting
async def test_while_he_types_the_call_is_moved_to_no_other_worker(desk: Desk) -> None:
    async with desk(ToldModel("Thank you."), ASK_ACCOUNT) as call:
        assert not call.agent.is_busy
        call.room.press("47")
        assert call.agent.is_busy
        call.room.press("21#")
        assert call.agent.is_busy, "its turn is not taken yet"
        await call.settled()
        assert not call.agent.is_busy


# --- what was not -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("typed", ["97209#", "472#", "1#", "5035550100#"])
@without_waiting
async def test_what_nobody_asked_for_is_dropped_and_the_question_asked_again(desk: Desk, typed: str) -> None:
    brain = ToldModel()
    async with desk(brain, ASK_ACCOUNT) as call:
        assert await call.types(typed) == [f"{NOT_ASKED_FOR} {ASK_ACCOUNT}"]
        assert call.caller_said == [COMPLAINT]
        assert call.agent.known() == {}
    assert brain.asked == []


@without_waiting
async def test_after_it_the_question_is_still_answered(desk: Desk) -> None:
    async with desk(ToldModel("Thank you."), ASK_ACCOUNT) as call:
        await call.types("47#")
        assert await call.types("4721#") == ["Thank you."]
        assert call.agent.known() == {"account_id": "AC4721"}


@without_waiting
async def test_a_key_that_was_pressed_before_the_question_is_no_answer_to_it(desk: Desk) -> None:
    async with desk(ToldModel(), "Let me look.") as call:
        call.room.press("1")
        call.text.session.say(YES_OR_NO)
        await call.settled()
        assert call.caller_said == [COMPLAINT], "nobody agrees to what he has not heard"


@without_waiting
async def test_who_types_faster_than_anybody_can_is_answered_once(desk: Desk) -> None:
    async with desk(ToldModel(), ASK_ACCOUNT) as call:
        assert len(await call.types("1#" * 100)) == 1
        assert len(await call.types("1#")) == 1


@without_waiting
async def test_a_card_number_is_asked_not_to_be_typed(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    brain = ToldModel()
    with caplog.at_level(logging.DEBUG):
        async with desk(brain, ASK_ACCOUNT) as call:
            assert await call.types(CARD) == [f"{NO_CARDS} {ASK_ACCOUNT}"]
            assert call.caller_said == [COMPLAINT]
    assert brain.asked == []
    dropped = [r.getMessage() for r in caplog.records if r.name == "voicemesh.pressing"]
    assert dropped == ["a keypad entry was dropped: too long"]


# --- whose keys -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("by", ["billing-h1", "caller-2", "", None])
@without_waiting
async def test_nobody_elses_keys_count(desk: Desk, by: str | None) -> None:
    async with desk(ToldModel(), ASK_ACCOUNT) as call:
        assert await call.types("4721#", by=by) == []
        assert call.caller_said == [COMPLAINT]


@without_waiting
async def test_a_caller_who_is_back_under_another_name_is_listened_to(desk: Desk) -> None:
    async with desk(ToldModel("Thank you."), ASK_ACCOUNT) as call:
        call.agent.brief.checkpoint.note(caller_identity="caller-2")
        assert await call.types("4721#", by="caller-2") == ["Thank you."]


@without_waiting
async def test_after_the_session_nobody_listens(desk: Desk) -> None:
    async with desk(ToldModel(), ASK_ACCOUNT) as call:
        call.room.press("47")
        await call.text.session.aclose()
        call.room.press("21#")
        await asyncio.sleep(PAUSE_SECONDS + 0.3)
        assert call.caller_said == [COMPLAINT]


@without_waiting
async def test_a_fault_costs_neither_the_call_nor_the_next_key(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(ToldModel("Thank you."), ASK_ACCOUNT) as call:
        with monkeypatch.context() as broken:
            broken.setattr(call.agent, "hears_a_key", lambda: 1 / 0)
            call.room.press("9*")
        assert "a key could not be taken" in caplog.text
        with monkeypatch.context() as broken:
            broken.setattr(call.agent, "on_user_turn_completed", None)
            await call.types("4721#")
        assert "what was typed could not be taken" in caplog.text
        assert await call.types("4721#") == ["Thank you."]


# --- over the agent's own voice ---------------------------------------------------------------------------------------
@without_waiting
async def test_a_key_silences_the_agent(desk: Desk) -> None:
    async with desk(ToldModel("All right."), "") as call:
        call.speaks_slowly(
            f"{YES_OR_NO} I can also leave it as it is, whatever you prefer, and you may think about it."
        )
        await asyncio.sleep(0.4 * 18)
        call.room.press("1")
        await everything_ran()
        (cut,) = call.text.call.turns
        assert cut.was_interrupted
        assert cut.text.startswith("Would you like me to refund it? Or press 1 for yes")
        assert "think about it" not in cut.text
        await call.settled()
        assert call.caller_said == ["Yes."], "the key answers what was heard of the question"


@without_waiting
async def test_a_key_that_means_nothing_lets_the_brain_go_on_from_where_it_was_cut(desk: Desk) -> None:
    async with desk(ToldModel("As I said, it is done."), "") as call:
        call.speaks_slowly("I have refunded your money and will tell you the reference now.")
        await asyncio.sleep(1.0)
        assert await call.types("5#") == ["I have refunded", NOT_ASKED_FOR, "As I said, it is done."]


@without_waiting
async def test_what_the_agent_began_to_say_while_he_typed_ends_with_his_entry(desk: Desk) -> None:
    async with desk(ToldModel("Thank you."), ASK_ACCOUNT) as call:
        call.room.press("4721")
        call.speaks_slowly("Take all the time you need, I am here and will wait for you as long as it takes.")
        await call.settled()
        assert [turn.was_interrupted for turn in call.text.call.turns][-3:] == [True, False, False]
        assert call.text.said[-1] == "Thank you."


@without_waiting
async def test_over_a_sentence_that_may_not_be_cut_keys_are_kept_for_after_it(desk: Desk) -> None:
    async with desk(ToldModel("Thank you."), ASK_ACCOUNT) as call:
        call.speaks_slowly("One moment, I am just getting ready for you.", interruptible=False)
        await asyncio.sleep(0.5)
        call.room.press("4721#")
        await asyncio.sleep(1.0)
        assert call.caller_said == [COMPLAINT]
        await call.text.quiet()
        await call.agent.answer_what_was_said_meanwhile()  # as a taker does, and a successor
        await call.text.quiet()
        assert call.caller_said[-1] == ACCOUNT
        assert call.text.said[-1] == "Thank you."
