"""A line chart as inline SVG: no script, no font, no address; its colours are the page's, so it follows a dark one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

WIDTH, HEIGHT = 620, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 16, 40
_COLOURS = 6
_DOTS_UP_TO = 30
"""A curve of more points has no dots."""
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """One curve. Points without a value are left out by whoever makes it."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Chart:
    """``knee`` marks a place on the horizontal axis with ``knee_label``; ``limit`` a height that is not to be passed."""

    title: str
    across: str
    series: Sequence[Series]
    unit: str = ""
    knee: float | None = None
    knee_label: str = ""
    limit: float | None = None
    from_zero: bool = True


def marked(charts: Sequence[Chart], knee: int | None) -> list[Chart]:
    """The same with the knee in each; 0 and None are none."""
    return [replace(chart, knee=float(knee), knee_label="knee") for chart in charts] if knee else list(charts)


def svg(chart: Chart) -> str:
    """A ``figure``. Without a single point it says so."""
    points = [point for series in chart.series for point in series.points]
    if not points:
        return f'<figure class="chart"><h3>{escape(chart.title)}</h3><p class="none">nothing was measured</p></figure>'
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low_y = 0.0 if chart.from_zero and min(ys) >= 0 else min(ys)
    # Nothing but zeros is a flat line at the foot, not a scale of its own.
    high_y = max(
        *ys,
        low_y + (1e-9 if max(ys) else 1.0),
        *([chart.limit] if _shows_limit(chart, ys) and chart.limit is not None else []),
    )
    down = ticks(low_y, high_y)
    axes = _Axes(min(xs), max(xs), down[0], down[-1])
    parts = [*_grid(chart, axes, down, _across(xs)), *_knee(chart, axes), *_limit(chart, axes, ys)]
    for number, series in enumerate(chart.series):
        parts += _curve(series, axes, number % _COLOURS)
    legend = "".join(
        f'<span class="chip s{number % _COLOURS}">{escape(series.name)}</span>'
        for number, series in enumerate(chart.series)
        if series.points
    )
    unit = f" <small>{escape(chart.unit)}</small>" if chart.unit else ""
    return (
        f'<figure class="chart"><h3>{escape(chart.title)}{unit}</h3>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.title)}">{"".join(parts)}</svg>'
        f'<div class="legend">{legend}</div></figure>'
    )


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers from at most ``low`` to at least ``high``."""
    span = max(high - low, 1e-9)
    size = 10 ** math.floor(math.log10(span / count))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10, 20) if span / (size * factor) <= count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, max(last, first + 1) + 1)]


@dataclass(frozen=True, slots=True)
class _Axes:
    left: float
    right: float
    low: float
    high: float

    def x(self, value: float) -> float:
        span = self.right - self.left
        # A single place stands in the middle.
        part = (value - self.left) / span if span else 0.5
        return round(_LEFT + part * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        return round(HEIGHT - _BOTTOM - (value - self.low) / (self.high - self.low) * (HEIGHT - _TOP - _BOTTOM), 1)


def _across(xs: Sequence[float]) -> list[float]:
    """Where the horizontal axis is labelled: at the levels when they are few."""
    levels = sorted(set(xs))
    if len(levels) <= 8:
        return levels
    return [tick for tick in ticks(levels[0], levels[-1], 8) if levels[0] <= tick <= levels[-1]]


def _grid(chart: Chart, axes: _Axes, down: Sequence[float], across: Sequence[float]) -> list[str]:
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    parts = [
        f'<line class="grid" x1="{_LEFT}" y1="{axes.y(tick)}" x2="{right}" y2="{axes.y(tick)}"/>'
        f'<text class="down" x="{_LEFT - 8}" y="{axes.y(tick) + 4}">{number(tick)}</text>'
        for tick in down
    ]
    shown = -math.inf
    for tick in across:
        if axes.x(tick) - shown >= 34:  # labels that would run into each other are left out
            shown = axes.x(tick)
            parts.append(f'<text class="across" x="{shown}" y="{bottom + 17}">{number(tick)}</text>')
    parts.append(f'<text class="across name" x="{(_LEFT + right) / 2}" y="{HEIGHT - 5}">{escape(chart.across)}</text>')
    return parts


def _knee(chart: Chart, axes: _Axes) -> list[str]:
    if chart.knee is None:
        return []
    x = axes.x(chart.knee)
    anchor, to_side = ("end", -6) if x > WIDTH / 2 else ("start", 6)
    return [
        f'<line class="knee" x1="{x}" y1="{_TOP}" x2="{x}" y2="{HEIGHT - _BOTTOM}"/>',
        f'<text class="knee" x="{x + to_side}" y="{_TOP + 10}" text-anchor="{anchor}">{escape(chart.knee_label)}</text>',
    ]


def _shows_limit(chart: Chart, ys: Sequence[float]) -> bool:
    """A limit far above everything would press the curves flat."""
    return chart.limit is not None and max(ys) > chart.limit / 3


def _limit(chart: Chart, axes: _Axes, ys: Sequence[float]) -> list[str]:
    if chart.limit is None or not _shows_limit(chart, ys):
        return []
    y = axes.y(chart.limit)
    return [
        f'<line class="limit" x1="{_LEFT}" y1="{y}" x2="{WIDTH - _RIGHT}" y2="{y}"/>',
        f'<text class="limit" x="{_LEFT + 6}" y="{y - 5}">limit {number(chart.limit)}</text>',
    ]


def _curve(series: Series, axes: _Axes, colour: int) -> list[str]:
    if not series.points:
        return []
    at = [(axes.x(x), axes.y(y)) for x, y in series.points]
    parts = [f'<polyline class="s{colour}" points="{" ".join(f"{x},{y}" for x, y in at)}"/>']
    if len(at) <= _DOTS_UP_TO:
        parts += [
            f'<circle class="s{colour}" cx="{x}" cy="{y}" r="3.4"><title>{escape(series.name)}: {number(value[1])} at'
            f" {number(value[0])}</title></circle>"
            for (x, y), value in zip(at, series.points, strict=True)
        ]
    return parts


def number(value: float) -> str:
    """As short as it can be read: 1,200, 0.35, 12."""
    if value == round(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
