"""An agent hands its call over: what it says, what it still hears, and what its brain is told when nobody takes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from handoff.call import Role
from livekit.agents import ChatContext, ChatMessage, StopResponse
from worker.handover.announcing import announcement, nobody_took
from worker.handover.transfer import Moved, Stayed
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import TextCall, paper_service, text_call
from worker.testing.told import Calls, ToldModel, ToldTransfer

ANNOUNCEMENT = "I'm connecting you with our billing specialist. One moment please."
TO_BILLING = Calls("transfer_call", {"service": "billing", "summary": "Charged twice in March."})
COMPLAINT = "I was charged twice for my March invoice."
Desk = Callable[..., AbstractAsyncContextManager[TextCall]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A call at a front desk whose model and transfer are told their answers."""

    def open_desk(brain: ToldModel, ending: Moved | Stayed, **given: Any) -> Any:
        return text_call(paper_service(tmp_path), brain, transfer=ToldTransfer(ending), **given)

    return open_desk


def test_the_announcement_names_the_specialist_as_people_do(tmp_path: Path) -> None:
    assert announcement(paper_service(tmp_path), "billing") == ANNOUNCEMENT


@without_waiting
async def test_a_call_that_moved_is_announced_and_left_without_another_word(desk: Desk) -> None:
    brain = ToldModel(TO_BILLING)
    async with desk(brain, Moved("h1")) as call:
        mouth: list[bool] = []
        call.agent.mute = mouth.append
        assert await call.caller(COMPLAINT) == [ANNOUNCEMENT]
        assert call.left == ["handed over"]
        assert call.hung_up == []
        assert mouth == [True]
        assert await call.caller("Hello?") == []  # the taker's, from now on
    assert len(brain.asked) == 1


@without_waiting
async def test_the_transfer_knows_what_the_caller_wants(desk: Desk) -> None:
    async with desk(ToldModel(TO_BILLING), Moved("h1")) as call:
        await call.caller(COMPLAINT)
    (asked,) = call.transfer.asked
    assert (asked["service"], asked["summary"]) == ("billing", "Charged twice in March.")
    assert (asked["intent"].name, asked["intent"].found_by) == ("billing", "keywords")


@without_waiting
async def test_when_only_the_model_understood_the_intent_is_the_models(desk: Desk) -> None:
    async with desk(ToldModel(TO_BILLING), Moved("h1")) as call:
        await call.caller("Well, you know.")
    (asked,) = call.transfer.asked
    assert (asked["intent"].name, asked["intent"].found_by) == ("billing", "model")


@without_waiting
async def test_what_is_said_during_a_transfer_is_noted_and_not_answered(desk: Desk) -> None:
    brain = ToldModel(TO_BILLING)
    async with desk(brain, Moved("h1")) as call:
        call.transfer.meanwhile = lambda: call.transcribed("My account is AC4721.")
        await call.caller(COMPLAINT)
        assert [turn.text for turn in call.call.turns if turn.role is Role.CALLER] == [
            COMPLAINT,
            "My account is AC4721.",
        ]
        assert call.agent.known()["account_id"] == "AC4721"
    assert len(brain.asked) == 1


@without_waiting
async def test_a_turn_that_ends_during_a_transfer_stops_before_the_brain(desk: Desk) -> None:
    stopped: list[str] = []

    async def turn_ends(call: TextCall) -> None:
        message = ChatMessage(role="user", content=["And one more thing."])
        with pytest.raises(StopResponse):
            await call.agent.on_user_turn_completed(ChatContext.empty(), message)
        stopped.append("stopped")

    async with desk(ToldModel(TO_BILLING), Moved("h1")) as call:
        call.transfer.meanwhile = lambda: turn_ends(call)
        await call.caller(COMPLAINT)
    assert stopped == ["stopped"]


@pytest.mark.parametrize("reason", ["at_capacity", "unreachable", "not_ready", "lost"])
@without_waiting
async def test_the_brain_is_told_that_nobody_took_the_call_and_goes_on(desk: Desk, reason: str) -> None:
    brain = ToldModel(TO_BILLING, "I'm sorry, they are busy. I'm still here.", "We open at eight.")
    async with desk(brain, Stayed(reason)) as call:
        mouth: list[bool] = []
        call.agent.mute = mouth.append
        assert (await call.caller(COMPLAINT))[-1] == "I'm sorry, they are busy. I'm still here."
        assert mouth == [False]
        assert call.left == []
        assert await call.caller("When do you open?") == ["We open at eight."]
    assert f"Nobody took the call: billing {reason}." in brain.asked[1].items[-1].output
    heard = [item.text_content for item in brain.asked[1].items if item.type == "message" and item.role == "assistant"]
    assert heard == [], "the announcement would stand after the answer, and the brain would read on from there"


