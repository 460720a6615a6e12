"""Spans that a test can read, instead of a collector."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from telemetry import tracing


@contextmanager
def traced(service: str = "billing") -> Iterator[InMemorySpanExporter]:
    """What this process traces meanwhile, as that service."""
    exporter = InMemorySpanExporter()
    tracing.start(service, version="1", processor=SimpleSpanProcessor(exporter))
    try:
        yield exporter
    finally:
        tracing.stop()
