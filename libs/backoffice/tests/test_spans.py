"""What a back office traces of a tool call: which tool, whether it was refused, and where it stands; never what it was asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from backoffice.testing import Call
from mcp.server.mcpserver.exceptions import ToolError
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from telemetry.names import root_span_id, trace_id_of
from telemetry.testing import traced

OF_THE_CALL = f"00-{trace_id_of('call-1'):032x}-{7:016x}-01"
OF_ANOTHER = f"00-{trace_id_of('call-2'):032x}-{9:016x}-01"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    with traced("parcels-mcp") as spans:
        yield spans


def only(spans: InMemorySpanExporter) -> ReadableSpan:
    (span,) = spans.get_finished_spans()
    return span


def parent_of(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def test_a_tool_call_is_a_span_of_its_call_that_says_which_tool_and_not_what_it_was_asked(
    call: Call, spans: InMemorySpanExporter
) -> None:
    assert call("verify_identity", account_id="AC4721", postal_code="97209")[0] is False
    span = only(spans)
    assert (span.name, span.kind.name, span.context.trace_id) == ("mcp.tool", "SERVER", trace_id_of("call-1"))
    assert parent_of(span) == root_span_id("call-1")
    assert dict(span.attributes or {}) == {
        "voicemesh.tool": "verify_identity",
        "voicemesh.refused": False,
        "voicemesh.call_id": "call-1",
    }
    assert "4721" not in span.to_json()


def test_a_refusal_is_no_fault(call: Call, spans: InMemorySpanExporter) -> None:
    assert call("verify_identity", account_id="AC4721", postal_code="00000")[0] is True
    assert (only(spans).attributes or {})["voicemesh.refused"] is True
    assert only(spans).status.is_ok or only(spans).status.is_unset


@pytest.mark.parametrize(
    ("meta", "header", "parent"),
    [
        (OF_THE_CALL, "", 7),
        ("", OF_THE_CALL, 7),
        (OF_THE_CALL, OF_ANOTHER, 7),
        (OF_ANOTHER, "", root_span_id("call-1")),
        ("nonsense", "nonsense", root_span_id("call-1")),
        ({"not": "text"}, OF_THE_CALL, 7),
    ],
)
def test_it_stands_under_the_span_that_the_request_names_its_own_word_before_the_headers(
    call: Call, spans: InMemorySpanExporter, meta: Any, header: str, parent: int
) -> None:
    call.under(meta, header=header)("find_account", account_id="AC4721")
    assert parent_of(only(spans)) == parent


def test_a_tool_that_a_model_invents_has_no_name_in_the_trace(call: Call, spans: InMemorySpanExporter) -> None:
    with pytest.raises(ToolError):
        call("AC4721")
    span = only(spans)
    assert (span.attributes or {})["voicemesh.tool"] == "other"
    assert "4721" not in span.to_json()


def test_without_a_call_a_tool_has_a_trace_of_its_own(call: Call, spans: InMemorySpanExporter) -> None:
    call.on("")("find_account", account_id="AC4721")
    assert only(spans).parent is None
    assert "voicemesh.call_id" not in (only(spans).attributes or {})
