"""Triage's agent in whole calls, typed instead of spoken, with its playbook as brain."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import pytest
from handoff.call import Ending
from triage.agent import SERVICE
from worker import prompts
from worker.agent.call_agent import CallAgent
from worker.handover.announcing import announcement
from worker.handover.transfer import Moved, Stayed
from worker.playbook import playbook
from worker.playbook.llm import PlaybookLLM
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import TextCall, text_call
from worker.testing.told import ToldTransfer

BOOK = playbook.load(SERVICE.folder / "playbook.yaml")
COMPLAINT = "Hi, I was charged twice for my March invoice."
ANNOUNCEMENT = "I'm connecting you with our billing specialist who can help you with this. One moment please."
TAKEN = Moved("h1")
ANYTHING_ELSE = "Is there anything else I can help you with?"


def brain(agent: CallAgent) -> PlaybookLLM:
    return PlaybookLLM(BOOK, facts=agent.known, story=agent.story, call_id="call-1")


def call_to_triage(ending: Moved | Stayed = TAKEN) -> AbstractAsyncContextManager[TextCall]:
    return text_call(SERVICE, brain, transfer=ToldTransfer(ending))


def test_its_announcement_is_the_one_that_callers_know() -> None:
    assert announcement(SERVICE, "billing") == ANNOUNCEMENT


@pytest.mark.parametrize(
    "name",
    [
        "instructions",
        "greeting_direct",
        "greeting_handoff",
        "greeting_return",
        "announcement",
        "goodbye",
        "clarify",
        "silence",
        "silence_goodbye",
        "apology",
    ],
)
def test_it_has_every_prompt_that_a_call_may_need(name: str) -> None:
    assert prompts.load(SERVICE.folder, name)


@without_waiting
async def test_a_billing_matter_is_announced_and_handed_over() -> None:
    async with call_to_triage() as call:
        assert await call.caller(COMPLAINT) == [ANNOUNCEMENT]
        (asked,) = call.transfer.asked
        assert (asked["service"], asked["intent"].name) == ("billing", "billing")
        assert "March" in asked["summary"]
        assert call.left == ["handed over"]


@without_waiting
async def test_facts_that_were_said_up_front_are_in_the_record_before_the_transfer() -> None:
    async with call_to_triage() as call:
        await call.caller("My account ID is AC4721 and I was charged twice in March.")
        assert call.agent.known() == {"account_id": "AC4721", "date": "March"}


@without_waiting
async def test_a_general_question_is_answered_and_the_call_ends_politely() -> None:
    async with call_to_triage() as call:
        (answer,) = await call.caller("What are your opening hours?")
        assert answer.startswith("We're open Monday to Friday")
        assert await call.caller("No, that's all. Thank you.") == [
            "Thanks for calling Acme Cloud. Have a great day. Goodbye."
        ]
        assert (await call.store.load_call("call-1")).ending is Ending.RESOLVED
        assert call.hung_up == ["hung up"]
        assert call.transfer.asked == []


@without_waiting
async def test_mumbled_speech_gets_a_question_and_then_the_help_it_wanted() -> None:
    async with call_to_triage() as call:
        (question,) = await call.caller("mm the hmm thing", confidence=0.2)
        assert question == "Sorry, I didn't quite catch that. Is this about billing, a technical problem, or our plans?"
        assert await call.caller("It's about my invoice.", confidence=0.9) == [ANNOUNCEMENT]


@pytest.mark.parametrize("reason", ["at_capacity", "draining", "unreachable", "not_ready", "lost", "silent"])
@without_waiting
async def test_when_billing_does_not_take_the_call_it_says_so_and_stays(reason: str) -> None:
    async with call_to_triage(Stayed(reason)) as call:
        said = await call.caller(COMPLAINT)
        assert said[-1].startswith("I'm sorry, our billing specialist can't take your call right now.")
        assert (call.left, call.hung_up) == ([], [])
        assert ANYTHING_ELSE in (await call.caller("No."))[-1]


@without_waiting
async def test_the_second_attempt_may_work() -> None:
    async with call_to_triage(Stayed("at_capacity")) as call:
        await call.caller(COMPLAINT)
        call.transfer.ending = Moved("h2")
        assert await call.caller("Yes, please.") == [ANNOUNCEMENT]
        assert [asked["service"] for asked in call.transfer.asked] == ["billing", "billing"]
        assert call.left == ["handed over"]
