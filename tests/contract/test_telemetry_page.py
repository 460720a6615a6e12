"""docs/telemetry.md is what the catalog says, and what it tells to type does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable

import ledger.metrics
import pytest
import scale_down.metrics
import worker.main_process.observe
from prometheus_client import CollectorRegistry
from telemetry.catalog import FROM_CALLS, LEDGER, METRICS, OF_WORKERS, SCALE_DOWN, SPANS, Metric
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


def shown_by(registry: CollectorRegistry) -> set[tuple[str, str, str]]:
    """Name, kind and words of each family."""
    return {
        (family.name + ("_total" if family.type == "counter" else ""), family.type, family.documentation)
        for family in registry.collect()
    }


def as_shown(metrics: Iterable[Metric]) -> set[tuple[str, str, str]]:
    return {(metric.name, metric.kind.value, metric.help) for metric in metrics}


def test_scale_down_which_imports_nothing_of_ours_shows_what_the_catalog_says() -> None:
    assert shown_by(scale_down.metrics.Metrics(lag=lambda: 0.0).registry) == as_shown(SCALE_DOWN)


def test_the_ledger_shows_what_the_catalog_says() -> None:
    none: dict[str, float] = {}
    shown = ledger.metrics.Metrics(lags=lambda: none, without_ending=dict, callbacks=dict, overdue=dict)
    assert shown_by(shown.registry) == as_shown(LEDGER)


def test_a_worker_shows_what_the_catalog_says() -> None:
    shown = worker.main_process.observe.Metrics(
        "billing", active=lambda: 0, capacity=lambda: 3, version="1", is_canary=True
    )
    shown.canary(share=10, is_stopped=False)
    assert shown_by(shown.registry) == as_shown((*OF_WORKERS, *FROM_CALLS))
