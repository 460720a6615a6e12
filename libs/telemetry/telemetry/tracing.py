"""One trace per call, across every process that has a part in it.

``start`` once per process (in a job: after the fork, for the exporter has a thread); without an endpoint everything here costs next to
nothing and writes nothing. Spans hold no words: only attributes of the catalog, and of those only numbers, flags and plain names. An
exception is told by its class.
"""

from __future__ import annotations

import contextvars
import logging
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from types import MappingProxyType

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from telemetry import catalog, sending
from telemetry.names import TRACEPARENT, agent_span_id, root_span_id, trace_id_of

log = logging.getLogger("voicemesh.tracing")

Value = str | int | float | bool
Parent = Context
"""Where a span stands: see of_call, of_agent, told."""
SERVER = SpanKind.SERVER
"""The kind of a span that answers another process."""
_FLUSH_MS = 500
"""What a killed process had not sent yet is lost: half a second of spans at most."""
_QUEUE = 2048
_LAST_SECONDS = 1.0
"""An ending job has some seconds; a collector that is away must not use them up."""
_PLAIN = re.compile(r"[\w.:/@+-]{0,96}", re.ASCII)
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_PROPAGATOR = TraceContextTextMapPropagator()


class _Ids(RandomIdGenerator):
    """Random, but for a span whose id others must be able to compute."""

    def __init__(self) -> None:
        self.wanted: contextvars.ContextVar[tuple[int, int] | None] = contextvars.ContextVar("wanted_ids", default=None)

    def generate_trace_id(self) -> int:
        wanted = self.wanted.get()
        return wanted[0] if wanted else super().generate_trace_id()

    def generate_span_id(self) -> int:
        wanted = self.wanted.get()
        return wanted[1] if wanted else super().generate_span_id()


@dataclass(slots=True)
class _Process:
    """What this process traces with. ``home`` is the span under which work falls that no other span encloses: a job has one call."""

    provider: TracerProvider | None = None
    ids: _Ids | None = None
    home: Context | None = None


_process = _Process()


def start(
    service: str,
    *,
    version: str = "",
    endpoint: str = "",
    processor: SpanProcessor | None = None,
) -> None:
    """Spans of this process go to ``endpoint`` (OTLP over HTTP, its base URL); nowhere when that is empty. ``service`` becomes
    `service.name`. ``processor`` takes the exporter's place, for tests. Sampling, headers and timeouts are OpenTelemetry's own
    variables (OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS, ...)."""
    if processor is None:
        if not endpoint:
            return
        processor = BatchSpanProcessor(
            sending.to(endpoint), max_queue_size=_QUEUE, schedule_delay_millis=_FLUSH_MS, export_timeout_millis=5_000
        )
    _process.ids = _Ids()
    resource = Resource.create({"service.name": service, "service.namespace": "voicemesh", "service.version": version})
    _process.provider = TracerProvider(resource=resource, id_generator=_process.ids, shutdown_on_exit=False)
    _process.provider.add_span_processor(processor)


def stop() -> None:
    """Sends what waits, for a second at most; then no more. Blocks: not for an event loop in the middle of a call."""
    provider, _process.provider, _process.home = _process.provider, None, None
    if provider is None:
        return
    # In a thread that dies with the process: the SDK's own deadlines are not kept while a collector hangs.
    closing = threading.Thread(target=provider.shutdown, name="voicemesh-last-spans", daemon=True)
    with suppress(RuntimeError):  # no thread begins any more when the interpreter ends
        closing.start()
        closing.join(_LAST_SECONDS)


def is_on() -> bool:
    """Whether spans of this process go anywhere."""
    return _process.provider is not None


# --- spans ------------------------------------------------------------------------------------------------------------
def begin(
    name: str,
    attributes: Mapping[str, Value] = MappingProxyType({}),
    *,
    call_id: str = "",
    parent: Context | None = None,
    span_id: int | None = None,
    links: tuple[int, ...] = (),
    started_at: float | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
) -> Span:
    """A span that its holder ends (``end``). Its parent: ``parent``, else the current span, else this job's agent, else the call.

    ``call_id`` is needed where none of these can be; ``links`` are ids of spans of the same call; ``started_at`` is in Unix seconds.
    Raises ValueError for a name that the catalog does not have.
    """
    if name not in catalog.SPANS:
        raise ValueError(f"{name!r} is no span of the catalog")
    if _process.provider is None or _process.ids is None:
        return trace.INVALID_SPAN
    above = parent if parent is not None else _above(call_id)
    if call_id:
        attributes = {**attributes, "voicemesh.call_id": call_id}
    token = _process.ids.wanted.set((trace_id_of(call_id), span_id) if span_id is not None else None)
    try:
        return _process.provider.get_tracer("voicemesh").start_span(
            name,
            context=above,
            kind=kind,
            attributes=clean(attributes),
            links=[Link(_context(trace_id_of(call_id), linked)) for linked in links],
            start_time=None if started_at is None else int(started_at * 1e9),
        )
    finally:
        _process.ids.wanted.reset(token)


