"""A dashboard as Grafana reads it (11 or newer). Its data sources are found by their kind, so that it works in any Grafana that has them."""

from __future__ import annotations

import json
from typing import Any

from tools.dashboards.panel import CALM, OF_WORDS, Dashboard, Kind, Panel, Unit, Variable

Json = dict[str, Any]
PROMETHEUS: Json = {"type": "prometheus", "uid": "${prometheus}"}
JAEGER: Json = {"type": "jaeger", "uid": "${traces}"}
_TYPES = {
    Kind.STAT: "stat",
    Kind.LINES: "timeseries",
    Kind.STACK: "timeseries",
    Kind.BARS: "bargauge",
    Kind.TABLE: "table",
    Kind.TEXT: "text",
    Kind.TRACES: "table",
}
_AT_ONCE = (Kind.STAT, Kind.BARS, Kind.TABLE)
"""What shows the last number alone."""


def text_of(dashboard: Dashboard) -> str:
    """The file."""
    return json.dumps(model(dashboard), indent=1, ensure_ascii=False) + "\n"


def model(dashboard: Dashboard) -> Json:
    """Everything that Grafana wants to know."""
    variables = [_source("prometheus", "prometheus", "numbers"), *(_variable(one) for one in dashboard.variables)]
    if any(panel.kind is Kind.TRACES or panel.has_exemplars for panel in dashboard.panels):
        variables.insert(1, _source("traces", "jaeger", "traces"))
    return {
        "uid": f"voice-mesh-{dashboard.name}"[:40],
        "title": dashboard.title,
        "description": dashboard.help,
        "tags": ["voice-mesh"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "",
        "links": [
            {
                "type": "dashboards",
                "tags": ["voice-mesh"],
                "asDropdown": False,
                "title": "",
                "keepTime": True,
                "includeVars": True,
            }
        ],
        "templating": {"list": variables},
        "annotations": {"list": [_alerts()]},
        "panels": _panels(dashboard),
    }


def _source(name: str, kind: str, label: str) -> Json:
    return {"name": name, "label": label, "type": "datasource", "query": kind, "hide": 2, "refresh": 1, "current": {}}


def _variable(one: Variable) -> Json:
    if one.query:
        return {
            "name": one.name, "label": one.label, "type": "query", "datasource": PROMETHEUS, "refresh": 2,
            "query": {"query": one.query, "refId": one.name}, "definition": one.query,
            # Where there is no such label (outside of Kubernetes) everything fits.
            "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"},
        }  # fmt: skip
    if one.values:
        options = [{"text": value, "value": value, "selected": value == one.default} for value in one.values]
        return {
            "name": one.name, "label": one.label, "type": "custom", "query": ",".join(one.values), "options": options,
            "current": {"text": one.default, "value": one.default},
        }  # fmt: skip
    return {
        "name": one.name,
        "label": one.label,
        "type": "textbox",
        "query": one.default,
        "current": {"text": one.default, "value": one.default},
    }


def _alerts() -> Json:
    """A mark where something begins to fire."""
    return {
        "name": "alerts", "datasource": PROMETHEUS, "enable": True, "iconColor": "red",
        "expr": 'ALERTS{alertname=~"VoiceMesh.*",alertstate="firing",severity="page"}', "step": "60s", "titleFormat": "{{alertname}}", "textFormat": "{{service}}{{to}}{{slo}}",
    }  # fmt: skip


def _panels(dashboard: Dashboard) -> list[Json]:
    found: list[Json] = []
    top = 0
    for row in dashboard.rows:
        found.append(
            {
                "id": len(found) + 1,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "panels": [],
                "gridPos": {"x": 0, "y": top, "w": 24, "h": 1},
            }
        )
        top, left, tallest = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > 24:
                top, left, tallest = top + tallest, 0, 0
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            found.append({"id": len(found) + 1, **_panel(panel), "gridPos": place})
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest
    return found


