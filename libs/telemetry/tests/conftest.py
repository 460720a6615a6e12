"""Spans that a test can read, instead of a collector."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from telemetry import tracing


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What this process traced."""
    exporter = InMemorySpanExporter()
    tracing.start("billing", version="1", processor=SimpleSpanProcessor(exporter))
    yield exporter
    tracing.stop()
