"""A collector of spans, as small as a real one can be: OTLP over HTTP on loopback, kept as they came."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True, slots=True)
class Told:
    """A span as a backend would have it; ids are hexadecimal, ``parent`` is empty for a root."""

    name: str
    service: str
    trace: str
    id: str
    parent: str
    status: str
    """What went wrong; empty when nothing did."""
    links: tuple[str, ...]
    attributes: dict[str, str | int | float | bool]
    whole: str
    """All of it, its events and its resource too, as text."""


class Collector:
    """Listens from its making to ``close``."""

    def __init__(self) -> None:
        self._told: list[Told] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def spans(self) -> list[Told]:
        """All that came so far."""
        return list(self._told)

    def take(self, body: bytes) -> None:
        """A request's body. Raises DecodeError for what is none."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    whole = f"{span}{resource.resource}"
                    self._told.append(_told(span, service=named.get("service.name", ""), whole=whole))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                is_zipped = self.headers.get("content-encoding") == "gzip"
                collector.take(gzip.decompress(body) if is_zipped else body)
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: a test's output is for its failures."""

        return Handler

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Collector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _told(span: Span, *, service: str, whole: str) -> Told:
    return Told(
        name=span.name,
        service=service,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        status=(span.status.message or "error") if span.status.code == span.status.STATUS_CODE_ERROR else "",
        links=tuple(link.span_id.hex() for link in span.links),
        attributes={pair.key: _value(pair.value) for pair in span.attributes},
        whole=whole,
    )


def _value(value: AnyValue) -> str | int | float | bool:
    kind = value.WhichOneof("value")
    found: str | int | float | bool = getattr(value, kind) if kind else ""
    return found
