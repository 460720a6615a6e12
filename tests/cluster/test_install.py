"""The trial installs, a recorded caller is served, and nobody has a right that he does not need."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.cluster.cluster import RELEASE, Cluster, NotThere, is_ready
from tests.cluster.conftest import SERVICE, Report
from tools.house import services


def test_every_pod_of_the_trial_is_ready(mesh: Cluster, report: Report) -> None:
    pods = [pod for pod in mesh.get("pods") if pod["status"]["phase"] != "Succeeded"]
    assert all(is_ready(pod) for pod in pods)
    restarts = {
        pod["metadata"]["name"]: sum(status["restartCount"] for status in pod["status"].get("containerStatuses", []))
        for pod in pods
    }
    report.tell(f"- {len(pods)} pods, restarts: {sum(restarts.values())}")
    assert {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods} >= {*services(), "gateway", "ledger"}


def test_helm_test_places_a_spoken_call_that_ends_as_it_should(mesh: Cluster, report: Report) -> None:
    told = mesh.helm("test", RELEASE, "--logs", "--timeout", "10m")
    assert "Phase:          Succeeded" in told or "Succeeded" in told
    report.tell("- `helm test`: " + next(line for line in told.splitlines() if line.startswith("result: ")))


@pytest.mark.parametrize("service", services())
def test_a_worker_may_ask_the_api_for_nothing(mesh: Cluster, service: str) -> None:
    who = f"--as=system:serviceaccount:{mesh.namespace}:{service}"
    for verb, kind in (
        ("get", "pods"),
        ("list", "secrets"),
        ("get", "configmaps"),
        ("patch", "pods"),
        ("create", "pods"),
    ):
        assert not mesh.can_kubectl("auth", "can-i", verb, kind, who), f"{service} may {verb} {kind}"
    for pod in mesh.pods(service):
        assert not pod["spec"]["automountServiceAccountToken"]


def test_who_is_no_part_of_the_mesh_does_not_reach_its_redis(mesh: Cluster, report: Report) -> None:
    """Where the network plugin enforces NetworkPolicies."""
    name = "stranger"
    image = f"voice-mesh/{SERVICE}:{mesh.tag}"
    knock = "import socket; socket.create_connection(('redis', 6379), 5)"
    container = {"name": name, "image": image, "command": ["python", "-c", knock]}
    overrides = json.dumps({"spec": {"containers": [container]}})
    mesh.kubectl("run", name, "--restart=Never", f"--image={image}", f"--overrides={overrides}")

    def phase() -> str:
        found = mesh.kubectl("get", "pod", name, "--output", "jsonpath={.status.phase}")
        return found if found in ("Succeeded", "Failed") else ""

    try:
        reached = mesh.until("the stranger has knocked", phase, seconds=90) == "Succeeded"
    finally:
        mesh.kubectl("delete", "pod", name, "--wait=false")
    if reached:
        report.tell(
            "- NetworkPolicies: NOT enforced by this cluster's network plugin, so their effect could not be tested"
        )
        pytest.skip("this cluster's network plugin does not enforce NetworkPolicies")
    report.tell("- NetworkPolicies: enforced; a stranger does not reach Redis")


def test_a_container_cannot_write_but_where_it_is_meant_to(mesh: Cluster) -> None:
    pod = mesh.ready(SERVICE)[0]
    with pytest.raises(NotThere, match="Read-only file system"):
        mesh.kubectl("exec", pod, "--container", "worker", "--", "python", "-c", "open('/app/x', 'w')")
    assert mesh.kubectl("exec", pod, "--container", "worker", "--", "id", "-u").strip() == "10001"


def test_what_the_images_hold_is_no_compiler(mesh: Cluster) -> None:
    pod = mesh.ready(SERVICE)[0]
    for tool in ("gcc", "cc", "make"):
        found = subprocess.run(
            [
                "kubectl",
                "--namespace",
                mesh.namespace,
                "exec",
                pod,
                "--container",
                "worker",
                "--",
                "sh",
                "-c",
                f"command -v {tool}",
            ],
            capture_output=True,
        )
        assert found.returncode != 0, tool
