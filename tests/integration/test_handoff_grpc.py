"""Giver and taker over real gRPC on loopback: every answer and every refusal."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from handoff import wire
from handoff.call import Source
from handoff.context import MAX_BYTES, MAX_HOPS
from handoff.errors import UnknownHandoff
from handoff.giver import HandoffUpdate, PoolStatus
from handoff.lifecycle import State
from handoff.memory_store import MemoryStore
from handoff.outcome import Accepted, Declined, Outcome, Refusal
from handoff.store import Handoff
from handoff.taker import Taker, serve
from handoff.testing import START, FakeClock, make_call, make_context, make_fact, make_handoff, make_turn

from tests.integration.billing_service import PATIENT_SECONDS, Billing, Places, billing_with

SECRET = "my cat is called Wednesday"


@pytest.fixture
async def billing() -> AsyncIterator[Billing]:
    clock = FakeClock()
    async with billing_with(MemoryStore(now=clock), clock) as running:
        yield running


# --- offers that are taken ----------------------------------------------------------------------------------------------


async def test_an_offer_is_accepted_and_the_taker_has_the_whole_context(billing: Billing) -> None:
    context = make_context("h1", turns=(make_turn(SECRET),))
    assert await billing.offer(context) == Accepted("h1", agent_name="billing", version="1.2.3")
    stored = await billing.store.load_handoff("h1")
    assert stored is not None
    assert stored.context == context
    assert (stored.state, stored.from_service, stored.to_service) == (State.ACCEPTED, "triage", "billing")
    assert billing.places.kept == ["h1"]


async def test_the_same_offer_again_gets_the_same_answer_and_no_second_place(billing: Billing) -> None:
    context = make_context("h1")
    first = await billing.offer(context)
    assert await billing.offer(context) == first
    await billing.store.move("h1", State.DISPATCHED)
    assert await billing.offer(context) == first
    assert billing.places.kept == ["h1"]


async def test_many_copies_of_an_offer_at_once_keep_one_place(billing: Billing) -> None:
    context = make_context("h1")
    answers = await asyncio.gather(*(billing.offer(context) for _ in range(8)))
    assert set(answers) == {Accepted("h1", "billing", "1.2.3")}
    assert billing.places.kept == ["h1"]


async def test_an_offer_that_another_process_of_the_service_took_keeps_no_place_here(billing: Billing) -> None:
    handoff = make_handoff("h1")
    await billing.store.offer(handoff)
    await billing.store.move("h1", State.ACCEPTED)
    assert isinstance(await billing.offer(handoff.context), Accepted)
    assert billing.places.kept == []


async def test_an_offer_that_was_stored_and_never_answered_is_taken_up(billing: Billing) -> None:
    handoff = make_handoff("h1")
    await billing.store.offer(handoff)
    assert isinstance(await billing.offer(handoff.context), Accepted)
    assert billing.places.kept == ["h1"]


async def test_facts_that_billing_may_not_have_are_not_stored(billing: Billing) -> None:
    context = make_context("h1", facts=(make_fact("account_id", "AC4721"), make_fact("mother_s_name", SECRET)))
    await billing.offer(context)
    stored = await billing.store.load_handoff("h1")
    assert stored is not None
    assert [fact.name for fact in stored.context.facts] == ["account_id"]


# --- refusals -----------------------------------------------------------------------------------------------------------


def _reason(outcome: Outcome) -> Refusal | None:
    return outcome.reason if isinstance(outcome, Declined) else None


async def test_a_full_service_declines_and_says_so(billing: Billing) -> None:
    billing.places.capacity = 0
    assert _reason(await billing.offer(make_context("h1"))) is Refusal.AT_CAPACITY
    assert await billing.store.load_handoff("h1") is None


async def test_a_declined_offer_may_be_made_again_when_there_is_room(billing: Billing) -> None:
    billing.places.capacity = 0
    await billing.offer(make_context("h1"))
    billing.places.capacity = 1
    assert isinstance(await billing.offer(make_context("h1")), Accepted)


async def test_a_draining_service_declines_and_says_so(billing: Billing) -> None:
    billing.places.draining = True
    assert _reason(await billing.offer(make_context("h1"))) is Refusal.DRAINING


async def test_an_accepted_offer_repeated_while_draining_is_still_accepted(billing: Billing) -> None:
    first = await billing.offer(make_context("h1"))
    billing.places.draining = True
    assert await billing.offer(make_context("h1")) == first


async def test_an_offer_meant_for_another_service_is_declined(billing: Billing) -> None:
    assert _reason(await billing.offer(make_context("h1"), "triage")) is Refusal.WRONG_SERVICE


async def test_a_context_older_than_its_time_to_live_is_stale(billing: Billing) -> None:
    context = make_context("h1")
    billing.clock.advance(301)
    assert _reason(await billing.offer(context)) is Refusal.STALE
    assert billing.places.kept == []


async def test_a_call_that_went_through_too_many_services_is_declined(billing: Billing) -> None:
    context = make_context("h1", services=("triage", "billing") * MAX_HOPS)
    assert _reason(await billing.offer(context)) is Refusal.HOP_LIMIT


async def test_another_context_under_the_same_id_is_invalid(billing: Billing) -> None:
    await billing.offer(make_context("h1"))
    assert _reason(await billing.offer(make_context("h1", summary="Something else."))) is Refusal.INVALID
    assert billing.places.kept == ["h1"]


async def test_an_offer_that_was_withdrawn_is_not_taken_up_again(billing: Billing) -> None:
    await billing.offer(make_context("h1"))
    await billing.giver.withdraw("h1", "billing", "caller_left")
    assert _reason(await billing.offer(make_context("h1"))) is Refusal.STALE
    assert billing.places.kept == []


async def test_an_oversize_context_is_declined_before_it_is_sent(billing: Billing) -> None:
    await billing.listener.stop()
    assert _reason(await billing.offer(make_context("h1", summary="x" * MAX_BYTES))) is Refusal.INVALID


async def test_an_oversize_context_that_is_sent_all_the_same_is_declined_by_the_taker(billing: Billing) -> None:
    request = wire.OfferRequest(to_service="billing", context=wire.to_wire(make_context("h1")))
    request.context.summary = "x" * MAX_BYTES
    assert _reason(wire.outcome_from_wire(await billing.offer_raw(request), "h1")) is Refusal.INVALID


async def test_a_message_beyond_all_measure_is_not_even_read(billing: Billing) -> None:
    request = wire.OfferRequest(to_service="billing", context=wire.to_wire(make_context("h1")))
    request.context.summary = "x" * 8 * MAX_BYTES
    with pytest.raises(grpc.aio.AioRpcError) as fault:
        await billing.offer_raw(request)
    assert fault.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_fact_that_claims_to_be_verified_but_came_from_no_tool_is_declined(billing: Billing) -> None:
    request = wire.OfferRequest(to_service="billing", context=wire.to_wire(make_context("h1")))
    request.context.extracted_info.billing.account_id.verified = True
    assert _reason(wire.outcome_from_wire(await billing.offer_raw(request), "h1")) is Refusal.INVALID


async def test_an_empty_offer_is_declined(billing: Billing) -> None:
    response = await billing.offer_raw(wire.OfferRequest(to_service="billing"))
    assert _reason(wire.outcome_from_wire(response, "")) is Refusal.INVALID


async def test_a_verified_fact_of_a_tool_arrives_verified(billing: Billing) -> None:
    fact = make_fact("account_id", "AC4721", source=Source.TOOL, verified=True)
    await billing.offer(make_context("h1", facts=(fact,)))
    stored = await billing.store.load_handoff("h1")
    assert stored is not None
    assert stored.context.facts == (fact,)


async def test_no_word_of_the_caller_is_logged(billing: Billing, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    context = make_context("h1", summary=SECRET, turns=(make_turn(SECRET),), display_name=SECRET)
    billing.places.capacity = 1
    await billing.offer(context)
    await billing.offer(replace(context, language="de"))
    await billing.offer(replace(context, handoff_id="h2"))
    await billing.offer(replace(context, handoff_id="h3", summary=SECRET * MAX_BYTES))
    billing.clock.advance(301)
    await billing.offer(replace(context, handoff_id="h4"))
    assert "offer accepted" in caplog.text
    assert "offer declined" in caplog.text
    assert SECRET not in caplog.text


# --- withdraw, watch, pool, health ----------------------------------------------------------------------------------------


async def test_a_withdrawn_offer_frees_its_place_and_says_why(billing: Billing) -> None:
    await billing.offer(make_context("h1"))
    await billing.giver.withdraw("h1", "billing", "caller_left")
    await billing.giver.withdraw("h1", "billing", "caller_left")
    stored = await billing.store.load_handoff("h1")
    assert stored is not None
    assert (stored.state, stored.reason) == (State.WITHDRAWN, "caller_left")
    assert billing.places.kept == []


async def test_withdrawing_what_was_never_offered_is_no_error(billing: Billing) -> None:
    await billing.giver.withdraw("h404", "billing", "caller_left")


async def test_a_handoff_that_is_taken_cannot_be_withdrawn(billing: Billing) -> None:
    handoff = make_handoff("h1")
    await _store_as_taken(billing.store, handoff)
    await billing.giver.withdraw("h1", "billing", "changed_my_mind")
    stored = await billing.store.load_handoff("h1")
    assert stored is not None
    assert stored.state is State.TAKEN


async def _store_as_taken(store: MemoryStore, handoff: Handoff) -> None:
    await store.open_call(make_call(handoff.context.call_id))
    floor = await store.take_floor(handoff.context.call_id, service="triage", agent_id="triage-1", lease_seconds=10)
    await store.offer(handoff)
    await store.move("h1", State.ACCEPTED)
    await store.move("h1", State.READY, taker_id="billing-h1")
    await store.pass_floor("h1", epoch=floor.epoch, lease_seconds=10)


async def test_a_watcher_sees_every_step_and_who_takes_the_call(billing: Billing) -> None:
    await billing.offer(make_context("h1"))
    seen: list[HandoffUpdate] = []
    async for update in billing.giver.watch("h1", "billing"):
        seen.append(update)
        match update.state:
            case State.ACCEPTED:
                billing.clock.advance(0.5)
                await billing.store.move("h1", State.READY, taker_id="billing-h1")
            case State.READY:
                await billing.store.move("h1", State.WITHDRAWN, reason="caller_left")
    assert [update.state for update in seen] == [State.ACCEPTED, State.READY, State.WITHDRAWN]
    assert seen[1].taker_id == "billing-h1"
    assert seen[1].moved_at[State.READY] == START + 0.5
    assert seen[2].reason == "caller_left"


async def test_watching_what_is_not_stored_is_an_unknown_handoff(billing: Billing) -> None:
    with pytest.raises(UnknownHandoff):
        await anext(aiter(billing.giver.watch("h404", "billing")))


async def test_the_pool_tells_capacity_load_and_release(billing: Billing) -> None:
    await billing.offer(make_context("h1"))
    assert await billing.giver.pool("billing") == PoolStatus(
        "billing", capacity=2, active=1, draining=False, version="1.2.3"
    )


@pytest.mark.parametrize("name", ["", "handoff.v1.HandoffService"])
async def test_the_health_service_answers_serving(billing: Billing, name: str) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{billing.listener.port}") as channel:
        request = health_pb2.HealthCheckRequest(service=name)
        response = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=PATIENT_SECONDS)
    assert response.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_port_in_use_is_an_error_that_names_it(billing: Billing) -> None:
    taker = Taker("billing", "1.2.3", store=billing.store, admission=Places())
    with pytest.raises(OSError, match=str(billing.listener.port)):
        await serve(taker, host="127.0.0.1", port=billing.listener.port)
