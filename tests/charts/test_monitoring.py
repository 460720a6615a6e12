"""Rules and dashboards come when they are asked for, by labels that others collect them by, and are the files that are tested elsewhere."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.charts import rendering
from tests.charts.rendering import CHARTS, Rendered

RULES = (CHARTS / "rules/voice-mesh.yaml").read_text()
OPERATOR = ("--api-versions", "monitoring.coreos.com/v1")


def with_values(*arguments: str) -> Rendered:
    found = rendering.render(*rendering.DEFAULT, *arguments)
    assert found.ok, found.said
    return found


def test_who_asks_for_nothing_gets_neither(default: Rendered) -> None:
    assert not [name for name in default.of("ConfigMap") if name.startswith("voice-mesh-")]
    assert default.of("PrometheusRule") == {}


def test_the_config_map_holds_the_file_as_it_is() -> None:
    found = with_values("--set", "monitoring.rules.configMap.enabled=true").one("ConfigMap", "voice-mesh-rules")
    assert found["metadata"]["labels"]["prometheus_rule"] == "1"
    assert yaml.safe_load(found["data"]["voice-mesh.yaml"]) == yaml.safe_load(RULES)


def test_the_operators_object_has_the_same_groups_and_the_labels_that_its_prometheus_selects(
    production: Rendered,
) -> None:
    found = production.one("PrometheusRule", "voice-mesh")
    assert found["metadata"]["labels"]["release"] == "prometheus"
    assert found["spec"] == yaml.safe_load(RULES)


def test_where_the_operator_is_unknown_its_object_is_left_out() -> None:
    wanted = ("--set", "monitoring.rules.prometheusRule.enabled=true")
    assert with_values(*wanted).of("PrometheusRule") == {}
    assert set(with_values(*wanted, *OPERATOR).of("PrometheusRule")) == {"voice-mesh"}


def test_every_dashboard_is_a_config_map_that_grafanas_sidecar_finds() -> None:
    asked = ("--set", "monitoring.dashboards.enabled=true,monitoring.dashboards.annotations.grafana_folder=calls")
    found = {n: one for n, one in with_values(*asked).of("ConfigMap").items() if n.startswith("voice-mesh-dashboard-")}
    files = {path.stem: json.loads(path.read_text()) for path in (CHARTS / "dashboards").glob("*.json")}
    assert set(found) == {f"voice-mesh-dashboard-{name}" for name in files}
    for name, file in files.items():
        one = found[f"voice-mesh-dashboard-{name}"]
        assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert one["metadata"]["annotations"] == {"grafana_folder": "calls"}
        assert json.loads(one["data"][f"voice-mesh-{name}.json"]) == file


@pytest.mark.parametrize("wrong", ["monitoring.rules.enabled=true", "monitoring.dashboards.enabled=maybe"])
def test_a_value_that_is_not_known_is_refused(wrong: str) -> None:
    assert not rendering.render(*rendering.DEFAULT, "--set", wrong).ok