@pytest.mark.parametrize(
    ("service", "way_out"), [("billing", "hand the call to escalation"), ("escalation", "as far as you can.")]
)
def test_a_call_that_was_passed_on_too_often_stays_and_the_brain_is_told_the_way_out(
    service: str, way_out: str
) -> None:
    told = nobody_took(service, "hop_limit", meanwhile="")
    assert told.startswith(f"Nobody took the call: {service} hop_limit.")
    assert "do not pass it on again" in told
    assert way_out in told


@without_waiting
async def test_a_handoff_needs_no_summary_of_the_models(desk: Desk) -> None:
    async with desk(ToldModel(Calls("transfer_call", {"service": "billing"})), Moved("h1")) as call:
        await call.caller(COMPLAINT)
    (asked,) = call.transfer.asked
    assert asked["summary"] == ""


@without_waiting
async def test_what_was_said_during_a_transfer_that_failed_need_not_be_said_again(desk: Desk) -> None:
    brain = ToldModel(TO_BILLING, "I'm sorry, they are busy.", TO_BILLING, "I'm sorry, they still are.")
    async with desk(brain, Stayed("at_capacity")) as call:
        call.transfer.meanwhile = lambda: call.transcribed("My account is AC4721.")
        await call.caller(COMPLAINT)
        call.transfer.meanwhile = lambda: None
        await call.caller("Try again.")
    assert "My account is AC4721." in brain.asked[1].items[-1].output
    assert "AC4721" not in brain.asked[3].items[-1].output  # told once


@pytest.mark.parametrize("service", ["astrology", "triage", ""])
@without_waiting
async def test_a_service_that_it_may_not_hand_to_is_never_asked(desk: Desk, service: str) -> None:
    brain = ToldModel(Calls("transfer_call", {"service": service, "summary": "-"}), "I can't connect you there.")
    async with desk(brain, Moved("h1")) as call:
        assert await call.caller("Read my stars.") == ["I can't connect you there."]
        assert call.transfer.asked == []
    assert "Nobody took the call" in brain.last_shown.output


# --- waiting for a caller who talks over the announcement -------------------------------------------------------------
async def done_after(call: TextCall) -> float:
    """How many seconds a handoff waits for this caller."""
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    await call.agent.caller_is_done()
    return loop.time() - began_at


@without_waiting
async def test_a_quiet_caller_is_not_waited_for(desk: Desk) -> None:
    async with desk(ToldModel(), Moved("h1")) as call:
        assert await done_after(call) == 0


@without_waiting
async def test_a_caller_in_the_middle_of_a_sentence_is_waited_for_and_understood(desk: Desk) -> None:
    async with desk(ToldModel(), Moved("h1")) as call:
        loop = asyncio.get_running_loop()
        call.caller_speaks(True)
        loop.call_later(1.0, call.caller_speaks, False)
        loop.call_later(1.4, call.transcribed, "My account is AC4721.")
        assert await done_after(call) == pytest.approx(1.4, abs=0.05)


@without_waiting
async def test_speech_to_text_that_never_answers_is_not_waited_for_long(desk: Desk) -> None:
    async with desk(ToldModel(), Moved("h1")) as call:
        call.caller_speaks(True)
        call.caller_speaks(False)
        assert await done_after(call) == pytest.approx(1.5, abs=0.05)


@without_waiting
async def test_a_caller_who_never_stops_is_handed_over_all_the_same(desk: Desk) -> None:
    async with desk(ToldModel(), Moved("h1")) as call:
        call.caller_speaks(True)
        assert await done_after(call) == pytest.approx(4.0, abs=0.05)


@without_waiting
async def test_a_silence_during_a_transfer_is_not_the_callers(desk: Desk) -> None:
    async with desk(ToldModel(TO_BILLING), Moved("h1")) as call:
        call.transfer.meanwhile = lambda: asyncio.sleep(60)
        assert await call.caller(COMPLAINT) == [ANNOUNCEMENT]
        assert call.hung_up == []