def _panel(panel: Panel) -> Json:
    shown: Json = {"type": _TYPES[panel.kind], "title": panel.title, "description": panel.help}
    if panel.kind is Kind.TEXT:
        return {**shown, "options": {"mode": "markdown", "content": panel.text}}
    if panel.kind is Kind.TRACES:
        search = {
            "refId": "A",
            "datasource": JAEGER,
            "queryType": "search",
            "service": "ledger",
            "tags": "voicemesh.call_id=$call",
            "limit": 20,
        }
        return {**shown, "datasource": JAEGER, "targets": [search], "fieldConfig": {"defaults": {}, "overrides": []}}
    found = {
        **shown,
        "datasource": PROMETHEUS,
        "targets": _targets(panel),
        "fieldConfig": _fields(panel),
        "options": _options(panel),
    }
    if panel.kind is Kind.TABLE:
        found["transformations"] = _columns(panel)
    return found


def _targets(panel: Panel) -> list[Json]:
    at_once = panel.kind in _AT_ONCE
    return [
        {
            "refId": chr(ord("A") + number), "datasource": PROMETHEUS, "expr": query.expr, "legendFormat": query.legend or "__auto",
            "instant": at_once, "range": not at_once, "format": "table" if panel.kind is Kind.TABLE else "time_series",
            "exemplar": panel.has_exemplars,
        }
        for number, query in enumerate(panel.queries)
    ]  # fmt: skip


def _fields(panel: Panel) -> Json:
    limits = panel.limits or ((0, CALM),)
    steps: list[Json] = [
        {"color": color, "value": None if first else value} for first, (value, color) in _numbered(limits)
    ]
    custom: Json = {}
    defaults: Json = {"unit": "none" if panel.unit is Unit.TIMES else panel.unit.value, "color": {"mode": "thresholds"}}
    if panel.empty:
        defaults["noValue"] = panel.empty
    elif panel.kind is Kind.STAT:
        defaults["noValue"] = "0"
    if panel.kind in (Kind.LINES, Kind.STACK):
        is_stack = panel.kind is Kind.STACK
        defaults["color"] = {"mode": "palette-classic"}
        custom = {
            "lineWidth": 2,
            "fillOpacity": 60 if is_stack else 6,
            "showPoints": "never",
            "spanNulls": False,
            "drawStyle": "line",
            "stacking": {"mode": "normal" if is_stack else "none"},
        }
        defaults["min"] = 0
        if panel.line is not None:
            steps = [{"color": "transparent", "value": None}, {"color": "#f2495c", "value": panel.line}]
            custom["thresholdsStyle"] = {"mode": "dashed"}
    if panel.most is not None:
        defaults |= {"min": 0, "max": panel.most}
    if panel.unit in (Unit.SECONDS, Unit.TIMES):
        defaults["decimals"] = 2
    if panel.unit is Unit.NUMBER and panel.kind not in (Kind.LINES, Kind.STACK):
        defaults["decimals"] = 0
    defaults |= {"thresholds": {"mode": "absolute", "steps": steps}, "custom": custom}
    return {"defaults": defaults, "overrides": _colours(panel)}


def _numbered(limits: tuple[tuple[float, str], ...]) -> list[tuple[bool, tuple[float, str]]]:
    return [(number == 0, limit) for number, limit in enumerate(limits)]


def _colours(panel: Panel) -> list[Json]:
    """The same word has the same colour everywhere; of `to: outcome` it is the outcome's."""
    if panel.kind not in (Kind.LINES, Kind.STACK):
        return []
    if not any("{{" in query.legend for query in panel.queries):
        return []
    words: dict[str, list[str]] = {}
    for word, colour in OF_WORDS.items():
        words.setdefault(colour, []).append(word)
    return [
        {
            "matcher": {"id": "byRegexp", "options": f"/(^|: )({'|'.join(group)})$/"},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for colour, group in words.items()
    ]


def _options(panel: Panel) -> Json:
    last = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if panel.kind is Kind.STAT:
        return {
            "reduceOptions": last,
            "colorMode": "background" if panel.limits else "value",
            "graphMode": "none",
            "textMode": "value",
        }
    if panel.kind is Kind.BARS:
        return {"reduceOptions": last, "orientation": "horizontal", "displayMode": "gradient", "valueMode": "color"}
    if panel.kind is Kind.TABLE:
        return {"showHeader": True, "cellHeight": "sm"}
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "calcs": ["lastNotNull"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def _columns(panel: Panel) -> list[Json]:
    names = [*panel.columns, "Value"]
    return [
        {"id": "filterFieldsByName", "options": {"include": {"names": names}}},
        {
            "id": "organize",
            "options": {
                "indexByName": {name: number for number, name in enumerate(names)},
                "renameByName": {"Value": "number"},
            },
        },
    ]
