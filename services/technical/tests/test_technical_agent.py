"""Technical's agent in whole calls, typed instead of spoken: what it learns from its tools, and what it says first."""

from __future__ import annotations

import json
from typing import Any

import pytest
from handoff.call import Fact, Source
from handoff.testing import make_call, make_fact, memory_store
from livekit.agents import function_tool
from technical import tools
from technical.agent import SERVICE, TechnicalAgent
from worker import prompts
from worker.agent.call_agent import CallAgent
from worker.playbook import playbook
from worker.playbook.llm import PlaybookLLM
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import TextCall, hold_call, text_call

BOOK = playbook.load(SERVICE.folder / "playbook.yaml")
FINDING = {
    "account_id": "AC4721",
    "steps_tried": "none",
    "code": "known_issue",
    "reason": "Version 4.2 of the app crashes while it syncs large folders.",
    "product": "Cloud Drive",
    "diagnosis": "known issue KI-201, the app crashes while it syncs",
    "first_step": "Please update the app to version 4.3, from its help menu.",
    "second_step": "",
    "has_first_step": True,
    "has_second_step": False,
}
TICKET = {"account_id": "AC4721", "ticket_id": "TK-30518", "product": "Cloud Drive", "status": "open"}
VERIFIED = {"verified": True, "account_id": "AC4721", "name": "Sarah Chen", "first_name": "Sarah"}
ASKED = "I found the reason. Version 4.2 of the app crashes while it syncs large folders."


class BackOffice:
    """Answers as technical_mcp does."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def tools(self) -> list[Any]:
        @function_tool
        async def find_account(account_id: str) -> str:
            """Does it exist?"""
            return json.dumps({"account_id": account_id, "exists": True})

        @function_tool
        async def verify_identity(account_id: str, postal_code: str) -> str:
            """Who is it?"""
            return json.dumps(VERIFIED | {"capability": "a.b.c"})

        @function_tool
        async def run_diagnostics(account_id: str, product: str = "", problem: str = "", steps_tried: str = "") -> str:
            """What is wrong?"""
            return json.dumps(FINDING)

        @function_tool
        async def open_ticket(
            account_id: str, product: str, problem: str, idempotency_key: str, steps_tried: str = ""
        ) -> str:
            """Open one."""
            self.keys.append(idempotency_key)
            return json.dumps(TICKET)

        return [find_account, verify_identity, run_diagnostics, open_ticket]


def brain(agent: CallAgent) -> PlaybookLLM:
    return PlaybookLLM(BOOK, facts=agent.known, call_id="call-1", story=agent.story)


def fact(call: TextCall, name: str) -> Fact:
    known = call.call.fact(name)
    assert known is not None, f"{name} is not known"
    return known


@without_waiting
async def test_a_fault_is_found_and_a_ticket_opened_and_both_are_in_the_record() -> None:
    office = BackOffice()
    async with text_call(SERVICE, brain, tools=office.tools(), call=make_call(turns=(), facts=())) as call:
        assert await call.caller("The app keeps crashing.") == ["Could you tell me your account ID, please?"]
        await call.caller("A C 4 7 2 1")
        said = await call.caller("9 7 2 0 9")
        assert said[-1].startswith(ASKED)
        said = await call.caller("No, it still crashes.")
        assert "T K, 3 0 5 1 8" in said[-1]
        assert call.call.effects == ("open_ticket TK-30518",)
        assert (fact(call, "diagnosis").value, fact(call, "diagnosis").verified) == (FINDING["diagnosis"], True)
        assert (fact(call, "product").value, fact(call, "product").verified) == ("Cloud Drive", False)
        assert fact(call, "ticket_id").value == "TK-30518"
    assert office.keys == ["call-1:Cloud Drive:known issue KI-201, the app crashes while it syncs:ticket"]


@without_waiting
async def test_a_product_that_the_caller_named_stays_what_he_named() -> None:
    checkpoint = await hold_call(memory_store(), service="technical")
    checkpoint.note_fact("product", "Cloud API", source=Source.CALLER)
    tools.learned(checkpoint, "run_diagnostics", FINDING)
    product = checkpoint.call.fact("product")
    assert product is not None and product.value == "Cloud API"


@pytest.mark.parametrize(
    ("tool", "result"),
    [
        ("run_diagnostics", {"code": "which_product", "product": "unclear", "diagnosis": ""}),
        ("run_diagnostics", {}),
        ("search_known_issues", {"found": True, "reference": "KI-201", "product": "Cloud Drive"}),
        ("open_ticket", {}),
        ("a_tool_of_tomorrow", TICKET),
    ],
)
@without_waiting
async def test_what_proves_nothing_is_not_noted(tool: str, result: dict[str, Any]) -> None:
    checkpoint = await hold_call(memory_store(), service="technical")
    tools.learned(checkpoint, tool, result)
    assert (checkpoint.call.facts, checkpoint.call.effects) == ((), ())


@without_waiting
async def test_a_ticket_that_was_read_is_known_and_is_no_effect() -> None:
    checkpoint = await hold_call(memory_store(), make_call(turns=(), facts=(make_fact(),)), service="technical")
    tools.learned(checkpoint, "get_ticket", TICKET)
    ticket = checkpoint.call.fact("ticket_id")
    assert ticket is not None and ticket.verified
    assert checkpoint.call.effects == ()


# --- what it says first -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("known", "topic"),
    [
        ({"product": "Cloud Drive", "error_message": "my app keeps crashing"}, "your Cloud Drive: your app keeps crashing"),
        ({"product": "Cloud API"}, "a problem with your Cloud API"),
        ({"error_message": "the app keeps crashing"}, "this problem: the app keeps crashing"),
        ({"ticket_id": "TK-30215", "product": "Cloud Drive"}, "your ticket T K, 3 0 2 1 5"),
        ({"account_id": "AC4721"}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_the_topic_is_what_is_known_of_the_trouble(known: dict[str, str], topic: str) -> None:
    assert TechnicalAgent.topic(known) == topic


def test_it_opens_with_all_that_it_knows_and_leaves_the_rest_out() -> None:
    greeting = prompts.load(SERVICE.folder, "greeting_handoff")
    assert prompts.spoken(greeting, {"topic": "a problem with your Cloud API", "steps_tried": "restarted it"}) == (
        "Hi there, I'm your technical specialist. I see you're calling about a problem with your Cloud API."
        " I know that you have already restarted it."
    )
    assert prompts.spoken(greeting, {"topic": ""}) == "Hi there, I'm your technical specialist."


@pytest.mark.parametrize(
    "name",
    ["instructions", "greeting_direct", "greeting_handoff", "greeting_return", "announcement", "clarify", "silence",
     "silence_goodbye", "apology", "goodbye"],
)  # fmt: skip
def test_it_has_every_prompt_that_a_call_may_need(name: str) -> None:
    assert prompts.load(SERVICE.folder, name)
