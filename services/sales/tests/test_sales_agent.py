"""Sales' agent in whole calls, typed instead of spoken: how it greets, what it learns from its tools, what it never says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from handoff.call import Ending, Role
from handoff.testing import make_call, make_context, make_fact, make_turn, memory_store
from livekit.agents import ToolError, function_tool
from sales import tools
from sales.agent import SERVICE, SalesAgent
from worker import prompts
from worker.agent.call_agent import CallAgent
from worker.playbook import playbook
from worker.playbook.llm import PlaybookLLM
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import TextCall, hold_call, text_call

BOOK = playbook.load(SERVICE.folder / "playbook.yaml")
QUOTE = {
    "reference": "QT-60417",
    "plan": "Cloud Business",
    "seats": 40,
    "people": "40 people",
    "choice": "I recommend Cloud Business",
    "price_per_seat": "6.23",
    "discount_percent": 0,
    "max_discount_percent": 15,
    "total_per_month": "249.00",
    "valid_until": "April 3",
    "already_done": False,
}
SLOTS = {
    "count": 1,
    "wish": "any",
    "as_wished": True,
    "slot_id": "2026-03-10T10:00",
    "time": "Tuesday at ten in the morning",
    "slots": [],
}
BOOKING = {"reference": "DM-70418", "slot_id": "2026-03-10T10:00", "time": SLOTS["time"], "already_done": False}
PLAN = {"account_id": "AC9047", "first_name": "Linda", "plan": "Cloud Team", "seats": 6, "price_per_month": "79.00"}
OPENING = "Hi there, I'm your sales specialist. I see you're calling about a demo for 40 people."
TAKEN = make_call(
    turns=(
        make_turn("Thanks for calling Acme Cloud. How can I help you today?", role=Role.AGENT),
        make_turn("I'd like to see a demo, we are forty people."),
        make_turn(OPENING, role=Role.AGENT, service="sales"),
    ),
    facts=(make_fact("interest", "a demo"), make_fact("company_size", "40")),
    services=("triage",),
)


class BackOffice:
    """Answers as sales_mcp does; ``booking_fails`` makes it lose its database before it books."""

    def __init__(self, *, booking_fails: bool = False) -> None:
        self.booking_fails = booking_fails
        self.keys: list[str] = []

    def tools(self) -> list[Any]:
        @function_tool
        async def make_quote(company_size: str, idempotency_key: str, discount_percent: str = "0") -> str:
            """Make a quote."""
            return json.dumps(QUOTE)

        @function_tool
        async def find_demo_slots(wish: str = "", after: str = "") -> str:
            """Free times."""
            return json.dumps(SLOTS)

        @function_tool
        async def book_demo(slot_id: str, idempotency_key: str, interest: str = "", company_size: str = "") -> str:
            """Book a demo."""
            self.keys.append(idempotency_key)
            if self.booking_fails:
                raise ToolError("The sales records can't be reached right now.")
            return json.dumps(BOOKING)

        @function_tool
        async def create_lead(idempotency_key: str, interest: str = "", company_size: str = "") -> str:
            """Keep a lead."""
            return json.dumps({"reference": "LD-80625", "already_done": False})

        return [make_quote, find_demo_slots, book_demo, create_lead]


def brain(agent: CallAgent) -> PlaybookLLM:
    return PlaybookLLM(BOOK, facts=agent.known, call_id="call-1")


async def goes_on(call: TextCall) -> list[str]:
    """What sales says by itself after its opening sentence."""
    await call.agent.answer_what_was_said_meanwhile()
    await call.quiet()
    return call.said


# --- whole calls ------------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_demo_is_quoted_offered_booked_once_and_confirmed() -> None:
    office = BackOffice()
    async with text_call(SERVICE, brain, tools=office.tools(), call=TAKEN, context=make_context(call=TAKEN)) as call:
        assert (await goes_on(call))[-1] == "For the demo I have Tuesday at ten in the morning. Does that suit you?"
        said = await call.caller("Yes, please.")
        assert said == [
            "Your demo is booked for Tuesday at ten in the morning, and your reference is D M, 7 0 4 1 8."
            " Just call us then and give it. Is there anything else I can help you with?"
        ]
        await call.caller("No, thank you.")
        stored = await call.store.load_call("call-1")
    assert office.keys == ["call-1:demo:2026-03-10T10:00"]
    assert stored.effects == ("make_quote QT-60417 249.00", "book_demo DM-70418", "create_lead LD-80625")
    assert stored.ending is Ending.RESOLVED


@without_waiting
async def test_a_booking_that_failed_is_neither_promised_nor_noted() -> None:
    office = BackOffice(booking_fails=True)
    async with text_call(SERVICE, brain, tools=office.tools(), call=TAKEN, context=make_context(call=TAKEN)) as call:
        await goes_on(call)
        said = await call.caller("Yes, please.")
        effects = call.call.effects
    assert said[-1].startswith("I'm sorry, the demo could not be booked just now")
    assert effects == ("make_quote QT-60417 249.00",)
    assert len(set(office.keys)) == 1


@without_waiting
async def test_without_its_tools_it_says_so_and_invents_nothing() -> None:
    async with text_call(SERVICE, brain, call=TAKEN, context=make_context(call=TAKEN)) as call:
        said = await goes_on(call)
    assert said[-1].startswith("I'm sorry, I can't reach our sales records right now")
    assert "$" not in said[-1]


# --- its pieces -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("known", "topic"),
    [
        ({"interest": "a demo"}, "a demo"),
        ({"interest": "Cloud Team", "company_size": "8"}, "Cloud Team for 8 people"),
        ({"company_size": "40"}, "a plan for 40 people"),
        ({"company_size": "1"}, "a plan for one person"),
        ({"current_plan": "Cloud Pro"}, ""),
        ({}, ""),
    ],
)
def test_the_topic_is_what_the_caller_wants_and_for_how_many(known: dict[str, str], topic: str) -> None:
    assert SalesAgent.topic(known) == topic


@pytest.mark.parametrize(
    ("known", "opening"),
    [
        ({"topic": "a demo for 40 people"}, OPENING),
        (
            {"topic": "Cloud Team", "current_plan": "Cloud Pro"},
            "Hi there, I'm your sales specialist. I see you're calling about Cloud Team. You're on Cloud Pro today.",
        ),
        ({}, "Hi there, I'm your sales specialist."),
    ],
)
def test_it_opens_with_what_it_knows_and_leaves_out_what_it_does_not(known: dict[str, str], opening: str) -> None:
    assert prompts.spoken(prompts.load(SERVICE.folder, "greeting_handoff"), known) == opening


@pytest.mark.parametrize(
    "name",
    [
        "instructions", "greeting_direct", "greeting_handoff", "greeting_return", "announcement", "clarify", "apology", "silence",
        "silence_goodbye", "goodbye",
    ],
)  # fmt: skip
def test_it_has_every_prompt_that_a_call_may_need(name: str) -> None:
    assert prompts.load(SERVICE.folder, name)


def test_its_own_line_greets_with_the_question_that_the_playbook_knows() -> None:
    greeting = prompts.load(SERVICE.folder, "greeting_direct")
    assert greeting in [phrase.text for phrase in BOOK.rule("ask_interest").phrases]


def test_it_may_hand_the_call_to_every_other_service() -> None:
    assert set(SERVICE.transfers_to) == {"triage", "billing", "technical", "escalation"}


@without_waiting
async def test_the_plan_that_the_back_office_tells_is_verified() -> None:
    checkpoint = await hold_call(memory_store(), service="sales")
    tools.learned(checkpoint, "get_customer_plan", {"account_id": "AC9047"}, PLAN)
    fact = checkpoint.call.fact("current_plan")
    assert fact is not None
    assert (fact.value, fact.verified) == ("Cloud Team", True)


@pytest.mark.parametrize(
    ("tool", "result"),
    [
        ("list_plans", {"plan": "Cloud Team", "price_per_month": "79.00"}),
        ("find_demo_slots", SLOTS),
        ("get_customer_plan", {}),
        ("book_demo", {}),
        ("a_tool_of_tomorrow", {"reference": "X-1"}),
    ],
)
@without_waiting
async def test_what_proves_nothing_is_not_noted(tool: str, result: dict[str, Any]) -> None:
    checkpoint = await hold_call(memory_store(), service="sales")
    tools.learned(checkpoint, tool, {}, result)
    assert (checkpoint.call.facts, checkpoint.call.effects) == ((), ())


@without_waiting
async def test_the_same_booking_reported_twice_is_one_effect() -> None:
    checkpoint = await hold_call(memory_store(), service="sales")
    for _ in range(2):
        tools.learned(checkpoint, "book_demo", {}, BOOKING)
    assert checkpoint.call.effects == ("book_demo DM-70418",)
