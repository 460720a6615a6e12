"""docs/operations/install.md names values, Secrets and images that there are."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.charts.rendering import CHARTS, ROOT, SERVICES, Rendered, containers
from tests.charts.test_policy import references

PAGE = (ROOT / "docs/operations/install.md").read_text()
MESH, SERVICE = (yaml.safe_load((CHARTS / path / "values.yaml").read_text()) for path in ("", "specialist"))


def test_every_value_that_it_names_exists() -> None:
    roots = "|".join({*MESH, "backOffice", "autoscaling", "canary", "networkPolicy"} - set(SERVICES))
    named = set(re.findall(rf"(?<![\w/.-])((?:{roots}|<service>)(?:\.[a-zA-Z]+)+)(?![\w/])", PAGE))
    named = {path for path in named if not path.endswith((".yaml", ".md", ".com", ".name"))}
    assert len(named) > 25
    assert [path for path in sorted(named) if not is_there(path)] == []


def is_there(path: str) -> bool:
    first, *rest = path.split(".")
    found: Any = SERVICE if first == "<service>" else MESH[first] if first in MESH else SERVICE[first]
    for name in rest:
        if not isinstance(found, dict) or name not in found:
            return False
        found = found[name]
    return True


def test_it_has_a_command_for_every_secret_that_pods_need(default: Rendered) -> None:
    made = set(re.findall(r"create secret generic (\S+)", PAGE))
    made = (made - {"$name-database"}) | {
        f"{name}-database" for name in ("billing", "technical", "sales", "escalation", "ledger")
    }
    needed = {secret for _, pod in default.pods() for secret, _, _ in references(pod["spec"])}
    assert made == needed
    for _, pod in default.pods():
        for secret, key, optional in references(pod["spec"]):
            assert f"{key}=" in PAGE or (optional and key in PAGE), f"{secret}: {key}"


def test_it_loads_every_image_of_a_trial_into_kind(trial: Rendered) -> None:
    loaded = set(re.search(r"for name in (.+); do\n\s+kind load", PAGE)[1].split())  # type: ignore[index]
    used = {container["image"] for _, pod in trial.pods() for container in containers(pod["spec"])}
    assert {f"voice-mesh/{name}" for name in loaded} == {
        one.partition(":")[0] for one in used if one.startswith("voice-mesh/")
    }


def test_the_numbers_that_it_gives_are_those_of_the_charts() -> None:
    table = dict(re.findall(r"^\| `<service>\.(\w+)` \| (\d+) \|", PAGE, re.MULTILINE))
    assert {name: str(SERVICE[name]) for name in table} == table
    assert {"maxSessions", "idleProcesses", "drainSeconds"} <= set(table)
    aim = SERVICE["autoscaling"]
    assert f"| `<service>.autoscaling.activeSessions` | {aim['activeSessions']} |" in PAGE
    assert f"{aim['minReplicas']} to {aim['maxReplicas']} pods, {aim['activeSessions']} calls" in PAGE


def test_prometheus_adapter_is_given_the_metric_of_the_autoscaler() -> None:
    (rule,) = yaml.safe_load((CHARTS / "prometheus-adapter.yaml").read_text())["rules"]["custom"]
    assert rule["name"]["as"] == "active_sessions" and rule["seriesQuery"].startswith("active_sessions{")
