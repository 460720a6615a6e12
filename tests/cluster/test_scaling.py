"""More calls bring more pods, fewer calls take the idle ones away, and the one with a call on the line stays."""

from __future__ import annotations

import pytest

from tests.cluster.cluster import RELEASE, ROOT, Cluster, Placed
from tests.cluster.conftest import SERVICE, Report, base_values
from tests.cluster.test_pods_that_go import assert_nobody_was_dropped

COST = "controller.kubernetes.io/pod-deletion-cost"
METRICS = "/apis/custom.metrics.k8s.io"
AIM = {
    "kind": "hpa",
    "minReplicas": 1,
    "maxReplicas": 2,
    "activeSessions": 1,
    # By calls alone: a pod that starts takes more CPU than all calls of a trial.
    "cpuPercent": 500,
    # The chart's own windows are minutes.
    "scaleUp.stabilizationWindowSeconds": 0,
    "scaleDown.stabilizationWindowSeconds": 20,
    "scaleDown.percent": 100,
    "scaleDown.periodSeconds": 15,
}


@pytest.fixture
def scaled(mesh: Cluster) -> Cluster:
    """The service alone has an autoscaler, and begins with one pod."""
    if not mesh.can_kubectl("get", "--raw", METRICS):
        pytest.skip("this cluster has no custom metrics API: install prometheus-adapter (docs/operations/scaling.md)")
    wanted = [
        argument for name, value in AIM.items() for argument in ("--set", f"{SERVICE}.autoscaling.{name}={value}")
    ]
    wanted += ["--set", f"{SERVICE}.resources.requests.cpu=500m"]
    mesh.helm(
        "upgrade",
        RELEASE,
        str(ROOT / "charts"),
        *base_values(mesh),
        *wanted,
        "--reset-values",
        "--wait",
        "--timeout",
        "10m",
    )

    def knows_the_metric() -> bool:
        [hpa] = mesh.get("hpa")
        return any(metric["type"] == "Pods" for metric in hpa["status"].get("currentMetrics") or [])

    mesh.until("the autoscaler knows active_sessions", knows_the_metric, seconds=180)
    mesh.until("one idle pod", lambda: len(mesh.pods(SERVICE)) == 1 == len(mesh.ready(SERVICE)), seconds=300)
    return mesh


def test_calls_bring_pods_and_their_end_takes_the_idle_ones(scaled: Cluster, report: Report) -> None:
    callers = ("crowd-1", "crowd-2")
    scaled.call(*callers)
    most = scaled.until("more pods", lambda: len(scaled.pods(SERVICE)) > 1 and len(scaled.pods(SERVICE)), seconds=300)
    calls = scaled.hung_up(*callers)
    calls += _while_it_shrinks(scaled)
    report.tell(f"\n- the autoscaler went from 1 to {most} or more pods and back to 1; its events:\n")
    for line in scaled.kubectl(
        "get", "events", "--field-selector=involvedObject.kind=HorizontalPodAutoscaler"
    ).splitlines():
        report.tell(f"      {line}")
    report.table("While it scaled up and down", calls)
    assert_nobody_was_dropped(scaled, calls)


def _while_it_shrinks(mesh: Cluster) -> list[Placed]:
    """One caller after the other until one pod is left."""
    calls: list[Placed] = []
    while len(mesh.pods(SERVICE)) > 1 and len(calls) < 6:
        name = f"last-{len(calls)}"
        mesh.call(name)
        calls += mesh.hung_up(name)
    mesh.until("one pod is left", lambda: len(mesh.pods(SERVICE)) == 1, seconds=180)
    return calls


def test_the_pod_with_the_call_is_the_one_that_stays(scaled: Cluster, report: Report) -> None:
    scaled.kubectl("patch", "hpa", SERVICE, "--patch", '{"spec": {"minReplicas": 2}}')
    scaled.until("two pods", lambda: len(scaled.ready(SERVICE)) == 2, seconds=240)
    scaled.call("busy")
    busy = scaled.until("a pod has the call", lambda: scaled.holder(SERVICE), seconds=240)

    def cost() -> bool:
        [pod] = [pod for pod in scaled.pods(SERVICE) if pod["metadata"]["name"] == busy]
        return bool(pod["metadata"].get("annotations", {}).get(COST) == "1")

    scaled.until("the pod's cost is its call", cost, seconds=30)
    scaled.kubectl("patch", "hpa", SERVICE, "--patch", '{"spec": {"minReplicas": 1}}')
    scaled.until("one pod", lambda: len(scaled.pods(SERVICE)) == 1, seconds=240)
    left = [pod["metadata"]["name"] for pod in scaled.pods(SERVICE)]
    calls = scaled.hung_up("busy")
    report.table("Scaled down with a call on the line", calls)
    assert left == [busy] or not scaled.health(left[0]).get("active_sessions"), "the idle pod went first"
    assert_nobody_was_dropped(scaled, calls)
