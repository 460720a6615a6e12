"""A dashboard as one HTML file that needs nothing else: what Grafana would show, drawn by us from Prometheus's answers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from html import escape

from telemetry.names import trace_hex_of

from tools.dashboards.chart import Named, chart, colour_of, count, limit_colour
from tools.dashboards.panel import Dashboard, Kind, Panel
from tools.dashboards.prometheus import NoAnswer, Prometheus, Series, Span

_COLUMN, _ROW = 50, 34
"""Pixels of one of 24 columns, and of one unit of height, as the drawings are made; the page scales them."""
_MOST_LINES = 12
_STYLE = """
:root{color-scheme:dark}*{box-sizing:border-box}
body{margin:0;padding:18px 22px 40px;background:#0f1014;color:#d8d9da;font:13px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:21px;margin:0 0 2px;font-weight:600}h2{font-size:14px;margin:22px 0 8px;font-weight:600;color:#9fa7b3;border-bottom:1px solid #26282e;padding-bottom:5px}
.lead{color:#9fa7b3;margin:0 0 3px}.origin{color:#7c838e;font-size:12px;margin:0}
.row{display:grid;grid-template-columns:repeat(24,1fr);gap:9px}
.panel{background:#181a1f;border:1px solid #26282e;border-radius:4px;padding:9px 11px;min-width:0;display:flex;flex-direction:column}
.panel h3{font-size:12.5px;font-weight:500;margin:0 0 5px;color:#c7d0d9}.help{color:#7c838e;font-size:11px;margin:5px 0 0}
.stat{flex:1;display:flex;align-items:center;justify-content:center;font-size:33px;font-weight:600;border-radius:3px;min-height:58px}
svg{width:100%;height:auto;display:block}svg text{fill:#8e95a0;font-size:10.5px;font-family:inherit}.grid{stroke:#26282e}.bound{stroke:#f2495c;stroke-dasharray:6 4;opacity:.8}
.legend{display:flex;flex-wrap:wrap;gap:2px 13px;margin-top:3px;font-size:11.5px;color:#b4bac4}.legend i{display:inline-block;width:11px;height:3px;border-radius:2px;margin-right:5px;vertical-align:middle}
.legend b{font-weight:600;color:#d8d9da;margin-left:4px}.nothing{flex:1;display:flex;align-items:center;justify-content:center;color:#7c838e;min-height:60px}
.bar{display:grid;grid-template-columns:90px 1fr 62px;gap:8px;align-items:center;margin:3px 0}.bar div{background:#23262d;border-radius:2px;height:15px;overflow:hidden}.bar div i{display:block;height:100%}
.bar span:last-child{text-align:right;font-weight:600}table{border-collapse:collapse;width:100%;font-size:12px}th{text-align:left;color:#8e95a0;font-weight:500}
td,th{padding:3px 9px 3px 0;border-bottom:1px solid #23262d}td:last-child,th:last-child{text-align:right}.page{color:#f2495c;font-weight:600}.wrong{color:#f2495c}
pre{white-space:pre-wrap;font:inherit;margin:0;color:#b4bac4}
"""


def page(dashboard: Dashboard, prometheus: Prometheus, span: Span, chosen: Mapping[str, str]) -> str:
    """``chosen``: a variable's value, by name. A panel that cannot be drawn says why, in its place."""
    rows = []
    for row in dashboard.rows:
        drawn = "".join(_panel(panel, prometheus, span, chosen) for panel in row.panels)
        rows.append(f'<h2>{escape(row.title)}</h2><div class="row">{drawn}</div>')
    when = f"{_utc(span.start)} to {_utc(span.end)} UTC"
    what = ", ".join(f"{name} {value}" for name, value in chosen.items() if value != ".*")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(dashboard.title)}</title><style>{_STYLE}</style>'
        f'<h1>{escape(dashboard.title)}</h1><p class="lead">{escape(dashboard.help)}</p>'
        f'<p class="origin">{escape(when)}{escape(f"; {what}" if what else "")}. Drawn by python -m tools.dashboards from Prometheus\'s answers to the '
        f"panels' own questions. This is not Grafana: the numbers are the same, the looks are not.</p>{''.join(rows)}</html>\n"
    )


def height_of(dashboard: Dashboard) -> int:
    """About how tall the page is at a width of 1400, in pixels."""
    tall = 110
    for row in dashboard.rows:
        tall, left, tallest = tall + 52, 0, 0
        for panel in row.panels:
            if left + panel.width > 24:
                tall, left, tallest = tall + tallest, 0, 0
            left, tallest = left + panel.width, max(tallest, panel.height * _ROW + 78)
        tall += tallest
    return tall


def _utc(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(moment))


def _panel(panel: Panel, prometheus: Prometheus, span: Span, chosen: Mapping[str, str]) -> str:
    try:
        inside = _inside(panel, prometheus, span, chosen)
    except NoAnswer as refused:
        inside = f'<div class="nothing wrong">{escape(str(refused))}</div>'
    note = f'<p class="help">{escape(panel.help.replace(chr(96), ""))}</p>' if panel.help else ""
    return f'<section class="panel" style="grid-column:span {panel.width}"><h3>{escape(panel.title)}</h3>{inside}{note}</section>'


def _inside(panel: Panel, prometheus: Prometheus, span: Span, chosen: Mapping[str, str]) -> str:
    if panel.kind is Kind.TEXT:
        return f"<pre>{escape(panel.text.replace('**', '').replace('`', ''))}</pre>"
    if panel.kind is Kind.TRACES:
        return _trace(chosen.get("call", ""))
    found = _answers(panel, prometheus, span, chosen)
    if panel.kind is Kind.STAT:
        return _stat(panel, found)
    if not found:
        return f'<div class="nothing">{escape(panel.empty or "nothing was told in this time")}</div>'
    if panel.kind is Kind.BARS:
        return _bars(panel, found)
    if panel.kind is Kind.TABLE:
        return _table(panel, [series for _, series in found])
    shown = found[:_MOST_LINES]
    drawing = chart(panel, shown, span, panel.width * _COLUMN, panel.height * _ROW - 40)
    return drawing + _legend(panel, shown, len(found) - len(shown))


def _trace(call_id: str) -> str:
    """Where it is found: its id is computed from the call's."""
    if not call_id.removeprefix("call-"):
        return '<div class="nothing">Traces are shown by Grafana or Jaeger, not here. With --set call=ID this tells the trace\'s id.</div>'
    return f'<div class="nothing">Trace {trace_hex_of(call_id)}, in Jaeger at /trace/{trace_hex_of(call_id)}</div>'


def _answers(panel: Panel, prometheus: Prometheus, span: Span, chosen: Mapping[str, str]) -> list[Named]:
    """Their names and series, the largest first where they are many."""
    found: list[Named] = []
    for query in panel.queries:
        expr = query.expr.replace("$__rate_interval", f"{max(60, int(4 * span.step))}s")
        for name, value in chosen.items():
            expr = expr.replace(f"${name}", value)
        is_line = panel.kind in (Kind.LINES, Kind.STACK)
        answers = prometheus.over(expr, span) if is_line else prometheus.at(expr, span.end)
        found += [(series.named(query.legend), series) for series in answers]
    if len(found) > _MOST_LINES and panel.kind is not Kind.TABLE:
        found.sort(key=lambda one: -max(value for _, value in one[1].points))
    return found


def _stat(panel: Panel, found: Sequence[Named]) -> str:
    if not found:
        return '<div class="nothing">nobody tells</div>'
    value = found[0][1].last
    colour = limit_colour(panel, value)
    style = f"background:{colour}29;color:{colour}" if panel.limits else f"color:{colour}"
    return f'<div class="stat" style="{style}">{escape(count(value, panel.unit))}</div>'


def _bars(panel: Panel, found: Sequence[Named]) -> str:
    most = panel.most or max(series.last for _, series in found) or 1.0
    return "".join(
        f'<div class="bar"><span>{escape(name)}</span><div><i style="width:{min(100, 100 * series.last / most):.0f}%;background:{limit_colour(panel, series.last)}"></i></div>'
        f"<span>{escape(count(series.last, panel.unit))}</span></div>"
        for name, series in found
    )


def _table(panel: Panel, found: Sequence[Series]) -> str:
    columns = [column for column in panel.columns if any(column in series.labels for series in found)]
    head = "".join(f"<th>{escape(column)}</th>" for column in (*columns, "number"))
    rows = []
    for series in sorted(found, key=lambda one: [one.labels.get(column, "") for column in columns]):
        cells = "".join(
            f'<td class="{escape(series.labels.get(column, ""))}">{escape(series.labels.get(column, ""))}</td>'
            for column in columns
        )
        rows.append(f"<tr>{cells}<td>{escape(count(series.last, panel.unit))}</td></tr>")
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _legend(panel: Panel, found: Sequence[Named], left_out: int) -> str:
    entries = [
        f'<span><i style="background:{colour_of(name, place)}"></i>{escape(name)}<b>{escape(count(series.last, panel.unit))}</b></span>'
        for place, (name, series) in enumerate(found)
    ]
    more = f"<span>and {left_out} more, all smaller</span>" if left_out else ""
    return f'<div class="legend">{"".join(entries)}{more}</div>'
