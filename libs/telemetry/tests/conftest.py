"""Spans that a test can read, instead of a collector."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from telemetry.testing import traced


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """What this process traced."""
    with traced() as spans:
        yield spans
