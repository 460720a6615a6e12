"""A collector that is away is said once and not asked with every batch."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from telemetry import tracing
from telemetry.sending import AGAIN_SECONDS, Patient


class Collector(SpanExporter):
    """Takes spans while it ``is_there``."""

    def __init__(self) -> None:
        self.is_there, self.asked = False, 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked += 1
        return SpanExportResult.SUCCESS if self.is_there else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        return None


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def collector() -> Collector:
    return Collector()


def test_a_collector_that_is_away_is_said_once_and_asked_now_and_then(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    sending = Patient(collector, monotonic=clock)
    for _ in range(100):
        assert sending.export([]) is SpanExportResult.FAILURE
    assert collector.asked == 1
    clock.now += AGAIN_SECONDS
    sending.export([])
    assert collector.asked == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_collector_that_is_back_gets_the_spans_again_and_that_is_said(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    sending = Patient(collector, monotonic=clock)
    sending.export([])
    collector.is_there = True
    clock.now += AGAIN_SECONDS
    with caplog.at_level(logging.INFO):
        assert [sending.export([]) for _ in range(3)] == [SpanExportResult.SUCCESS] * 3
    assert collector.asked == 4
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_what_waits_is_sent_when_a_process_stops(collector: Collector) -> None:
    collector.is_there = True
    tracing.start("ledger", processor=BatchSpanProcessor(collector, schedule_delay_millis=3_600_000))
    tracing.write_call("call-7", {}, started_at=1.0, ended_at=2.0)
    tracing.stop()
    assert collector.asked == 1
    assert not tracing.is_on()
