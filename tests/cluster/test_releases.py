"""One team releases its service, takes it back, and tries a version on a share of the calls, while callers are on the line."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from tests.cluster.cluster import ROOT, Cluster
from tests.cluster.conftest import NEXT, SERVICE, Report
from tests.cluster.test_pods_that_go import assert_nobody_was_dropped
from tools.house import services

SHOW = ("python", "-m", "worker.canary", "show", SERVICE, "--json")


def _release(mesh: Cluster, *arguments: str) -> str:
    command = [sys.executable, "-m", "tools.release", SERVICE, *arguments, "--namespace", mesh.namespace]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _images(mesh: Cluster, service: str) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in mesh.pods(service)}


def _generations(mesh: Cluster) -> dict[str, int]:
    wanted = {*services(), "gateway", "ledger"} - {SERVICE}
    found = mesh.get("deployments")
    return {
        one["metadata"]["name"]: one["metadata"]["generation"] for one in found if one["metadata"]["name"] in wanted
    }


def test_a_release_and_its_rollback_move_the_calls_on_the_line_and_nobody_elses_pods(
    two_pods: Cluster, report: Report
) -> None:
    others = _generations(two_pods)
    for title, arguments, names, image in (
        ("make release", (NEXT, "--no-build"), ("released-1", "released-2"), NEXT),
        ("make rollback", ("--rollback",), ("taken-back-1", "taken-back-2"), two_pods.tag),
    ):
        two_pods.call(*names)
        two_pods.until("a pod has a call", lambda: two_pods.holder(SERVICE), seconds=240)
        began = time.monotonic()
        _release(two_pods, *arguments)
        took = time.monotonic() - began
        calls = two_pods.hung_up(*names)
        report.table(f"`{title} SERVICE={SERVICE}` with two calls on the line ({took:.0f} s)", calls)
        assert _images(two_pods, SERVICE) == {f"voice-mesh/{SERVICE}:{image}"}
        assert_nobody_was_dropped(two_pods, calls)
    assert _generations(two_pods) == others, "nobody else's Deployment was touched"


def test_a_canary_takes_a_share_and_goes_again(two_pods: Cluster, report: Report) -> None:
    _release(two_pods, NEXT, "--no-build", "--canary", "50")
    [canary] = two_pods.until("the canary's pod", lambda: two_pods.pods(SERVICE, track="canary"), seconds=60)
    assert canary["spec"]["containers"][0]["image"] == f"voice-mesh/{SERVICE}:{NEXT}"
    names = tuple(f"canary-{number}" for number in range(6))
    calls, spoken = [], 0
    for pair in zip(names[::2], names[1::2], strict=True):
        two_pods.call(*pair)
        calls += two_pods.hung_up(*pair)
        told = json.loads(two_pods.kubectl("exec", f"deploy/{SERVICE}", "--container", "worker", "--", *SHOW))
        assert told["stopped_at"] in (0, None), told
        spoken = told["spoken"]
        if spoken:
            break
    report.table(f"A canary at 50 %: it took {spoken} of these calls", calls)
    assert spoken, "with a half of the calls, one of six should have gone to it (1.6 % of runs: none)"
    assert_nobody_was_dropped(two_pods, calls)
    _release(two_pods, "--rollback")
    two_pods.until("the canary is gone", lambda: not two_pods.pods(SERVICE, track="canary"), seconds=180)
    assert _images(two_pods, SERVICE) == {f"voice-mesh/{SERVICE}:{two_pods.tag}"}
