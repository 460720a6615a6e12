"""How pods come, grow and go: nobody is on the line when one is taken away."""

from __future__ import annotations

import pytest

from tests.charts import rendering
from tests.charts.rendering import SERVICES, Object, Rendered, render


def workers(found: Rendered) -> dict[str, Object]:
    return {
        name: one
        for name, one in found.of("Deployment").items()
        if one["metadata"]["labels"]["app.kubernetes.io/component"] == "worker"
    }


def test_a_pod_that_goes_has_the_time_to_move_its_calls(any_way: Rendered) -> None:
    for name, found in workers(any_way).items():
        spec = found["spec"]["template"]["spec"]
        service = name.removesuffix("-canary")
        drain = int(any_way.one("ConfigMap", service)["data"]["VOICEMESH_DRAIN_SECONDS"])
        first = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert drain > 0 and first > 0, name
        assert spec["terminationGracePeriodSeconds"] >= first + drain + 10, name


def test_a_new_pod_is_there_before_an_old_one_goes(any_way: Rendered) -> None:
    for name, found in workers(any_way).items():
        assert found["spec"]["strategy"] == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        }, name


def test_the_back_office_is_up_before_the_worker_and_goes_after_it(any_way: Rendered) -> None:
    for name, found in workers(any_way).items():
        before = found["spec"]["template"]["spec"].get("initContainers", [])
        offices = [one for one in before if one["name"] == "back-office"]
        if name.startswith("triage"):
            assert offices == []
            continue
        assert before[-1] is offices[0]
        assert offices[0]["restartPolicy"] == "Always" and "startupProbe" in offices[0]
        assert offices[0]["args"] == ["--host", "127.0.0.1", "--port", "8000"]
        settings = any_way.one("ConfigMap", name.removesuffix("-canary"))["data"]
        assert settings["VOICEMESH_MCP_URL"] == "http://127.0.0.1:8000/mcp"


@pytest.mark.parametrize("service", SERVICES)
def test_pods_come_fast_and_go_slowly(default: Rendered, service: str) -> None:
    spec = default.one("HorizontalPodAutoscaler", service)["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": service}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 20)
    sessions, cpu = spec["metrics"]
    assert sessions["pods"] == {
        "metric": {"name": "active_sessions"},
        "target": {"type": "AverageValue", "averageValue": "6"},
    }
    assert cpu["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    assert spec["behavior"] == {
        "scaleUp": {
            "stabilizationWindowSeconds": 60,
            "policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": 300,
            "policies": [{"type": "Percent", "value": 25, "periodSeconds": 120}],
        },
    }


@pytest.mark.parametrize("service", SERVICES)
def test_fifty_calls_a_pod_is_one_file_more(service: str) -> None:
    fifty = render("charts", "-f", "charts/values-fifty.yaml")
    assert fifty.ok, fifty.said
    sessions, _ = fifty.one("HorizontalPodAutoscaler", service)["spec"]["metrics"]
    assert sessions["pods"]["target"]["averageValue"] == "50"
    assert fifty.one("ConfigMap", service)["data"]["VOICEMESH_MAX_SESSIONS"] == "60"


@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_may_have_what_the_autoscaler_counts_on(default: Rendered, service: str) -> None:
    most = int(default.one("ConfigMap", service)["data"]["VOICEMESH_MAX_SESSIONS"])
    aim = int(default.one("HorizontalPodAutoscaler", service)["spec"]["metrics"][0]["pods"]["target"]["averageValue"])
    assert most > 1.1 * aim


def test_who_is_scaled_has_no_number_of_pods_of_its_own(default: Rendered, trial: Rendered) -> None:
    assert all("replicas" not in found["spec"] for found in workers(default).values())
    assert all(found["spec"]["replicas"] == 1 for found in workers(trial).values())
    assert trial.of("HorizontalPodAutoscaler") == {}


