"""Escalation's agent: the whole story it tells, the wishes it reads, and what it notes of its tools' results."""

from __future__ import annotations

import json
from typing import Any

import pytest
from escalation import recap, tools, wishes
from escalation.agent import SERVICE
from handoff.call import Attempt, Channel, Ending, Intent, Role, Source, Turn
from handoff.directory import DIRECTORY
from handoff.testing import make_call, make_context, make_fact, make_intent, make_turn, memory_store
from livekit.agents import function_tool
from worker import prompts
from worker.agent.call_agent import CallAgent
from worker.playbook import playbook
from worker.playbook.llm import PlaybookLLM
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import hold_call, text_call

BOOK = playbook.load(SERVICE.folder / "playbook.yaml")
ANGRY = make_call(
    turns=(
        make_turn("Thanks for calling Acme Cloud. How can I help you today?", role=Role.AGENT),
        make_turn("This is ridiculous. I was charged twice in March and now I want your manager."),
    ),
    facts=(make_fact("date", "March"),),
    services=("triage", "billing"),
    effects=("process_refund RF-20417 49.99",),
)
SLOT = {"slot_id": "2026-11-26T15:00", "in_words": "tomorrow at three in the afternoon", "wanted": "any time"}


def brain(agent: CallAgent) -> PlaybookLLM:
    return PlaybookLLM(BOOK, facts=agent.known, call_id="call-1", story=agent.story)


def callback_tools() -> list[Any]:
    @function_tool
    async def find_callback_slots(wanted: str = "") -> str:
        """Find slots."""
        return json.dumps(SLOT)

    @function_tool
    async def book_callback(
        slot_id: str, reason: str, idempotency_key: str, account_id: str = "", phone: str = ""
    ) -> str:
        """Book one."""
        return json.dumps(SLOT | {"reference": "CB-50417"})

    return [find_callback_slots, book_callback]


# --- whole calls ------------------------------------------------------------------------------------------------------
@without_waiting
async def test_it_tells_the_story_and_books_the_manager_who_was_asked_for() -> None:
    context = make_context(call=ANGRY, intent=make_intent("escalation"))
    async with text_call(SERVICE, brain, tools=callback_tools(), call=ANGRY, context=context) as call:
        await call.agent.answer_what_was_said_meanwhile()
        await call.quiet()
        assert call.said[-2:] == [
            "I have the whole story: you called about your March invoice, $49.99 was refunded, and you asked for a manager."
            " I'm sorry for the trouble.",
            "A manager can call you tomorrow at three in the afternoon. Shall I book that?",
        ]
        await call.caller("Yes, please.")
        await call.caller("No, that's all.")
        stored = await call.store.load_call("call-1")
    assert stored is not None
    assert stored.effects[-1] == "book_callback CB-50417 2026-11-26T15:00"
    assert stored.ending is Ending.CALLBACK_BOOKED


@without_waiting
async def test_the_story_stays_as_it_was_when_the_call_came_here() -> None:
    async with text_call(SERVICE, brain, call=ANGRY, context=make_context(call=ANGRY)) as call:
        before = call.agent.known()["story"]
        call.agent.brief.checkpoint.note_effect("apply_offer OF-30417 50.00")
        assert call.agent.known()["story"] == before


@pytest.mark.parametrize(("channel", "line"), [(Channel.PHONE, "phone"), (Channel.WEB, None)])
@without_waiting
async def test_on_the_telephone_a_number_to_call_back_is_known(channel: Channel, line: str | None) -> None:
    async with text_call(SERVICE, brain, call=make_call(channel=channel)) as call:
        assert call.agent.known().get("line") == line


# --- the story --------------------------------------------------------------------------------------------------------
def told(*, said: str = "Hello.", intent: str = "escalation", **changes: Any) -> str:
    call = make_call(**({"turns": (make_turn(said),), "facts": (), "services": ("triage",)} | changes))
    return recap.story(make_context(call=call, intent=make_intent(intent), facts=call.facts))