def end(
    span: Span,
    attributes: Mapping[str, Value] = MappingProxyType({}),
    *,
    error: str = "",
    ended_at: float | None = None,
) -> None:
    """``error``: a plain name of what went wrong; empty when nothing did. ``ended_at`` in Unix seconds."""
    note(span, attributes)
    if error:
        span.set_status(Status(StatusCode.ERROR, error if _PLAIN.fullmatch(error) else "error"))
    span.end(None if ended_at is None else int(ended_at * 1e9))


def note(span: Span, attributes: Mapping[str, Value]) -> None:
    """More attributes for a span that has not ended."""
    for key, value in clean(attributes).items():
        span.set_attribute(key, value)


@contextmanager
def span(
    name: str,
    attributes: Mapping[str, Value] = MappingProxyType({}),
    *,
    call_id: str = "",
    parent: Context | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    encloses: bool = True,
) -> Iterator[Span]:
    """``begin`` and ``end`` around a block; what is raised through it is told by its class. ``encloses``: spans made within it stand
    under it. Not where a session begins, whose tasks would take it for theirs as long as they live."""
    opened = begin(name, attributes, call_id=call_id, parent=parent, kind=kind)
    within = trace.use_span(opened, end_on_exit=False, record_exception=False, set_status_on_exception=False)
    with within if encloses else nullcontext():
        try:
            yield opened
        except BaseException as e:
            end(opened, error=type(e).__name__)
            raise
        end(opened)


def clean(attributes: Mapping[str, Value]) -> dict[str, Value]:
    """Only what the catalog has, and no text: a caller's words have no way in."""
    return {
        key: value
        for key, value in attributes.items()
        if key in catalog.ATTRIBUTES and (not isinstance(value, str) or _PLAIN.fullmatch(value))
    }


# --- where a span stands ----------------------------------------------------------------------------------------------
def of_call(call_id: str) -> Context:
    """Under the call itself."""
    return _under(_context(trace_id_of(call_id), root_span_id(call_id)))


def of_agent(call_id: str, agent_id: str) -> Context:
    """Under that agent of the call."""
    return _under(_context(trace_id_of(call_id), agent_span_id(call_id, agent_id)))


def live_in(agent: Span) -> None:
    """From now on ``agent`` is what this process's spans fall under when nothing else encloses them."""
    _process.home = trace.set_span_in_context(agent)


def told(carrier: Mapping[str, str], call_id: str = "") -> Context:
    """Under the span whose ``traceparent`` came with a request or a dispatch; under the call when none came, or another call's did."""
    context = _PROPAGATOR.extract({TRACEPARENT: carrier.get(TRACEPARENT, "")})
    found = trace.get_current_span(context).get_span_context()
    if found.is_valid and (not call_id or found.trace_id == trace_id_of(call_id)):
        return _under(found)
    return of_call(call_id) if call_id else Context()


def to_tell(of: Span | None = None) -> dict[str, str]:
    """The ``traceparent`` of ``of``, or of the current span, or of this job's agent; nothing when there is none."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context=trace.set_span_in_context(of) if of is not None else _here())
    return {TRACEPARENT: carrier[TRACEPARENT]} if TRACEPARENT in carrier else {}


def _here() -> Context | None:
    return None if trace.get_current_span().get_span_context().is_valid else _process.home


def _above(call_id: str) -> Context | None:
    current = trace.get_current_span().get_span_context()
    if current.is_valid and (not call_id or current.trace_id == trace_id_of(call_id)):
        return None  # the current one
    if _process.home is not None:
        return _process.home
    return of_call(call_id) if call_id else None


def _context(trace_id: int, span_id: int) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=_SAMPLED)


def _under(context: SpanContext) -> Context:
    return trace.set_span_in_context(NonRecordingSpan(context), Context())


# --- spans that no living process could write -------------------------------------------------------------------------
def write_call(call_id: str, attributes: Mapping[str, Value], *, started_at: float, ended_at: float) -> None:
    """The root span, once the call has ended (Unix seconds)."""
    whole = begin(
        "call",
        attributes,
        call_id=call_id,
        parent=Context(),
        span_id=root_span_id(call_id),
        started_at=started_at,
    )
    end(whole, error="failed" if attributes.get("voicemesh.ending") == "failed" else "", ended_at=ended_at)


def write_lost_agent(
    call_id: str, agent_id: str, attributes: Mapping[str, Value], *, started_at: float | None = None
) -> None:
    """The `agent` span of a job that was killed: its successor's links to it. ``started_at``: now, when nobody knows."""
    now = time.time()
    lost = begin(
        "agent",
        {**attributes, "voicemesh.agent_id": agent_id},
        call_id=call_id,
        parent=of_call(call_id),
        span_id=agent_span_id(call_id, agent_id),
        started_at=started_at or now,
    )
    end(lost, error="lost", ended_at=now)
