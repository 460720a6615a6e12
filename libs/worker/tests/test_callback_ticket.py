"""A callback ticket: one per call, numbered, with none of the caller's words in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from handoff.call import Channel, Ending
from handoff.errors import StoreUnavailable
from handoff.memory_store import MemoryStore
from handoff.testing import make_call, memory_store
from livekit.agents import ToolError
from worker.checkpoint import Checkpoint
from worker.handover.callback_ticket import ending_with_ticket, leave_ticket, ticket_of, tool, wished_at
from worker.testing.text_call import hold_call


async def at_desk(store: MemoryStore) -> Checkpoint:
    checkpoint = await hold_call(store, make_call(channel=Channel.PHONE))
    checkpoint.note_attempt("handoff", "at_capacity", service="billing")
    return checkpoint


async def test_a_ticket_is_stored_for_whoever_calls_back_and_its_number_given_to_the_caller() -> None:
    store = memory_store()
    checkpoint = await at_desk(store)
    name = await leave_ticket(store, checkpoint, "billing", "tomorrow morning at ten")
    (ticket,), _ = await store.callbacks()
    assert (ticket.ticket_id, ticket.call_id, ticket.service) == (name, "call-1", "billing")
    assert (ticket.channel, ticket.reason, ticket.wished_at) == ("phone", "at_capacity", "tomorrow morning at ten")
    assert ticket_of(checkpoint.call) == name
    checkpoint.let_go()


@pytest.mark.parametrize(
    ("said", "kept"), [("503-555-0142", "5035550142"), ("+1 (503) 555 0142", "+15035550142"), ("", "")]
)
async def test_the_number_to_call_is_kept(said: str, kept: str) -> None:
    store = memory_store()
    checkpoint = await at_desk(store)
    await tool(store, checkpoint)(service="billing", phone=said)
    (ticket,), _ = await store.callbacks()
    assert ticket.number == kept
    assert not any("0142" in line for line in checkpoint.call.effects), "effects are shown to other services"
    checkpoint.let_go()


async def test_a_number_that_is_named_later_is_the_same_tickets() -> None:
    store = memory_store()
    checkpoint = await at_desk(store)
    leave = tool(store, checkpoint)
    first = json.loads(await leave(service="billing"))
    second = json.loads(await leave(service="billing", phone="5035550142"))
    assert (second["ticket"], second["phone"]) == (first["ticket"], "5035550142")
    assert [ticket.number for ticket in (await store.callbacks())[0]] == ["", "5035550142"]
    assert ticket_of(checkpoint.call) == first["ticket"]
    checkpoint.let_go()


@pytest.mark.parametrize("said", ["my office", "0142", "503 555 0142 ext 41"])
async def test_what_is_no_number_is_asked_for_once_more_and_nothing_is_lost(said: str) -> None:
    store = memory_store()
    checkpoint = await at_desk(store)
    with pytest.raises(ToolError, match="all of its digits"):
        await tool(store, checkpoint)(service="billing", phone=said)
    assert (await store.callbacks())[0] == ()
    checkpoint.let_go()


async def test_a_call_has_one_ticket_however_often_it_is_asked_for() -> None:
    store = memory_store()
    checkpoint = await at_desk(store)
    assert await leave_ticket(store, checkpoint, "billing") == await leave_ticket(store, checkpoint, "sales")
    assert len((await store.callbacks())[0]) == 1
    checkpoint.let_go()


async def test_an_agent_that_dies_before_it_noted_its_ticket_leaves_it_to_its_successor() -> None:
    store = memory_store()
    dying = await at_desk(store)
    name = await leave_ticket(store, dying, "billing")
    dying.let_go()
    successor = Checkpoint(
        store, make_call(channel=Channel.PHONE), service="triage", lease_seconds=1.0, on_floor_lost=lambda: None
    )
    assert ticket_of(successor.call) == ""
    assert await leave_ticket(store, successor, "billing") == name
    assert ticket_of(successor.call) == name
    assert len((await store.callbacks())[0]) == 1


async def test_a_ticket_whose_number_never_reached_us_is_the_one_that_the_next_try_gets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = memory_store()
    checkpoint = await at_desk(store)
    add = store.add_callback

    async def answer_lost(ticket: Any) -> str:
        await add(ticket)
        raise StoreUnavailable("Redis did not answer")

    with monkeypatch.context() as patched:
        patched.setattr(store, "add_callback", answer_lost)
        with pytest.raises(ToolError, match="do not promise"):
            await leave_ticket(store, checkpoint, "billing")
    name = await leave_ticket(store, checkpoint, "billing")
    assert [ticket.ticket_id for ticket in (await store.callbacks())[0]] == [name]
    checkpoint.let_go()


async def test_two_calls_have_two_numbers() -> None:
    store = memory_store()
    first, second = await at_desk(store), await hold_call(store, make_call("call-2"))
    assert await leave_ticket(store, first, "billing") != await leave_ticket(store, second, "billing")
    first.let_go()
    second.let_go()


async def test_when_it_cannot_be_stored_no_callback_is_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    store = memory_store()
    checkpoint = await at_desk(store)

    async def away(ticket: Any) -> None:
        raise StoreUnavailable("Redis did not answer")

    monkeypatch.setattr(store, "add_callback", away)
    with pytest.raises(ToolError, match="do not promise"):
        await leave_ticket(store, checkpoint, "billing")
    assert ticket_of(checkpoint.call) == ""
    checkpoint.let_go()


async def test_a_number_that_cannot_be_stored_takes_no_promise_back(monkeypatch: pytest.MonkeyPatch) -> None:
    store = memory_store()
    checkpoint = await at_desk(store)
    name = await leave_ticket(store, checkpoint, "billing")

    async def away(ticket: Any) -> None:
        raise StoreUnavailable("Redis did not answer")

    monkeypatch.setattr(store, "add_callback", away)
    with pytest.raises(ToolError, match=f"the callback stands, its ticket is {name}"):
        await leave_ticket(store, checkpoint, "billing", number="5035550142")
    assert ticket_of(checkpoint.call) == name
    checkpoint.let_go()


@pytest.mark.parametrize("service", ["", "astrology"])
async def test_for_a_service_that_does_not_exist_customer_care_calls_back(service: str) -> None:
    store = memory_store()
    checkpoint = await at_desk(store)
    answer = json.loads(await tool(store, checkpoint)(service=service))
    assert answer["service"] == "escalation"
    checkpoint.let_go()


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("Tomorrow at 10:30 a.m., my wife's name is Ann", "tomorrow at 10:30 a.m"),
        ("after five on Friday", "after five on friday"),
        ("my account is AC4721", ""),
        ("call me on five five five one two three four tomorrow", "on tomorrow"),
        ("tomorrow at 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "tomorrow at"),
        ("", ""),
        ("monday " * 40, ("monday " * 40)[:60].strip()),
    ],
)
def test_of_a_wish_only_days_and_hours_are_kept(words: str, kept: str) -> None:
    assert wished_at(words) == kept


@pytest.mark.parametrize(
    ("ending", "becomes"),
    [
        (Ending.RESOLVED, Ending.CALLBACK_BOOKED),
        (Ending.FAILED, Ending.CALLBACK_BOOKED),
        (Ending.CALLER_HUNG_UP, Ending.CALLBACK_BOOKED),
        (Ending.TRANSFERRED_TO_HUMAN, Ending.TRANSFERRED_TO_HUMAN),
    ],
)
def test_a_call_with_a_ticket_ends_with_a_callback(ending: Ending, becomes: Ending) -> None:
    assert ending_with_ticket(ending, make_call(effects=("leave_callback_ticket CT-10001",))) is becomes
    assert ending_with_ticket(ending, make_call(effects=("book_callback CB-50417 2026-12-01T09:00",))) is becomes
    assert ending_with_ticket(ending, make_call(effects=("process_refund RF-1 49.99",))) is ending
