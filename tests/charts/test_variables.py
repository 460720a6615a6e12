"""Every variable that a container of ours is given is one that its program reads."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.charts import rendering
from tests.charts.rendering import CHARTS, ROOT, Rendered, containers, variables
from tests.charts.test_kubernetes_schemas import EVERYTHING

READ = set(re.findall(r"^(?:# ?)?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
OTHERS = ("redis", "postgres", "livekit")
"""Programs that are not ours."""


def given(found: Rendered) -> set[str]:
    names = {
        name
        for owner, pod in found.pods()
        if owner not in OTHERS
        for container in containers(pod["spec"])
        for name in variables(container)
    }
    return names | {name for owner, one in found.of("ConfigMap").items() if owner not in OTHERS for name in one["data"]}


def test_no_variable_is_set_that_nobody_reads(any_way: Rendered) -> None:
    assert given(any_way) - READ == set()


def test_nor_when_everything_is_switched_on() -> None:
    found = rendering.render(*rendering.TRIAL, *EVERYTHING)
    assert found.ok, found.said
    assert given(found) - READ == {"A"}, "that one is the test's own"
    assert {"VOICEMESH_TLS_DIR", "VOICEMESH_CANARY_WEIGHT"} <= given(found)


def test_every_program_that_makes_spans_is_told_where_they_go(production: Rendered, trial: Rendered) -> None:
    told = {
        (owner, container["name"])
        for owner, pod in production.pods()
        for container in containers(pod["spec"])
        if variables(container).get("OTEL_EXPORTER_OTLP_ENDPOINT") == "http://otel-collector.observability:4318"
    }
    offices = {(owner, "back-office") for owner in ("billing", "billing-canary", "technical", "sales", "escalation")}
    assert told == offices | {("gateway", "gateway"), ("ledger", "ledger")}
    assert all(
        "OTEL_EXPORTER_OTLP_ENDPOINT" in production.one("ConfigMap", name)["data"] for name in rendering.SERVICES
    )
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in given(trial)


@pytest.mark.parametrize("file", ["values.yaml", "values-trial.yaml", "values-production.yaml"])
def test_variables_in_values_are_text(file: str) -> None:
    """Helm's own complaint would come at an install."""

    def found(part: object) -> list[str]:
        if not isinstance(part, dict):
            return []
        own = [name for name, value in (part.get("env") or {}).items() if not isinstance(value, str)]
        return own + [name for one in part.values() for name in found(one)]

    assert found(yaml.safe_load((CHARTS / file).read_text())) == []
