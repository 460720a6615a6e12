"""Lines, stacked areas and bars as SVG, and numbers as people read them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from html import escape

from tools.dashboards.panel import CALM, OF_WORDS, SERIES, Kind, Panel, Unit
from tools.dashboards.prometheus import Series, Span

_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 8, 20
Named = tuple[str, Series]


def number(value: float, unit: Unit) -> str:
    """Short, with its unit."""
    if unit is Unit.SHARE:
        return f"{value * 100:.3g} %"
    if unit is Unit.SECONDS:
        return f"{value * 1000:.0f} ms" if abs(value) < 1 and value else f"{value:.3g} s"
    if unit is Unit.TIMES:
        return f"{value:.3g}x"
    if abs(value) >= 10_000:
        return f"{value / 1000:.3g}k"
    return f"{value:.3g}" if value != round(value) else f"{value:.0f}"


def count(value: float, unit: Unit) -> str:
    """The same where events are counted: what Prometheus makes of their number has a fraction, and they have none."""
    return f"{value:.0f}" if unit is Unit.NUMBER and 1 <= abs(value) < 10_000 else number(value, unit)


def colour_of(name: str, place: int) -> str:
    """A word's own, of `billing: lost` the last one's; else by its place."""
    return OF_WORDS.get(name.rpartition(": ")[2]) or SERIES[place % len(SERIES)]


def limit_colour(panel: Panel, value: float) -> str:
    """That of the highest limit that is reached."""
    return next(
        (colour for limit, colour in reversed(panel.limits) if value >= limit),
        panel.limits[0][1] if panel.limits else CALM,
    )


def chart(panel: Panel, series: Sequence[Named], span: Span, width: int, height: int) -> str:
    """The panel's lines on one plane from 0 up, with its bound."""
    stacked = _stacked(series, span) if panel.kind is Kind.STACK else [(name, one.points, ()) for name, one in series]
    highest = max([value for _, points, _ in stacked for _, value in points] + [panel.line or 0.0])
    if panel.line and highest > 20 * panel.line and panel.kind is Kind.LINES:
        highest = max(highest, panel.line)
    top = panel.most if panel.most and highest <= panel.most else _round_up(highest * 1.05 or 1.0)
    inner_w, inner_h = width - _LEFT - _RIGHT, height - _TOP - _BOTTOM

    def x(moment: float) -> float:
        return _LEFT + (moment - span.start) / (span.end - span.start) * inner_w

    def y(value: float) -> float:
        return _TOP + inner_h * (1 - min(value, top) / top)

    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(panel.title)}">',
        *_axes(panel, top, span, width, height),
    ]
    # The highest of a stack first: what lies below is drawn over it.
    for place, (name, points, base) in reversed(list(enumerate(stacked))):
        colour = colour_of(name, place)
        for run in _runs(points, span.step):
            line = " ".join(f"{x(moment):.1f},{y(value):.1f}" for moment, value in run)
            if panel.kind is Kind.STACK:
                floor = dict(base)
                under = " ".join(f"{x(moment):.1f},{y(floor.get(moment, 0.0)):.1f}" for moment, _ in reversed(run))
                parts.append(f'<polygon points="{line} {under}" fill="{colour}" fill-opacity=".55"/>')
            if len(run) == 1:
                parts.append(f'<circle cx="{x(run[0][0]):.1f}" cy="{y(run[0][1]):.1f}" r="2" fill="{colour}"/>')
            parts.append(
                f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.8" stroke-linejoin="round"/>'
            )
    if panel.line is not None and panel.line <= top:
        parts.append(
            f'<line x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y(panel.line):.1f}" y2="{y(panel.line):.1f}" class="bound"/>'
        )
    return "".join([*parts, "</svg>"])


def _stacked(
    series: Sequence[Named], span: Span
) -> list[tuple[str, tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]]:
    """Each on the sum of those before it: name, its upper edge, its lower edge."""
    heap: dict[float, float] = {}
    found = []
    for name, one in series:
        base = tuple((moment, heap.get(moment, 0.0)) for moment, _ in one.points)
        for moment, value in one.points:
            heap[moment] = heap.get(moment, 0.0) + value
        found.append((name, tuple((moment, heap[moment]) for moment, _ in one.points), base))
    return found


def _runs(points: Sequence[tuple[float, float]], step: float) -> list[list[tuple[float, float]]]:
    """Broken where points are missing: no line where nothing is known."""
    runs: list[list[tuple[float, float]]] = []
    for point in points:
        if runs and point[0] - runs[-1][-1][0] <= 1.5 * step:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _axes(panel: Panel, top: float, span: Span, width: int, height: int) -> list[str]:
    inner_w, inner_h = width - _LEFT - _RIGHT, height - _TOP - _BOTTOM
    parts = []
    for part in range(5):
        at = _TOP + inner_h * (1 - part / 4)
        parts.append(f'<line x1="{_LEFT}" x2="{width - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>')
        parts.append(
            f'<text x="{_LEFT - 6}" y="{at + 3.5:.1f}" text-anchor="end">{escape(number(top * part / 4, panel.unit))}</text>'
        )
    marks = 4 if width > 400 else 3
    for mark in range(marks + 1):
        moment = span.start + (span.end - span.start) * mark / marks
        anchor = "start" if mark == 0 else "end" if mark == marks else "middle"
        form = "%H:%M" if span.end - span.start < 2 * 86_400 else "%d %b %H:%M"
        text = time.strftime(form, time.gmtime(moment))
        parts.append(
            f'<text x="{_LEFT + inner_w * mark / marks:.1f}" y="{height - 5}" text-anchor="{anchor}">{text}</text>'
        )
    return parts


def _round_up(value: float) -> float:
    """To 1, 2, 4, 5, 6, 8 or 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10) if step * power >= value * 0.999)
