"""The root of a call's trace is written once, when its ending is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ended_calls import end_call
from handoff.call import Ending
from handoff.ledger import LedgerLine
from handoff.memory_store import MemoryStore
from ledger.database import LedgerDatabase
from ledger.run import Ledger
from ledger.settings import Settings
from ledger.traces import write_roots
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from telemetry.names import root_span_id, trace_id_of
from telemetry.testing import traced

SAID = "my neighbour's dog is called Zebra"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    with traced("ledger") as spans:
        yield spans


async def test_a_call_that_has_ended_gets_its_root_once_however_often_its_line_is_read(
    store: MemoryStore, database: LedgerDatabase, settings: Settings, spans: InMemorySpanExporter
) -> None:
    await end_call(store, "call-1", Ending.FAILED, detail=SAID)
    written = []
    for _ in range(2):
        ledger = Ledger(settings, store=store, database=database)
        for _ in range(2):
            await ledger.endings.catch_up()
        written.append(ledger.metrics.registry.get_sample_value("voicemesh_endings_total", {"ending": "failed"}))
    (root,) = spans.get_finished_spans()
    assert (root.name, root.context.trace_id, root.context.span_id) == (
        "call",
        trace_id_of("call-1"),
        root_span_id("call-1"),
    )
    assert dict(root.attributes or {}) == {
        "voicemesh.call_id": "call-1",
        "voicemesh.ending": "failed",
        "voicemesh.channel": "web",
    }
    assert root.status.description == "failed"
    assert "Zebra" not in root.to_json()
    assert written == [1, 0]


@pytest.mark.parametrize("started_at", [0.0, -1.0, 200.0, float("nan"), float("inf")])
def test_a_beginning_that_cannot_be_leaves_the_end(spans: InMemorySpanExporter, started_at: float) -> None:
    write_roots([LedgerLine("call-1", Ending.RESOLVED, 100.0, started_at=started_at)])
    (root,) = spans.get_finished_spans()
    assert root.start_time == root.end_time == 100_000_000_000


def test_what_no_channel_is_called_is_left_out(spans: InMemorySpanExporter) -> None:
    write_roots([LedgerLine("call-1", Ending.RESOLVED, 100.0, started_at=60.0, channel=SAID)])
    (root,) = spans.get_finished_spans()
    assert "voicemesh.channel" not in (root.attributes or {})
    assert root.start_time == 60_000_000_000
