"""A pod is deleted, killed, or put off its node with calls on the line: nobody is dropped, and nobody hears two voices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster, Placed
from tests.cluster.conftest import SERVICE, Report

SILENT_DROP_MS = 12_000
"""A longer silence than this is one, as in `make chaos`."""
AT_ONCE_MS = 100
"""A new agent's sound is not as long on its way as that of the one before. Nobody hears two voices in half a syllable; where the machine has
no core left it happens."""


def assert_nobody_was_dropped(mesh: Cluster, calls: list[Placed]) -> None:
    """Each has the ending that his words led to, in the call's record and in the ledger."""
    endings = mesh.endings()
    for call in calls:
        assert call.result["ending"] == "resolved", f"{call.caller}:\n{call.said}"
        assert call.result["two_voices_ms"] <= AT_ONCE_MS, call.result
        assert call.result["longest_silence_ms"] < SILENT_DROP_MS, call.result
        assert endings.get(call.result["call_id"]) == "resolved", call.result


def test_a_call_that_nothing_happens_to(two_pods: Cluster, report: Report) -> None:
    two_pods.call("undisturbed")
    calls = two_pods.hung_up("undisturbed")
    report.table("Nothing happens", calls)
    assert_nobody_was_dropped(two_pods, calls)


def test_a_deleted_pod_moves_its_call_to_another(two_pods: Cluster, report: Report) -> None:
    two_pods.call("deleted")
    pod = two_pods.until("a pod has the call", lambda: two_pods.holder(SERVICE), seconds=180)
    two_pods.kubectl("delete", "pod", pod, "--wait=false")
    calls = two_pods.hung_up("deleted")
    report.table("`kubectl delete pod` of the one that has the call", calls)
    assert_nobody_was_dropped(two_pods, calls)
    assert calls[0].result["agents_heard"] == 3, "triage, and two agents of the service"


def test_a_killed_pods_call_is_brought_back(two_pods: Cluster, report: Report) -> None:
    two_pods.call("killed")
    pod = two_pods.until("a pod has the call", lambda: two_pods.holder(SERVICE), seconds=180)
    two_pods.kubectl("delete", "pod", pod, "--grace-period=0", "--force", "--wait=false")
    calls = two_pods.hung_up("killed")
    report.table("the same with `--grace-period=0 --force`", calls)
    assert_nobody_was_dropped(two_pods, calls)


@pytest.fixture
def spare_node(two_pods: Cluster) -> Iterator[str]:
    """A node that may be drained: the pods of the control plane's stay where they are."""
    nodes = [node["metadata"]["name"] for node in two_pods.get("nodes")]
    with_pods = {pod["spec"]["nodeName"] for pod in two_pods.pods(SERVICE)}
    spare = next((node for node in reversed(nodes) if node in with_pods), "")
    if len(nodes) < 2 or len(with_pods) < 2:
        pytest.skip("draining a node needs two nodes, with a pod of the service on each")
    yield spare
    two_pods.kubectl("uncordon", spare)


def test_a_drained_nodes_calls_move_to_another_node(two_pods: Cluster, spare_node: str, report: Report) -> None:
    two_pods.call("drained-1", "drained-2")

    def both_have_one() -> bool:
        return all(two_pods.health(pod).get("active_sessions") for pod in two_pods.ready(SERVICE))

    two_pods.until("each pod has a call", both_have_one, seconds=240)
    # The callers, and what a trial has but once, stay: it is the workers that can move.
    chosen = "app.kubernetes.io/component=worker"
    two_pods.kubectl(
        "drain",
        spare_node,
        f"--pod-selector={chosen}",
        "--delete-emptydir-data",
        "--ignore-daemonsets",
        "--timeout=180s",
        seconds=200,
    )
    calls = two_pods.hung_up("drained-1", "drained-2")
    report.table(f"`kubectl drain {spare_node}` of its workers", calls)
    assert_nobody_was_dropped(two_pods, calls)
