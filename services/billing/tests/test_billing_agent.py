"""Billing's agent in whole calls, typed instead of spoken: what it learns from its tools, and what it says."""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest
from billing import tools
from billing.agent import SERVICE, BillingAgent
from handoff.call import Channel, Ending, Fact, Role, Source
from handoff.testing import make_call, make_context, make_fact, make_turn, memory_store
from livekit.agents import ToolError, function_tool
from worker import prompts
from worker.agent.call_agent import CallAgent
from worker.playbook import playbook
from worker.playbook.llm import PlaybookLLM
from worker.telephone.keypad import PAUSE_SECONDS
from worker.telephone.pressing import NO_CARDS, Pressing
from worker.testing.jumping_time import without_waiting
from worker.testing.pressing import KeyRoom
from worker.testing.text_call import TextCall, hold_call, text_call

BOOK = playbook.load(SERVICE.folder / "playbook.yaml")
VERIFIED = {
    "verified": True,
    "account_id": "AC4721",
    "name": "Sarah Chen",
    "first_name": "Sarah",
    "capability": "a.b.c",
    "expires_in_seconds": 900,
}
CHECK = {
    "account_id": "AC4721",
    "eligible": True,
    "code": "eligible",
    "reason": "There is a duplicate charge.",
    "invoice_number": "INV-2026-03-0417",
    "month": "March",
    "charge_id": "CH-2",
    "amount": "49.99",
    "currency": "USD",
}
REFUND = {
    "account_id": "AC4721",
    "charge_id": "CH-2",
    "reference": "RF-20417",
    "amount": "49.99",
    "already_done": False,
}
OPENING = "Hi there, I'm your billing specialist. I see you're calling about your March invoice."
OFFER = "I can see the duplicate charge of $49.99 on your March invoice. Would you like me to refund it?"
TAKEN = make_call(
    turns=(
        make_turn("Thanks for calling Acme Cloud. How can I help you today?", role=Role.AGENT),
        make_turn(),
        make_turn(OPENING, role=Role.AGENT, service="billing"),
    ),
    facts=(make_fact(), make_fact("date", "March")),
    services=("triage",),
)


class BackOffice:
    """Answers as billing_mcp does; ``refund_fails`` makes it lose its database before it pays."""

    def __init__(self, *, refund_fails: bool = False) -> None:
        self.refund_fails = refund_fails
        self.keys: list[str] = []

    def tools(self) -> list[Any]:
        @function_tool
        async def find_account(account_id: str) -> str:
            """Find an account."""
            if account_id != "AC4721":
                raise ToolError("There is no account with that ID.")
            return json.dumps({"account_id": account_id, "exists": True})

        @function_tool
        async def verify_identity(account_id: str, postal_code: str) -> str:
            """Verify the caller."""
            if postal_code != "97209":
                raise ToolError("That account ID and ZIP code don't go together.")
            return json.dumps(VERIFIED)

        @function_tool
        async def get_recent_invoices(account_id: str) -> str:
            """List invoices."""
            return json.dumps({"account_id": account_id, "latest_month": "March", "latest_total": "99.98"})

        @function_tool
        async def check_refund_eligibility(account_id: str, month: str = "") -> str:
            """May a charge be refunded?"""
            return json.dumps(CHECK)

        @function_tool
        async def process_refund(account_id: str, charge_id: str, amount: str, idempotency_key: str) -> str:
            """Refund a charge."""
            self.keys.append(idempotency_key)
            if self.refund_fails:
                raise ToolError("The billing records cannot be reached right now.")
            return json.dumps(REFUND)

        return [find_account, verify_identity, get_recent_invoices, check_refund_eligibility, process_refund]


def brain(agent: CallAgent) -> PlaybookLLM:
    return PlaybookLLM(BOOK, facts=agent.known, story=agent.story, call_id="call-1")


def taken_call(office: BackOffice) -> AbstractAsyncContextManager[TextCall]:
    """A call that triage handed over, its opening sentence said."""
    return text_call(SERVICE, brain, tools=office.tools(), call=TAKEN, context=make_context(call=TAKEN))


async def goes_on(call: TextCall) -> list[str]:
    """What billing says by itself after its opening sentence."""
    await call.agent.answer_what_was_said_meanwhile()
    await call.quiet()
    return [*call.said, *await call.caller("The ZIP code is nine, seven, two, zero, nine.")]


def fact(call: TextCall, name: str) -> Fact:
    known = call.call.fact(name)
    assert known is not None, f"{name} is not known"
    return known


# --- whole calls ------------------------------------------------------------------------------------------------------
@without_waiting
async def test_by_telephone_all_answers_can_be_typed() -> None:
    office, room = BackOffice(), KeyRoom()
    by_phone = replace(TAKEN, channel=Channel.PHONE, facts=(make_fact("date", "March"),))
    taken = text_call(SERVICE, brain, tools=office.tools(), call=by_phone, context=make_context(call=by_phone))
    async with taken as call:
        Pressing(call.agent, room)  # type: ignore[arg-type]
        await call.agent.answer_what_was_said_meanwhile()
        await call.quiet()
        for keys in ("4721#", "97209", "4000056655665556#", "1"):
            room.press(keys)
            await asyncio.sleep(PAUSE_SECONDS + 0.3)
            await call.quiet()
        caller = [turn.text for turn in call.call.turns if turn.role is Role.CALLER]
        assert caller[1:] == ["My account ID is A C, 4 7 2 1.", "The ZIP code is 9 7 2 0 9.", "Yes."]
        assert call.said[-2].startswith(NO_CARDS)
        assert call.said[-2].endswith("Would you like me to refund it? Or press 1 for yes or 2 for no on your keypad.")
        assert call.said[-1].startswith("I've refunded $49.99.")
    assert office.keys == ["call-1:CH-2"]


