"""Spans on their way to a collector, which may be away for as long as it likes: that is said once, and costs no more than the spans."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

log = logging.getLogger("voicemesh.tracing")

_ONE_SECONDS = 3.0
"""The longest that one batch is tried, with all its repetitions."""
AGAIN_SECONDS = 10.0
"""A collector that was away is tried again after so long; what ends until then is dropped."""


def to(endpoint: str) -> SpanExporter:
    """OTLP over HTTP to this base address."""
    # Imported here: with protobuf and requests it takes 0.1 s and some megabytes, for those who trace.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    # It would tell of each failed try, with the address, which may hold a key.
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
    return Patient(OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces", timeout=_ONE_SECONDS))


class Patient(SpanExporter):
    """Sends by ``inner``; drops while that is known to fail."""

    def __init__(self, inner: SpanExporter, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._inner, self._monotonic = inner, monotonic
        self._again_at: float | None = None
        """When a collector that is away is tried next; None while it is there."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """As SpanExporter says."""
        if self._again_at is not None and self._monotonic() < self._again_at:
            return SpanExportResult.FAILURE
        result = self._inner.export(spans)
        if result is SpanExportResult.SUCCESS:
            if self._again_at is not None:
                log.info("the collector takes spans again")
            self._again_at = None
        else:
            if self._again_at is None:
                log.warning(
                    "the collector of OTEL_EXPORTER_OTLP_ENDPOINT takes no spans: they are dropped until it does"
                )
            self._again_at = self._monotonic() + AGAIN_SECONDS
        return result

    def shutdown(self) -> None:
        """As SpanExporter says."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """As SpanExporter says."""
        return self._inner.force_flush(timeout_millis)
