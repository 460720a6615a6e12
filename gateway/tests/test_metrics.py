"""How callers who asked to be let in fared is counted, and each who was has a span in his call's trace; none says who asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from handoff.memory_store import MemoryStore
from handoff.testing import OutageStore
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from starlette.testclient import TestClient
from telemetry import measure
from telemetry.catalog import GATEWAY
from telemetry.instruments import Instruments
from telemetry.names import root_span_id, trace_hex_of, trace_id_of
from telemetry.testing import traced

from gateway.app import application
from gateway.settings import Settings
from gateway.tests.conftest import SITE, Browser


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    with traced("gateway") as spans:
        yield spans


@pytest.fixture
def shown() -> Iterator[CollectorRegistry]:
    registry = CollectorRegistry()
    measure.into(Instruments(registry, GATEWAY))
    yield registry
    measure.into(None)


def tokens(shown: CollectorRegistry) -> dict[str, float]:
    return {
        sample.labels["outcome"]: sample.value
        for family in shown.collect()
        for sample in family.samples
        if sample.name == "voicemesh_gateway_tokens_total"
    }


def test_a_caller_who_is_let_in_is_counted_and_is_a_span_of_his_call(
    browser: Browser, spans: InMemorySpanExporter, shown: CollectorRegistry
) -> None:
    call_id = browser().post("/api/calls", json={"service": "billing"}).json()["call_id"]
    (span,) = spans.get_finished_spans()
    assert (span.name, span.context.trace_id) == ("gateway.token", trace_id_of(call_id))
    assert span.parent is not None and span.parent.span_id == root_span_id(call_id)
    assert dict(span.attributes or {}) == {
        "voicemesh.call_id": call_id,
        "voicemesh.service": "billing",
        "voicemesh.outcome": "given",
    }
    assert tokens(shown) == {"given": 1}
    assert trace_hex_of(call_id) in generate_latest(shown).decode()
    assert "203.0.113.7" not in span.to_json() + generate_latest(shown).decode()


def test_a_page_that_is_loaded_again_is_let_in_again(
    browser: Browser, spans: InMemorySpanExporter, shown: CollectorRegistry
) -> None:
    page = browser()
    call_id = page.post("/api/calls").json()["call_id"]
    page.post("/api/calls/again")
    assert {span.context.trace_id for span in spans.get_finished_spans()} == {trace_id_of(call_id)}
    assert tokens(shown) == {"given": 2}


def test_who_is_not_let_in_is_counted_by_why_and_has_no_span(
    settings: Settings, store: MemoryStore, spans: InMemorySpanExporter, shown: CollectorRegistry
) -> None:
    page = TestClient(
        application(replace(settings, calls_per_minute=1), store), base_url=SITE, headers={"origin": SITE}
    )
    assert page.post("/api/calls", content=b"{").status_code == 400
    assert page.post("/api/calls").status_code == 429
    assert page.post("/api/calls", headers={"origin": "https://evil.example"}).status_code == 403
    assert tokens(shown) == {"refused": 2, "limited": 1}
    assert not spans.get_finished_spans()


def test_a_store_that_is_away_is_a_failure(
    settings: Settings, spans: InMemorySpanExporter, shown: CollectorRegistry
) -> None:
    away = OutageStore()
    page = TestClient(application(settings, away), base_url=SITE, headers={"origin": SITE})
    page.post("/api/calls")
    away.is_away = True
    assert page.post("/api/calls/again").status_code == 503
    assert tokens(shown) == {"given": 1, "failed": 1}