@without_waiting
async def test_a_duplicate_charge_is_found_offered_refunded_once_and_confirmed() -> None:
    office = BackOffice()
    async with taken_call(office) as call:
        assert (await goes_on(call))[-1] == OFFER
        said = await call.caller("Yes, please.")
        assert said == [
            "I've refunded $49.99. Your reference is R F, 2 0 4 1 7. Is there anything else I can help you with?"
        ]
        await call.caller("No, thank you.")
        stored = await call.store.load_call("call-1")
    assert office.keys == ["call-1:CH-2"]
    assert stored.effects == ("process_refund RF-20417 49.99",)
    assert stored.ending is Ending.RESOLVED


@without_waiting
async def test_what_the_back_office_says_is_verified_in_the_record() -> None:
    async with taken_call(BackOffice()) as call:
        assert not fact(call, "account_id").verified
        await goes_on(call)
        known = {name: fact(call, name) for name in ("account_id", "display_name", "invoice_number", "amount")}
        month = fact(call, "date")
    assert {name: f.value for name, f in known.items()} == {
        "account_id": "AC4721",
        "display_name": "Sarah Chen",
        "invoice_number": "INV-2026-03-0417",
        "amount": "49.99",
    }
    assert all(f.verified and f.source is Source.TOOL for f in known.values())
    assert not month.verified  # only the caller said so


@without_waiting
async def test_it_asks_for_nothing_that_was_already_said() -> None:
    async with taken_call(BackOffice()) as call:
        said = await goes_on(call)
    assert not any("account ID" in sentence for sentence in said)


@without_waiting
async def test_a_refund_that_failed_is_neither_promised_nor_noted() -> None:
    office = BackOffice(refund_fails=True)
    async with taken_call(office) as call:
        await goes_on(call)
        said = await call.caller("Yes, please.")
        effects = call.call.effects
    assert said[-1].startswith("I'm sorry, the refund could not be confirmed just now")
    assert effects == ()
    assert set(office.keys) == {"call-1:CH-2"}  # tried again with the same key: never paid twice


@without_waiting
async def test_a_caller_who_declines_is_not_refunded() -> None:
    office = BackOffice()
    async with taken_call(office) as call:
        await goes_on(call)
        said = await call.caller("No, don't refund it.")
    assert said[-1].startswith("All right, I won't refund")
    assert office.keys == []


@without_waiting
async def test_without_its_tools_it_says_so_and_invents_nothing() -> None:
    async with text_call(SERVICE, brain, call=TAKEN, context=make_context(call=TAKEN)) as call:
        await call.agent.answer_what_was_said_meanwhile()
        await call.quiet()
    assert call.said[-1].startswith("I'm sorry, I can't reach our records right now")


# --- its pieces -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("known", "topic"),
    [
        ({"date": "March"}, "your March invoice"),
        ({"invoice_number": "INV-2026-03-0417"}, "invoice INV-2026-03-0417"),
        ({"date": "March", "invoice_number": "INV-2026-03-0417"}, "your March invoice"),
        ({"account_id": "AC4721"}, ""),
        ({}, ""),
    ],
)
def test_the_topic_is_what_the_caller_named(known: dict[str, str], topic: str) -> None:
    assert BillingAgent.topic(known) == topic


def test_it_opens_with_the_topic_and_without_one_it_leaves_the_sentence_out() -> None:
    greeting = prompts.load(SERVICE.folder, "greeting_handoff")
    assert prompts.spoken(greeting, {"topic": "your March invoice"}) == OPENING
    assert prompts.spoken(greeting, {"topic": ""}) == "Hi there, I'm your billing specialist."


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


@pytest.mark.parametrize(
    ("tool", "result"),
    [
        ("check_refund_eligibility", {**CHECK, "eligible": False}),
        ("find_account", {"account_id": "AC4721", "exists": True}),
        ("get_account", {}),
        ("get_recent_invoices", {"account_id": "AC4721", "latest_total": "99.98"}),
        ("a_tool_of_tomorrow", {"account_id": "AC4721"}),
    ],
)
@without_waiting
async def test_what_proves_nothing_is_not_noted(tool: str, result: dict[str, Any]) -> None:
    checkpoint = await hold_call(memory_store(), service="billing")
    tools.learned(checkpoint, tool, {}, result)
    assert (checkpoint.call.facts, checkpoint.call.effects) == ((), ())


@without_waiting
async def test_what_is_reported_twice_is_one_effect() -> None:
    checkpoint = await hold_call(memory_store(), service="billing")
    for _ in range(2):
        tools.learned(checkpoint, "process_refund", {}, REFUND)
        tools.learned(checkpoint, "resend_invoice", {}, {"reference": "ML-30101", "month": "March"})
    assert checkpoint.call.effects == ("process_refund RF-20417 49.99", "resend_invoice ML-30101")
