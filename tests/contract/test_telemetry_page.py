"""docs/telemetry.md is what the catalog says, and what it tells to type does what it says."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from scale_down.metrics import Metrics
from telemetry.catalog import METRICS, SCALE_DOWN, SPANS
from telemetry.names import trace_hex_of
from telemetry.spans import WRITTEN

from tools import telemetry_page
from tools.house import ROOT

PAGE = telemetry_page.PAGE.read_text("utf-8")
CALL = "call-0a1b2c"
RUNBOOKS = ROOT / "docs" / "operations" / "runbooks"


def test_the_page_is_what_the_catalog_says() -> None:
    assert telemetry_page.page() == PAGE, "python -m tools.telemetry_page"


@pytest.mark.parametrize("command", re.findall(r"^ *(printf .*|python -m telemetry\.names .*)$", PAGE, re.MULTILINE))
def test_what_it_says_for_a_calls_trace_id_gives_the_calls_trace_id(command: str) -> None:
    shell = command.replace("python -m", f"{sys.executable} -m")
    done = subprocess.run(["bash", "-c", f"CALL={CALL}; {shell}"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == trace_hex_of(CALL)


def test_both_ways_to_a_trace_id_are_there() -> None:
    assert len(re.findall(r"^ *(?:printf |python -m telemetry\.names )", PAGE, re.MULTILINE)) == 2


def test_every_link_leads_to_something() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    lost = [link for link in links if not (telemetry_page.PAGE.parent / link).exists()]
    assert len(links) > 20
    if not RUNBOOKS.is_dir():
        lost = [link for link in lost if "runbooks/" not in link]
    assert lost == []


def test_every_span_has_its_writer_and_a_parent_that_is_a_span() -> None:
    assert list(WRITTEN) == list(SPANS)
    assert {parent for _, parent in WRITTEN.values()} - {""} <= set(SPANS)


def test_every_metric_but_those_for_reading_says_what_to_do() -> None:
    """Whoever is woken by a number finds what to do beside it."""
    silent = {name for name, metric in METRICS.items() if not metric.do}
    assert silent == {
        "voicemesh_calls_joined_total",
        "voicemesh_capacity_sessions",
        "voicemesh_worker_info",
        "voicemesh_callbacks",
        "voicemesh_scale_down_pods",
        "voicemesh_scale_down_patches_total",
    }


def test_scale_down_which_imports_nothing_of_ours_shows_what_the_catalog_says() -> None:
    shown = {
        (family.name + ("_total" if family.type == "counter" else ""), family.type, family.documentation)
        for family in Metrics(lag=lambda: 0.0).registry.collect()
    }
    assert shown == {(metric.name, metric.kind.value, metric.help) for metric in SCALE_DOWN}
