"""Every alert fires when it should and is quiet when it should not, has a runbook, and asks only for what the mesh tells of itself."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from telemetry.catalog import METRICS

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "charts/rules/voice-mesh.yaml"
CASES = sorted(Path(__file__).with_name("cases").glob("*.yaml"))
RUNBOOKS = ROOT / "docs/operations/runbooks"
ALERTS = {
    "VoiceMeshSilentDrop", "VoiceMeshFloorConflict", "VoiceMeshHandoffsFail", "VoiceMeshHandoffGap", "VoiceMeshRecoveries",
    "VoiceMeshBreakerOpen", "VoiceMeshCapacity", "VoiceMeshNoWorker", "VoiceMeshQueue", "VoiceMeshToolErrors",
    "VoiceMeshTurnDetectionSlow", "VoiceMeshResponsesSlow", "VoiceMeshSentimentFalling", "VoiceMeshLedgerGap",
    "VoiceMeshCallbacksOverdue", "VoiceMeshCertificateExpires", "VoiceMeshStoreAway", "VoiceMeshCanaryStopped",
    "VoiceMeshErrorBudgetFast", "VoiceMeshErrorBudgetSlow",
}  # fmt: skip
OF_PROMETHEUS = {"ALERTS", "up"}
"""Series that it makes itself."""
OF_TARGETS = {"namespace", "pod", "instance", "le"}
"""Labels that come from where a metric was found, or from its kind."""


@cache
def promtool() -> str:
    """Where it is; the test fails when it cannot be had."""
    found = subprocess.run([ROOT / "tools" / "promtool"], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


@cache
def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def kebab(alert: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", alert).lower()


def played_in(case_file: Path) -> Iterator[dict[str, Any]]:
    yield from yaml.safe_load(case_file.read_text())["tests"]


# --- promtool's own word --------------------------------------------------------------------------------------------------------------
def test_prometheus_takes_the_rules() -> None:
    done = subprocess.run([promtool(), "check", "rules", RULES], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case_file", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_not_when_they_nearly_should(case_file: Path) -> None:
    done = subprocess.run([promtool(), "test", "rules", case_file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_that_is_broken_is_noticed(tmp_path: Path) -> None:
    """That an old total is an increase to a Prometheus that is new."""
    place = tmp_path / "charts/rules"
    place.mkdir(parents=True)
    broken = RULES.read_text().replace(" and on (namespace) mesh:watched:count", "")
    assert broken != RULES.read_text()
    (place / RULES.name).write_text(broken)
    (tmp_path / "tests/rules/cases").mkdir(parents=True)
    silence = tmp_path / "tests/rules/cases/silence.yaml"
    silence.write_text((Path(__file__).with_name("cases") / "silence.yaml").read_text())
    done = subprocess.run([promtool(), "test", "rules", silence], capture_output=True, text=True)
    assert done.returncode != 0
    assert "VoiceMeshFloorConflict" in done.stdout + done.stderr


# --- every alert ------------------------------------------------------------------------------------------------------------------------
def test_the_alerts_are_those_that_are_promised() -> None:
    assert {rule["alert"] for rule in alerts()} == ALERTS


def test_every_rule_that_alerts_has_a_case_in_which_it_fires_and_every_alert_a_near_miss() -> None:
    fired: set[tuple[str, str, str]] = set()
    missed: set[str] = set()
    for case_file in CASES:
        for test in played_in(case_file):
            for asked in test.get("promql_expr_test", ()):
                (alert,) = re.findall(r'alertname="(\w+)",alertstate="firing"', asked["expr"])
                if not asked["exp_samples"]:
                    missed.add(alert)
                for sample in asked["exp_samples"]:
                    labels = dict(re.findall(r'(\w+)="([^"]*)"', sample["labels"]))
                    fired.add((alert, labels["severity"], labels.get("cause", "")))
    assert fired == {(rule["alert"], rule["labels"]["severity"], rule["labels"].get("cause", "")) for rule in alerts()}
    assert missed == ALERTS


@pytest.mark.parametrize(
    "rule", alerts(), ids=lambda rule: f"{rule['alert']}-{rule['labels'].get('cause', rule['labels']['severity'])}"
)
def test_whoever_is_woken_is_told_what_how_much_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    told = rule["annotations"]
    assert set(told) == {"summary", "description", "runbook"}
    assert len(told["summary"]) < 120
    assert "$value" in told["description"]
    assert told["runbook"] == f"docs/operations/runbooks/{kebab(rule['alert'])}.md"
    assert (ROOT / told["runbook"]).is_file()


def test_every_runbook_is_an_alerts_and_says_what_a_woken_person_asks() -> None:
    pages = {path.stem: path.read_text() for path in RUNBOOKS.glob("*.md") if path.name != "README.md"}
    assert set(pages) == {kebab(alert) for alert in ALERTS}
    index = (RUNBOOKS / "README.md").read_text()
    for name, text in pages.items():
        assert f"({name}.md)" in index, name
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        wanted = [
            "What the caller notices",
            "First look",
            "Likely causes, in order",
            "What to do",
            "When to wake whom",
            "It is over when",
        ]
        assert [heading for heading in headings if heading in wanted] == wanted, name


# --- nothing is asked for that nobody tells ---------------------------------------------------------------------------------------------
def recorded() -> dict[str, set[str]]:
    """Name of each recorded series -> the labels that it may have."""
    found: dict[str, set[str]] = {}
    for rule in rules():
        if "record" in rule:
            by = set(re.findall(r"\w+", " ".join(re.findall(r"\bby \(([^)]*)\)", rule["expr"]))))
            inherited = {label for name in re.findall(r"mesh:[\w:]+", rule["expr"]) for label in found.get(name, ())}
            found.setdefault(rule["record"], set()).update(by or inherited, rule.get("labels", ()))
    return found


@cache
def known_labels() -> dict[str, set[str]]:
    """Series -> labels, of the mesh's own and of the recorded ones."""
    own = {sample: set(metric.labels) for metric in METRICS.values() for sample in metric.samples}
    return {**own, **recorded()}