@pytest.mark.parametrize(
    ("known", "story"),
    [
        ({}, ""),
        ({"said": "Give me your supervisor."}, "you asked for a manager"),
        ({"said": "I want to cancel my account."}, "you are thinking of leaving us"),
        ({"said": "I have a complaint."}, "you want to make a complaint"),
        ({"intent": "billing"}, "you called about your bill"),
        ({"facts": (make_fact("amount", "49.99"),)}, "you called about a charge of $49.99"),
        (
            {"facts": (make_fact("product", "Cloud Drive"),), "services": ("triage", "technical")},
            "you called about trouble with Cloud Drive, and you have spoken with our technical specialist",
        ),
        (
            {"services": ("triage", "billing", "technical"), "effects": ("process_refund RF-1 49.99", "open_ticket TK-30417")},
            "you called about a technical problem, $49.99 was refunded, and ticket T K, 3 0 4 1 7 was opened",
        ),
        ({"effects": ("a_tool_of_tomorrow X-1",)}, ""),
        (
            {"facts": (make_fact("date", "March"), make_fact("amount", "249.00")), "services": ("triage", "billing"),
             "attempts": (Attempt("billing", "check_refund_eligibility", "above_limit", 0.0),)},
            "you called about your March invoice, and the refund of $249 is above what billing may make",
        ),
    ],
)  # fmt: skip
def test_the_story_is_one_sentence_of_what_is_known(known: dict[str, Any], story: str) -> None:
    assert told(**known) == story


def test_the_story_never_tells_who_the_caller_is_or_what_proves_it() -> None:
    facts = (
        make_fact("identity_capability", "eyJ.secret", source=Source.TOOL, verified=True),
        make_fact("account_id", "AC4721"),
    )
    assert told(facts=facts, said="I want a manager.") == "you asked for a manager"


# --- wishes -----------------------------------------------------------------------------------------------------------
def wished(*said: tuple[str, str], services: tuple[str, ...] = ("escalation",)) -> dict[str, str]:
    pairs = [(Turn(Role.AGENT, question, 0.0), Turn(Role.CALLER, answer, 0.0)) for question, answer in said]
    return wishes.wishes([turn for pair in pairs for turn in pair], services)


@pytest.mark.parametrize(
    ("question", "answer", "wish"),
    [
        ("Shall a manager call you today at four?", "No, Friday at ten.", "No, Friday at ten."),
        (
            "How can I help you?",
            "Have a manager call me tomorrow at three.",
            "Have a manager call me tomorrow at three.",
        ),
        ("How can I help you?", "It broke on Friday at ten.", ""),
        ("Which day and time would suit you?", "I don't know.", ""),
        ("A manager can call you Friday at ten. Shall I book that?", "Friday works.", ""),
        ("A manager can call you Friday at ten. Shall I book that?", "Monday works.", "Monday works."),
    ],
)
def test_a_time_is_a_wish_when_it_is_about_a_call(question: str, answer: str, wish: str) -> None:
    assert wished((question, answer))["callback_wish"] == wish


@pytest.mark.parametrize(
    ("question", "answer", "is_agreed"),
    [
        ("I can't reach our records. Shall I ask a colleague to call you back?", "Yes please.", "yes"),
        ("I can't reach our records. Shall I ask a colleague to call you back?", "No.", ""),
        ("Is there anything else I can help you with?", "Yes.", ""),
    ],
)
def test_a_call_back_that_another_service_offered_is_agreed_to(question: str, answer: str, is_agreed: str) -> None:
    assert wished((question, answer))["callback_agreed"] == is_agreed


def test_a_manager_who_allowed_something_is_not_asked_for() -> None:
    assert "manager" not in told(said="The manager said that's fine.")


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("It's five oh three five five five oh one four two.", "5035550142"),
        ("Call 503 555 0142 please.", "5035550142"),
        ("My invoice is 2026030417.", ""),
        ("A C four seven two one.", ""),
    ],
)
def test_a_phone_number_is_heard_however_it_is_said(answer: str, number: str) -> None:
    assert wished(("Which number?", answer))["callback_number"] == number


