"""Spans out of a collector's file: OTLP as lines of JSON, as its file exporter writes them (tools/otelcol/to-file.yaml)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

_ERROR = 2
"""STATUS_CODE_ERROR."""


class Unreadable(Exception):
    """The file is not what a collector writes; says which line."""


@dataclass(frozen=True, slots=True)
class Span:
    """One span; times are in Unix seconds."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    service: str
    """The process's `service.name`."""
    start: float
    end: float
    attributes: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    error: str = ""
    links: tuple[str, ...] = ()
    """Ids of spans of the same trace."""

    @property
    def team(self) -> str:
        """Whose it is: a back office is its service's."""
        return self.service.removesuffix("-mcp")

    @property
    def is_lost(self) -> bool:
        """Whether it is an agent that was killed, or found dead."""
        return self.name == "agent" and self.error == "lost"

    @property
    def gap_seconds(self) -> float | None:
        """Of a handoff, or of its last step: the silence before its taker's first word, at its end."""
        gap = self.attributes.get("voicemesh.gap_ms")
        return float(gap) / 1000 if isinstance(gap, int | float) else None


@dataclass(frozen=True)
class Trace:
    """One call's spans, or another trace's."""

    spans: tuple[Span, ...]

    @cached_property
    def by_id(self) -> dict[str, Span]:
        """By span id."""
        return {span.span_id: span for span in self.spans}

    @property
    def call_id(self) -> str:
        """As its spans say; empty when none does."""
        return next(
            (str(s.attributes["voicemesh.call_id"]) for s in self.spans if "voicemesh.call_id" in s.attributes), ""
        )

    @property
    def start(self) -> float:
        """Of its first span, in Unix seconds."""
        return min(span.start for span in self.spans)

    @property
    def end(self) -> float:
        """Of its last span."""
        return max(span.end for span in self.spans)

    def rows(self, top: Span | None = None) -> Iterator[tuple[int, Span]]:
        """Each span under ``top`` (with it), or of the trace, below its parent, with its depth; siblings by their start. One whose
        parent is not there (yet: a call that goes on has no root) stands at the top."""
        children: dict[str, list[Span]] = {}
        for span in sorted(self.spans, key=lambda span: (span.start, -span.end)):
            children.setdefault(span.parent_id if span.parent_id in self.by_id else "", []).append(span)
        waiting = [(0, span) for span in reversed([top] if top else children.get("", []))]
        seen: set[str] = set()
        while waiting:
            depth, span = waiting.pop()
            if span.span_id in seen:
                continue  # a ring of parents is nonsense, and must not be for ever
            seen.add(span.span_id)
            yield depth, span
            waiting += [(depth + 1, child) for child in reversed(children.get(span.span_id, []))]

    def named(self, name: str) -> list[Span]:
        """Its spans of that name, by their start."""
        return sorted((span for span in self.spans if span.name == name), key=lambda span: span.start)


def load(path: Path) -> dict[str, Trace]:
    """By trace id, in the order of their starts. Raises Unreadable, OSError."""
    found: dict[str, dict[str, Span]] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            for span in _spans(json.loads(line)):
                known = found.setdefault(span.trace_id, {})
                # An agent that was only thought dead is written twice: by who thought so, and, whole, by itself.
                known[span.span_id] = max(known.get(span.span_id, span), span, key=lambda one: one.end - one.start)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Unreadable(f"{path}:{number} is no line of OTLP as a collector's file exporter writes it") from None
    traces = [Trace(tuple(spans.values())) for spans in found.values()]
    return {trace.spans[0].trace_id: trace for trace in sorted(traces, key=lambda trace: trace.start)}


def _spans(line: Mapping[str, Any]) -> Iterator[Span]:
    for part in line["resourceSpans"]:
        service = str(_attributes(part.get("resource", {})).get("service.name", "unknown"))
        for scope in part.get("scopeSpans", []):
            for span in scope.get("spans", []):
                status = span.get("status", {})
                yield Span(
                    trace_id=span["traceId"],
                    span_id=span["spanId"],
                    parent_id=span.get("parentSpanId", ""),
                    name=span["name"],
                    service=service,
                    start=int(span["startTimeUnixNano"]) / 1e9,
                    end=int(span["endTimeUnixNano"]) / 1e9,
                    attributes=_attributes(span),
                    error=status.get("message", "error") if status.get("code") == _ERROR else "",
                    links=tuple(link["spanId"] for link in span.get("links", []) if link["traceId"] == span["traceId"]),
                )


def _attributes(holder: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    return dict(_pairs(holder.get("attributes", [])))


def _pairs(attributes: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str | int | float | bool]]:
    for one in attributes:
        for kind, value in one["value"].items():
            yield one["key"], int(value) if kind == "intValue" else value  # OTLP's JSON has 64 bits as text