def expressions() -> Iterator[tuple[str, str]]:
    """Where, and what is asked there: of the rules, and of every panel."""
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for case_file in CASES:
        for test in played_in(case_file):
            for series in test["input_series"]:
                yield test["name"], series["series"]


def complaints(where: str, expression: str) -> list[str]:
    known, found = known_labels(), []
    for name, matchers in re.findall(r"\b((?:mesh:|voicemesh_|active_sessions)[\w:]*)(?:\{([^}]*)\})?", expression):
        if name not in known:
            found.append(f"{where}: nobody tells {name}")
            continue
        for label, value in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', matchers):
            if label not in known[name] | OF_TARGETS:
                found.append(f"{where}: {name} has no label {label}")
            values = METRICS[name].labels.get(label, ()) if name in METRICS else ()
            found += [
                f"{where}: {label} of {name} is never {one}"
                for one in value.split("|")
                if values and re.fullmatch(r"\w+", one) and one not in values
            ]
    labels = {label for of in known.values() for label in of} | OF_TARGETS
    for grouped in re.findall(r"\b(?:by|on|without|ignoring) \(([^)]*)\)", expression):
        found += [
            f"{where}: no series has a label {label}" for label in re.findall(r"\w+", grouped) if label not in labels
        ]
    return found


def test_every_series_label_and_value_in_the_rules_is_one_that_the_mesh_tells() -> None:
    asked = list(expressions())
    assert len(asked) > 100
    assert [found for where, expression in asked for found in complaints(where, expression)] == []


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("sum(voicemesh_handoff_total)", "nobody tells voicemesh_handoff_total"),
        ('voicemesh_handoffs_total{taker="billing"}', "has no label taker"),
        ('voicemesh_handoffs_total{outcome=~"moved|gone"}', "is never gone"),
        ("sum by (giver) (voicemesh_handoffs_total)", "no series has a label giver"),
    ],
)
def test_what_nobody_tells_is_noticed(expression: str, complaint: str) -> None:
    assert any(complaint in found for found in complaints("here", expression))