def test_keda_scales_by_the_same_numbers() -> None:
    keda = ("--set", "autoscaling.kind=keda,autoscaling.keda.prometheusAddress=http://prometheus:9090")
    found = render(*rendering.ALONE, *keda)
    assert found.of("HorizontalPodAutoscaler") == {}
    spec = found.one("ScaledObject", "billing")["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (3, 20)
    sessions, cpu = spec["triggers"]
    assert sessions["metadata"]["threshold"] == "6" and cpu["metadata"] == {"value": "70"}
    assert sessions["metadata"]["query"] == (
        'sum(active_sessions{service="billing",namespace="mesh",pod!~"billing-canary-.*"})'
    )
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    hpa = render(*rendering.ALONE).one("HorizontalPodAutoscaler", "billing")
    assert behavior == hpa["spec"]["behavior"]


def test_whatever_has_several_pods_loses_one_at_a_time(any_way: Rendered) -> None:
    for name, found in any_way.of("Deployment").items():
        scaled = "replicas" not in found["spec"]
        if not scaled and found["spec"]["replicas"] < 2:
            continue
        budgets = [
            one["spec"]
            for one in any_way.of("PodDisruptionBudget").values()
            if chosen(one["spec"]["selector"]["matchLabels"], found["spec"]["template"]["metadata"]["labels"])
        ]
        assert len(budgets) == 1, name
        assert (budgets[0]["maxUnavailable"], budgets[0]["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow"), name


def chosen(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def test_every_selector_finds_the_pods_that_it_is_for_and_no_others() -> None:
    found = render(*rendering.DEFAULT, "--set", ",".join(f"{name}.canary.enabled=true" for name in SERVICES))
    pods = {name: pod["metadata"]["labels"] for name, pod in found.pods()}
    for kind, selector in (
        ("Deployment", lambda one: one["selector"]["matchLabels"]),
        ("Service", lambda one: one["selector"]),
    ):
        for name, one in found.of(kind).items():
            assert [pod for pod, labels in pods.items() if chosen(selector(one["spec"]), labels)] == [name], (
                f"{kind} {name}"
            )
    assert len(workers(found)) == 2 * len(SERVICES)


def test_a_canary_has_its_own_image_weight_and_name_and_is_scaled_by_nobody(production: Rendered) -> None:
    stable, canary = (production.one("Deployment", name) for name in ("billing", "billing-canary"))
    assert (stable["metadata"]["labels"]["track"], canary["metadata"]["labels"]["track"]) == ("stable", "canary")
    assert canary["spec"]["replicas"] == 1
    worker = canary["spec"]["template"]["spec"]["containers"][0]
    registry = "registry.example.com/contact-centre/voice-mesh"
    assert worker["image"] == f"{registry}/billing:0.2.0-rc.1"
    office = canary["spec"]["template"]["spec"]["initContainers"][-1]
    assert office["image"] == f"{registry}/billing-mcp:0.2.0-rc.1"
    assert rendering.variables(worker)["VOICEMESH_CANARY_WEIGHT"] == "5"
    assert "VOICEMESH_CANARY_WEIGHT" not in rendering.variables(stable["spec"]["template"]["spec"]["containers"][0])
    assert production.one("Service", "billing-canary")["spec"]["clusterIP"] == "None"
    assert set(production.of("HorizontalPodAutoscaler")) == set(SERVICES)


def test_a_release_is_one_tag_for_worker_and_back_office_and_what_the_worker_calls_itself(production: Rendered) -> None:
    found = render(*rendering.ALONE, "--set", "image.tag=0.3.0")
    spec = found.one("Deployment", "billing")["spec"]["template"]["spec"]
    images = [one["image"] for one in rendering.containers(spec)]
    assert images == ["voice-mesh/billing-mcp:0.3.0", "voice-mesh/billing:0.3.0"]
    assert rendering.variables(spec["containers"][0])["VOICEMESH_VERSION"] == "0.3.0"
    versions = [
        rendering.variables(production.one("Deployment", name)["spec"]["template"]["spec"]["containers"][0])[
            "VOICEMESH_VERSION"
        ]
        for name in ("billing", "billing-canary")
    ]
    assert versions == ["sha256:222222222222", "0.2.0-rc.1"]


def test_scale_down_is_there_exactly_where_pods_are_taken_away_automatically(
    default: Rendered, trial: Rendered, production: Rendered
) -> None:
    assert "scale-down" in default.of("Deployment") and "scale-down" in production.of("Deployment")
    assert "scale-down" not in trial.of("Deployment")
    assert "scale-down" in render(*rendering.TRIAL, "--set", "scaleDown.enabled=true").of("Deployment")
    pod = default.one("Deployment", "billing")["spec"]["template"]["metadata"]
    assert chosen({"app.kubernetes.io/part-of": "voice-mesh", "app.kubernetes.io/component": "worker"}, pod["labels"])
    assert "controller.kubernetes.io/pod-deletion-cost" not in pod["annotations"], "an upgrade would write over it"


def test_a_changed_setting_replaces_the_pods() -> None:
    def sums(*values: str) -> dict[str, str]:
        pod = render(*rendering.ALONE, *values).one("Deployment", "billing")["spec"]["template"]["metadata"]
        return {key: value for key, value in pod["annotations"].items() if key.startswith("checksum/")}

    before = sums()
    assert sums("--set", "env.VOICEMESH_LEASE_SECONDS=2s") != before
    assert sums("--set", "global.secretsChecksum=abc") == {**before, "checksum/secrets": "abc"}
    assert sums("--set", "autoscaling.maxReplicas=30") == before


def mebibytes(quantity: str) -> float:
    unit = {"Mi": 1, "Gi": 1024}[quantity[-2:]]
    return unit * float(quantity[:-2])


def test_a_trial_fits_a_node_of_two_cores_and_eight_gigabytes(trial: Rendered) -> None:
    cpu = memory = 0.0
    for name, pod in trial.pods():
        if name.endswith("-test-call"):
            continue
        for container in rendering.containers(pod["spec"]):
            if container["name"] != "wait":  # it is over when the others begin
                asked = container["resources"]["requests"]
                cpu += float(asked["cpu"].removesuffix("m")) / 1000
                memory += mebibytes(asked["memory"])
    assert cpu < 1.5 and memory < 6 * 1024
