"""What an agent of any service learns from its tools."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from handoff.call import Source
from handoff.testing import make_call, make_fact, memory_store
from livekit.agents import llm
from worker.agent.capability import Identity
from worker.agent.learning import Learning
from worker.agent.tools import BackOffice
from worker.checkpoint import Checkpoint
from worker.testing.text_call import hold_call

VERIFIED = {"verified": True, "account_id": "AC4721", "name": "Sarah Chen"}
HELD = make_fact("identity_capability", "opaque", source=Source.TOOL, verified=True)


def office() -> BackOffice:
    return BackOffice("http://office.invalid/mcp", call_id="call-1", timeout_seconds=5.0)


@asynccontextmanager
async def lesson(client: BackOffice | None = None, *facts: Any) -> AsyncIterator[tuple[Learning, Checkpoint]]:
    checkpoint = await hold_call(memory_store(), make_call(turns=(), facts=facts), service="billing")
    yield Learning(checkpoint, client), checkpoint
    checkpoint.let_go()


def used(
    learning: Learning, tool: str, output: Any, *, is_error: bool = False, **arguments: str
) -> list[Mapping[str, Any]]:
    """A tool was used; what the service's own lesson was told."""
    told: list[Mapping[str, Any]] = []
    text = output if isinstance(output, str) else json.dumps(output)
    learning.from_tool(
        llm.FunctionCall(call_id="c1", name=tool, arguments=json.dumps(arguments)),
        llm.FunctionCallOutput(call_id="c1", name=tool, output=text, is_error=is_error),
        lambda name, asked, result: told.append(result),
    )
    return told


# --- identity ---------------------------------------------------------------------------------------------------------
async def test_a_verified_identity_becomes_verified_facts_and_the_callers_name() -> None:
    client = office()
    async with lesson(client) as (_, checkpoint):
        client.on_verified(Identity("AC4721", "Sarah Chen", "opaque"))
        facts = {fact.name: fact.value for fact in checkpoint.call.facts if fact.verified}
        assert facts == {"account_id": "AC4721", "display_name": "Sarah Chen", "identity_capability": "opaque"}
        assert checkpoint.call.display_name == "Sarah Chen"


async def test_the_back_office_is_shown_the_capability_from_then_on() -> None:
    client = office()
    async with lesson(client):
        assert "Authorization" not in client.headers
        client.on_verified(Identity("AC4721", "Sarah Chen", "opaque"))
        assert client.headers["Authorization"] == "Bearer opaque"


async def test_a_taker_shows_what_an_earlier_service_verified() -> None:
    client = office()
    async with lesson(client, HELD):
        assert client.headers["Authorization"] == "Bearer opaque"


async def test_what_a_caller_says_is_no_capability_for_the_record() -> None:
    client = office()
    async with lesson(client) as (learning, checkpoint):
        used(learning, "get_account", VERIFIED | {"capability": "opaque"})
        assert checkpoint.call.facts == ()
        assert "Authorization" not in client.headers


async def test_a_refused_capability_is_forgotten_and_not_shown_again() -> None:
    client = office()
    async with lesson(client, make_fact(), HELD) as (_, checkpoint):
        client.on_refused()
        assert [fact.name for fact in checkpoint.call.facts] == ["account_id"]
        assert "Authorization" not in client.headers


async def test_a_local_tool_may_verify_as_well() -> None:
    async with lesson() as (learning, checkpoint):
        assert used(learning, "verify_identity", VERIFIED) == [VERIFIED]
        assert checkpoint.call.display_name == "Sarah Chen"


# --- what was tried in vain -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("output", "outcome"),
    [
        ("That is above what I may refund.", "refused"),
        ("The billing records can't be reached right now.", "unreachable"),
    ],
)
async def test_a_change_that_did_not_come_to_be_is_noted(output: str, outcome: str) -> None:
    async with lesson() as (learning, checkpoint):
        assert used(learning, "process_refund", output, is_error=True, idempotency_key="k") == []
        (attempt,) = checkpoint.call.attempts
        assert (attempt.service, attempt.what, attempt.outcome) == ("billing", "process_refund", outcome)


async def test_a_look_up_that_failed_is_nothing_to_remember() -> None:
    async with lesson() as (learning, checkpoint):
        used(learning, "get_account", "There is no account with that ID.", is_error=True, account_id="AC9")
        assert checkpoint.call.attempts == ()


async def test_a_refund_that_may_not_be_is_noted_with_its_code() -> None:
    async with lesson() as (learning, checkpoint):
        used(learning, "check_refund_eligibility", {"eligible": False, "code": "too_old", "reason": "It is old."})
        assert [(a.what, a.outcome) for a in checkpoint.call.attempts] == [("check_refund_eligibility", "too_old")]


async def test_a_plain_sentence_teaches_nothing() -> None:
    async with lesson() as (learning, _):
        assert used(learning, "note", "Done.") == []
