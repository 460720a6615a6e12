"""Dashboards are what their definitions say, ask only for what the mesh tells, and can be drawn from what a Prometheus answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from telemetry.names import trace_hex_of

from tests.rules.test_alerts import RUNBOOKS, complaints
from tools.dashboards import DASHBOARDS
from tools.dashboards.__main__ import FOLDER, seconds
from tools.dashboards.a_call import CALL
from tools.dashboards.chart import number
from tools.dashboards.grafana import model, text_of
from tools.dashboards.page import page
from tools.dashboards.panel import NAMESPACE, Dashboard, Kind, Panel, Query, Row, Unit
from tools.dashboards.prometheus import NoAnswer, Prometheus, Series, Span

WRITE = ".venv/bin/python -m tools.dashboards write"
EACH = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.name)
SPAN = Span(1_800_000_000, 1_800_000_600, 60)


def panels() -> Iterator[tuple[Dashboard, Panel]]:
    for dashboard in DASHBOARDS:
        for panel in dashboard.panels:
            yield dashboard, panel


class Answering(Prometheus):
    """Tells the same of everything; notes what it was asked."""

    def __init__(self, *found: Series) -> None:
        super().__init__("http://nowhere")
        self.found, self.asked = list(found), list[str]()

    def over(self, expr: str, span: Span) -> list[Series]:
        self.asked.append(expr)
        return self.found

    def at(self, expr: str, moment: float) -> list[Series]:
        return self.over(expr, SPAN)


class Refusing(Prometheus):
    """Understands no question."""

    def over(self, expr: str, span: Span) -> list[Series]:
        raise NoAnswer("parse error <here>")

    def at(self, expr: str, moment: float) -> list[Series]:
        raise NoAnswer("parse error <here>")


# --- as files ---------------------------------------------------------------------------------------------------------------------------
def test_the_files_are_what_the_definitions_say() -> None:
    files = {path.stem: path.read_text() for path in FOLDER.glob("*.json")}
    assert files == {one.name: text_of(one) for one in DASHBOARDS}, WRITE


def test_every_question_is_about_what_the_mesh_tells() -> None:
    asked = [(f"{d.name}: {p.title}", query.expr) for d, p in panels() for query in p.queries]
    assert len(asked) > 50
    assert [found for where, expression in asked for found in complaints(where, expression)] == []


@EACH
def test_every_question_is_about_the_mesh_that_was_chosen(dashboard: Dashboard) -> None:
    known = {f"${one.name}" for one in dashboard.variables} | {"$__rate_interval"}
    for panel in dashboard.panels:
        for query in panel.queries:
            assert 'namespace=~"$namespace"' in query.expr, panel.title
            assert set(re.findall(r"\$\w+", query.expr)) <= known, panel.title


def test_a_number_of_the_whole_mesh_is_never_added_up_over_workers() -> None:
    for _, panel in panels():
        for query in panel.queries:
            for name in ("voicemesh_live_calls", "voicemesh_breaker_open", "voicemesh_queue_length"):
                assert not re.search(rf"(?:sum|avg|count)(?: by \([^)]*\))? \(?\(?{name}", query.expr), panel.title


def test_runbooks_that_are_named_are_there() -> None:
    named = {name for _, panel in panels() for name in re.findall(r"[Rr]unbook (voice-mesh-[\w-]+)", panel.help)}
    assert len(named) >= 10
    assert {name for name in named if not (RUNBOOKS / f"{name}.md").is_file()} == set()


@EACH
def test_panels_lie_beside_and_below_one_another(dashboard: Dashboard) -> None:
    taken: set[tuple[int, int]] = set()
    found = model(dashboard)["panels"]
    for panel in found:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in found}) == len(found)
    titles = [panel.title for panel in dashboard.panels]
    assert len(set(titles)) == len(titles)


@EACH
def test_it_finds_its_sources_in_any_grafana(dashboard: Dashboard) -> None:
    text = json.dumps(model(dashboard))
    uids = set(re.findall(r'"type": "(?:prometheus|jaeger)", "uid": "([^"]*)"', text))
    asked = {one["name"] for one in model(dashboard)["templating"]["list"] if one["type"] == "datasource"}
    assert uids <= {f"${{{name}}}" for name in asked}


# --- drawn ------------------------------------------------------------------------------------------------------------------------------
@EACH
def test_a_page_shows_every_panel_and_says_that_it_is_no_grafana(dashboard: Dashboard) -> None:
    labels = {"service": "billing", "to": "billing", "outcome": "moved", "slo": "calls", "alertname": "VoiceMeshQueue"}
    told = Answering(Series(labels, ((SPAN.start, 1.0), (SPAN.start + 60, 2.0), (SPAN.end, 1.0))))
    chosen = {one.name: one.default for one in dashboard.variables}
    drawn = page(dashboard, told, SPAN, chosen)
    assert drawn.count('<section class="panel"') == len(dashboard.panels)
    assert "This is not Grafana" in drawn
    assert not [expr for expr in told.asked if "$" in expr]
    assert len(told.asked) == sum(len(panel.queries) for panel in dashboard.panels)


@EACH
def test_a_page_of_nothing_is_a_page(dashboard: Dashboard) -> None:
    drawn = page(dashboard, Answering(), SPAN, {"namespace": ".*"})
    assert drawn.count('<section class="panel"') == len(dashboard.panels)
    assert "NaN" not in drawn and "nan" not in re.findall(r'points="([^"]*)"', drawn)


def test_a_question_that_is_refused_is_told_in_its_place() -> None:
    drawn = page(DASHBOARDS[0], Refusing("http://nowhere"), SPAN, {})
    assert drawn.count("parse error &lt;here&gt;") == len([p for p in DASHBOARDS[0].panels if p.queries])


def test_a_page_of_a_call_tells_where_its_trace_is() -> None:
    drawn = page(CALL, Answering(), SPAN, {"namespace": ".*", "call": "call-1"})
    assert f"/trace/{trace_hex_of('call-1')}" in drawn


def test_there_is_no_line_where_nothing_is_known() -> None:
    panel = Panel("One", Kind.LINES, (Query("voicemesh_live_calls", "calls"),))
    gap = Series({}, ((SPAN.start, 1.0), (SPAN.start + 60, 1.0), (SPAN.start + 300, 1.0), (SPAN.end, 1.0)))
    dashboard = Dashboard("one", "one", "", (Row("", (panel,)),), (NAMESPACE,))
    drawn = page(dashboard, Answering(gap), SPAN, {})
    assert drawn.count("<polyline") == 3


def test_what_is_stacked_lies_on_the_sum_of_what_is_below() -> None:
    panel = Panel("One", Kind.STACK, (Query("x", "{{a}}"),), most=4)
    one, other = (Series({"a": name}, ((SPAN.start, 1.0), (SPAN.end, 1.0))) for name in "ab")
    dashboard = Dashboard("one", "one", "", (Row("", (panel,)),), (NAMESPACE,))
    drawn = page(dashboard, Answering(one, other), Span(SPAN.start, SPAN.end, 600), {})
    heights = {float(line.split(",")[1].split(" ")[0]) for line in re.findall(r'<polyline points="([^"]*)"', drawn)}
    drawn_height = 7 * 34 - 40 - 20 - 8
    lower, upper = sorted(heights, reverse=True)
    assert lower - upper == pytest.approx(drawn_height / 4, abs=0.2), "one of four on top of another one of four"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.18, Unit.SECONDS, "180 ms"), (0.0, Unit.SECONDS, "0 s"), (2.5, Unit.SECONDS, "2.5 s"), (0.985, Unit.SHARE, "98.5 %"), (3.0, Unit.NUMBER, "3"), (14.4, Unit.TIMES, "14.4x"), (12_500, Unit.NUMBER, "12.5k")],
)  # fmt: skip
def test_numbers_are_written_as_people_read_them(value: float, unit: Unit, text: str) -> None:
    assert number(value, unit) == text


def test_time_is_told_with_its_unit() -> None:
    assert [seconds(text) for text in ("90s", "15m", "3h", "2d")] == [90, 900, 10800, 172800]


def test_whoever_has_no_prometheus_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer, match="does not answer"):
        Prometheus("http://127.0.0.1:1").at("vector(1)", 0)
