"""One trace per call, whichever process writes a part of it, and never a caller's word in it."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from telemetry import tracing
from telemetry.names import agent_span_id, root_span_id, trace_hex_of, trace_id_of

CALL = "call-7"
WORDS = "I was charged twice for March"


def test_a_calls_trace_id_is_the_same_in_every_process_and_another_calls_is_another() -> None:
    assert trace_id_of(CALL) == trace_id_of(CALL) != trace_id_of("call-8")
    assert len(trace_hex_of(CALL)) == 32
    assert len({root_span_id(CALL), agent_span_id(CALL, "a"), agent_span_id(CALL, "b")}) == 3


def test_a_span_of_a_call_stands_under_the_calls_root_before_that_is_written(spans: InMemorySpanExporter) -> None:
    with tracing.span("turn", call_id=CALL):
        pass
    (turn,) = spans.get_finished_spans()
    assert turn.context.trace_id == trace_id_of(CALL)
    assert turn.parent is not None and turn.parent.span_id == root_span_id(CALL)


def test_the_root_is_written_once_the_call_has_ended_with_its_own_times(spans: InMemorySpanExporter) -> None:
    tracing.write_call(CALL, {"voicemesh.ending": "resolved"}, started_at=100.0, ended_at=160.5)
    (root,) = spans.get_finished_spans()
    assert (root.context.trace_id, root.context.span_id, root.parent) == (trace_id_of(CALL), root_span_id(CALL), None)
    assert (root.start_time, root.end_time) == (100_000_000_000, 160_500_000_000)


def test_a_span_falls_under_what_encloses_it_and_else_under_the_jobs_agent(spans: InMemorySpanExporter) -> None:
    agent = tracing.begin("agent", call_id=CALL, span_id=agent_span_id(CALL, "billing-1"))
    tracing.live_in(agent)
    with tracing.span("handoff"), tracing.span("handoff.offer"):
        pass
    offer, handoff = spans.get_finished_spans()
    assert offer.parent is not None and offer.parent.span_id == handoff.context.span_id
    assert handoff.parent is not None and handoff.parent.span_id == agent_span_id(CALL, "billing-1")


def test_a_successor_links_to_the_agent_that_was_lost_and_the_finder_writes_that_one(
    spans: InMemorySpanExporter,
) -> None:
    tracing.write_lost_agent(CALL, "billing-1", {}, started_at=5.0)
    tracing.end(tracing.begin("agent", call_id=CALL, links=(agent_span_id(CALL, "billing-1"),)))
    lost, successor = spans.get_finished_spans()
    assert lost.status.description == "lost"
    assert [link.context.span_id for link in successor.links] == [lost.context.span_id]


def test_another_service_goes_on_under_the_span_that_told_it(spans: InMemorySpanExporter) -> None:
    with tracing.span("handoff.offer", call_id=CALL):
        told = tracing.to_tell()
    with tracing.span("handoff.answer", parent=tracing.told(told, CALL)):
        pass
    offer, answer = spans.get_finished_spans()
    assert answer.parent is not None and answer.parent.span_id == offer.context.span_id


@pytest.mark.parametrize("carrier", [{}, {"traceparent": "nonsense"}, {"traceparent": f"00-{7:032x}-{7:016x}-01"}])
def test_a_traceparent_that_is_missing_broken_or_of_another_call_leaves_the_span_in_its_own_call(
    spans: InMemorySpanExporter, carrier: dict[str, str]
) -> None:
    with tracing.span("handoff.answer", parent=tracing.told(carrier, CALL)):
        pass
    (answer,) = spans.get_finished_spans()
    assert (answer.context.trace_id, answer.parent and answer.parent.span_id) == (trace_id_of(CALL), root_span_id(CALL))


def test_words_and_unknown_attributes_have_no_way_into_a_span(spans: InMemorySpanExporter) -> None:
    with tracing.span("tool", {"voicemesh.tool": WORDS, "said": "x", "voicemesh.refused": True}, call_id=CALL) as tool:
        tracing.note(tool, {"voicemesh.outcome": WORDS})
    (tool_span,) = spans.get_finished_spans()
    assert dict(tool_span.attributes or {}) == {"voicemesh.refused": True, "voicemesh.call_id": CALL}


def test_what_is_raised_through_a_span_is_told_by_its_class_and_never_by_its_text(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError), tracing.span("tool", call_id=CALL):
        raise ValueError(WORDS)
    (tool,) = spans.get_finished_spans()
    assert tool.status.description == "ValueError"
    assert not tool.events
    assert WORDS not in tool.to_json()


def test_a_span_that_the_catalog_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="no span of the catalog"):
        tracing.begin("something else")


def test_without_a_backend_nothing_is_written_and_nothing_is_told() -> None:
    tracing.start("billing", endpoint="")
    with tracing.span("turn", call_id=CALL) as turn:
        assert not turn.is_recording()
        assert tracing.to_tell() == {}
    assert not tracing.is_on()


def test_what_begins_within_a_span_that_does_not_enclose_is_the_agents(spans: InMemorySpanExporter) -> None:
    tracing.live_in(tracing.begin("agent", call_id=CALL, span_id=agent_span_id(CALL, "billing-1")))
    with tracing.span("handoff.prepare", encloses=False), tracing.span("turn"):
        pass
    turn, _ = spans.get_finished_spans()
    assert turn.parent is not None and turn.parent.span_id == agent_span_id(CALL, "billing-1")
