"""An offer carries its span over the wire, and the taker's answer is a span of the same trace that says what came of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from handoff import wire
from handoff.memory_store import MemoryStore
from handoff.outcome import Accepted, Declined
from handoff.testing import FakeClock, make_context, make_turn
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from telemetry import tracing
from telemetry.names import root_span_id, trace_id_of
from telemetry.testing import traced

from tests.integration.billing_service import Billing, billing_with

SECRET = "Wednesday"
"""A word that could be a name."""


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    with traced() as spans:
        yield spans


@pytest.fixture
async def billing(spans: InMemorySpanExporter) -> AsyncIterator[Billing]:
    clock = FakeClock()
    async with billing_with(MemoryStore(now=clock), clock) as running:
        yield running


async def test_the_answer_is_a_span_under_the_offer_and_holds_nothing_of_what_was_said(
    billing: Billing, spans: InMemorySpanExporter
) -> None:
    context = make_context("h1", turns=(make_turn(f"my cat is called {SECRET}"),))
    with tracing.span("handoff.offer", call_id=context.call_id):
        assert isinstance(await billing.offer(context), Accepted)
    answer, offer = spans.get_finished_spans()
    assert answer.name == "handoff.answer" and answer.kind.name == "SERVER"
    assert answer.context.trace_id == offer.context.trace_id == trace_id_of(context.call_id)
    assert answer.parent is not None and answer.parent.span_id == offer.context.span_id
    assert dict(answer.attributes or {}) == {
        "voicemesh.call_id": context.call_id,
        "voicemesh.handoff_id": "h1",
        "voicemesh.from": "triage",
        "voicemesh.to": "billing",
        "voicemesh.outcome": "accepted",
    }
    assert SECRET not in answer.to_json() + offer.to_json()


async def test_a_refusal_is_told_by_its_own_word(billing: Billing, spans: InMemorySpanExporter) -> None:
    billing.places.draining = True
    assert isinstance(await billing.offer(make_context("h1")), Declined)
    (answer,) = spans.get_finished_spans()
    assert (answer.attributes or {})["voicemesh.outcome"] == "draining"
    assert answer.status.is_unset, "it is no fault"


async def test_a_giver_of_a_release_without_spans_is_answered_under_the_call(
    billing: Billing, spans: InMemorySpanExporter
) -> None:
    context = make_context("h1")
    await billing.offer_raw(wire.OfferRequest(to_service="billing", context=wire.to_wire(context)))
    (answer,) = spans.get_finished_spans()
    assert answer.parent is not None and answer.parent.span_id == root_span_id(context.call_id)


async def test_a_giver_whose_name_is_none_of_ours_has_none_in_the_trace(
    billing: Billing, spans: InMemorySpanExporter
) -> None:
    context = wire.to_wire(replace(make_context("h1"), services=(SECRET,)))
    await billing.offer_raw(wire.OfferRequest(to_service="billing", context=context))
    (answer,) = spans.get_finished_spans()
    assert (answer.attributes or {})["voicemesh.from"] == "other"
    assert SECRET not in answer.to_json()
