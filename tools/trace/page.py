"""A trace as a page of one file: the call as a waterfall, then each handoff and each recovery by itself, at its own scale."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.trace import words
from tools.trace.read import Span, Trace

_CSS = Path(__file__).with_name("page.css")
_TEAMS = ("triage", "billing", "technical", "sales", "escalation", "ledger", "gateway")
"""Each has its colour; whoever else has the ledger's."""
_LEFT, _WIDTH, _ROW, _TOP = 360, 1360, 22, 26
_DEFS = (
    '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path class="hatch" d="M0 0V7"/></pattern><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
    'markerHeight="7" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
)


def drawn(trace: Trace) -> str:
    """The page."""
    title = html.escape(trace.call_id or "a trace")
    whole = [(depth, span) for depth, span in trace.rows() if not span.name.startswith("handoff.")]
    parts = [_section("The call", trace, whole)]
    for top in sorted([*trace.named("handoff"), *trace.named("recovery")], key=lambda span: span.start):
        rows = list(trace.rows(top))
        if len(rows) > 1:
            parts.append(_section(f"{words.of_span(top)}, at {top.start - trace.start:.2f} s", trace, rows))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Trace of {title}</title><style>{_CSS.read_text()}</style><main><h1>{title}</h1>"
        f'<p class="sub">{html.escape(words.of_trace(trace))} · trace <code>{html.escape(trace.spans[0].trace_id)}</code></p>'
        f"{_legend(trace)}{''.join(parts)}</main></html>"
    )


def _legend(trace: Trace) -> str:
    here = [team for team in _TEAMS if any(span.team == team for span in trace.spans)]
    chips = "".join(f'<span class="{_colour(team)}"><i></i>{team}</span>' for team in here)
    more = '<span>paler: its back office</span><span class="of-gap"><i></i>silence before the taker is heard</span>'
    return f'<div class="legend">{chips}{more}</div>'


def _section(title: str, trace: Trace, rows: Sequence[tuple[int, Span]]) -> str:
    spans = [span for _, span in rows]
    begin, end = min(span.start for span in spans), max(span.end for span in spans)
    scale = (_WIDTH - _LEFT - 12) / max(end - begin, 1e-6)
    places = {span.span_id: _TOP + number * _ROW for number, span in enumerate(spans)}

    def x(moment: float) -> float:
        return _LEFT + (moment - begin) * scale

    height = _TOP + len(rows) * _ROW + 6
    body = [_grid(begin - trace.start, end - begin, scale, height)]
    body += [_row(depth, span, places[span.span_id], x(span.start), x(span.end), scale) for depth, span in rows]
    body += [
        _link(trace.by_id[link], span, places, x)
        for span in spans
        for link in span.links
        if link in places and link in trace.by_id
    ]
    label = html.escape(title)
    svg = f'<svg role="img" aria-label="{label}" viewBox="0 0 {_WIDTH} {height}">{_DEFS}{"".join(body)}</svg>'
    return f"<section><h2>{label}</h2>{svg}</section>"


def _row(depth: int, span: Span, y: int, left: float, right: float, scale: float) -> str:
    told = html.escape(words.of_span(span)[:64])
    kind = "lost" if span.is_lost else "bar wrong" if span.error else "bar"
    kind += " office" if span.service != span.team else ""
    shape = f'<rect class="{kind}" x="{left:.1f}" y="{y + 4}" width="{max(2.0, right - left):.1f}" height="{_ROW - 8}" rx="3"/>'
    if span.gap_seconds is not None:
        width = max(2.0, span.gap_seconds * scale)
        shape += f'<rect class="gap" x="{right - width:.1f}" y="{y + 2}" width="{width:.1f}" height="{_ROW - 4}"/>'
    took = words.seconds(span.end - span.start)
    # Beside the bar, on the side where there is room.
    room = right + 70 < _WIDTH
    at = f'x="{right + 5:.1f}"' if room else f'x="{left - 5:.1f}" text-anchor="end"'
    said = f'<text class="{"told" if span.error else "soft"}" {at} y="{y + 15}">{took}{" lost" if span.is_lost else ""}</text>'
    return (
        f'<g class="row {_colour(span.team)}"><title>{html.escape(words.all_of(span))}</title>'
        f'<rect class="back" y="{y}" width="{_WIDTH}" height="{_ROW}"/>'
        f'<text x="{4 + depth * 14}" y="{y + 15}">{told} <tspan class="soft">{html.escape(span.service)}</tspan></text>{shape}{said}</g>'
    )


def _link(lost: Span, successor: Span, places: dict[str, int], x: Callable[[float], float]) -> str:
    from_x, from_y = x(lost.end), places[lost.span_id] + _ROW / 2
    to_x, to_y = x(successor.start), places[successor.span_id] + _ROW / 2
    bend = max(from_x, to_x) + 24
    return f'<path class="link" d="M{from_x:.1f} {from_y:.1f}C{bend:.1f} {from_y:.1f} {bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"/>'


def _grid(offset: float, length: float, scale: float, height: int) -> str:
    """A line at each round moment of the call."""
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 300, 1e9) if length / s <= 14)
    marks = []
    for number in range(math.ceil(offset / step), math.floor((offset + length) / step) + 1):
        at = _LEFT + (number * step - offset) * scale
        marks.append(
            f'<path class="grid" d="M{at:.1f} {_TOP - 6}V{height}"/>'
            f'<text class="soft" x="{at:.1f}" y="14" text-anchor="middle">{number * step:g} s</text>'
        )
    return "".join(marks)


def _colour(team: str) -> str:
    return f"s{_TEAMS.index(team) if team in _TEAMS else 5}"