def test_a_phone_number_that_was_told_to_another_service_is_asked_for_again() -> None:
    told_to = (Turn(Role.CALLER, "My phone is 503 555 0123, but first the bill.", 1.0, "billing"),)
    assert wishes.wishes(told_to, ("billing", "escalation"))["callback_number"] == ""


def test_why_and_what_about_are_read_for_the_back_office() -> None:
    assert wished(("", "I'm cancelling."))["why"] == "cancel"
    assert wished(("", "It's too expensive."))["why"] == "price"
    assert wished(("", "Hello."))["why"] == ""
    assert wished(("", "Hello."), services=("triage", "billing", "technical", "escalation"))["matter"] == "technical"


# --- its pieces -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("tool", "result", "effect"),
    [
        ("apply_offer", {"reference": "OF-30417", "amount": "50.00", "percent": ""}, "apply_offer OF-30417 50.00"),
        ("apply_offer", {"reference": "OF-30417", "amount": "", "percent": 20}, "apply_offer OF-30417 20%"),
        ("open_complaint", {"reference": "CC-40417"}, "open_complaint CC-40417"),
        ("book_callback", SLOT | {"reference": "CB-50417"}, "book_callback CB-50417 2026-11-26T15:00"),
        ("request_human", {"reference": "HR-60417"}, "request_human HR-60417"),
    ],
)
@without_waiting
async def test_what_was_changed_is_an_effect_and_the_same_one_twice_is_one(
    tool: str, result: dict[str, Any], effect: str
) -> None:
    checkpoint = await hold_call(memory_store(), service="escalation")
    for _ in range(2):
        tools.learned(checkpoint, tool, result)
    assert checkpoint.call.effects == (effect,)


@pytest.mark.parametrize(
    ("tool", "result"),
    [("get_retention_offers", {"offer": "credit"}), ("find_callback_slots", SLOT), ("apply_offer", {}), ("tomorrow", {"reference": "X-1"})],
)  # fmt: skip
@without_waiting
async def test_what_changed_nothing_is_no_effect(tool: str, result: dict[str, Any]) -> None:
    checkpoint = await hold_call(memory_store(), service="escalation")
    tools.learned(checkpoint, tool, result)
    assert checkpoint.call.effects == ()


@without_waiting
async def test_customer_care_takes_the_whole_bill_and_nothing_else() -> None:
    checkpoint = await hold_call(memory_store(), service="escalation")
    checkpoint.note(pending_intents=(Intent("billing", 0.9, "keywords"), Intent("technical", 0.9, "keywords")))
    tools.learned(checkpoint, "find_callback_slots", SLOT)
    assert [intent.name for intent in checkpoint.call.pending_intents] == ["billing", "technical"]
    tools.learned(checkpoint, "get_retention_offers", {"offer": "credit"})
    assert [intent.name for intent in checkpoint.call.pending_intents] == ["technical"]


@pytest.mark.parametrize(
    "name",
    [
        "instructions", "greeting_direct", "greeting_handoff", "greeting_return", "announcement", "clarify", "apology", "silence",
        "silence_goodbye", "goodbye",
    ],
)  # fmt: skip
def test_it_has_every_prompt_that_a_call_may_need(name: str) -> None:
    assert prompts.load(SERVICE.folder, name)


def test_it_greets_by_name_when_the_name_is_verified() -> None:
    greeting = prompts.load(SERVICE.folder, "greeting_handoff")
    assert prompts.spoken(greeting, {"first_name": "Sarah"}) == "Hello Sarah. I'm the customer care lead at Acme Cloud."
    assert prompts.spoken(greeting, {}) == "I'm the customer care lead at Acme Cloud."


def test_it_may_hand_the_call_to_everybody_else() -> None:
    assert set(SERVICE.transfers_to) == set(DIRECTORY) - {"escalation"}
