"""`make test-cluster`: the chart on the cluster of KUBECONFIG. Nothing here runs in `make test`.

One mesh is installed for all tests, in a namespace of its own, and taken away afterwards. What happened is told in .run/cluster/report.md.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.cluster.cluster import RELEASE, ROOT, Cluster, Placed
from tools.images import Builder, image_name, targets

REPORT = ROOT / ".run" / "cluster" / "report.md"
SERVICE = "technical"
"""Whose pods are deleted, drained, scaled and released: its recorded caller can call any number of times."""
NEXT = "0.1.0-next"
"""The version that it is released as."""
TRIAL = ROOT / "charts" / "values-trial.yaml"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of this tier."""
    group = parser.getgroup("cluster")
    group.addoption("--tag", default="dev", help="tag of the mesh's images in the cluster")
    group.addoption("--test-namespace", default="voice-mesh-test", help="is made, and deleted afterwards")
    group.addoption("--builder", default="", help="build the images first, with this (tools/images.py)")
    group.addoption("--load", default="", help="and bring them into the cluster with this")
    group.addoption("--keep", action="store_true", help="leave the mesh there when the tests are over")


class Report:
    """What was seen, as lines of Markdown, for a person."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        path.write_text("# The chart on a cluster\n\n")

    def tell(self, line: str) -> None:
        """One line more; printed as well."""
        print(f"\n{line}")
        with self._path.open("a") as file:
            file.write(f"{line}\n")

    def table(self, title: str, calls: Sequence[Placed]) -> None:
        """One row for each call."""
        self.tell(f"\n## {title}\n")
        self.tell("| caller | ending | agents heard | longest silence, ms | two voices, ms |")
        self.tell("| --- | --- | --- | --- | --- |")
        for call in calls:
            r = call.result
            row = (call.caller, r["ending"], r["agents_heard"], r["longest_silence_ms"], r["two_voices_ms"])
            self.tell(f"| {' | '.join(map(str, row))} |")


@pytest.fixture(scope="session")
def report() -> Report:
    """Shared by all."""
    return Report(REPORT)


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Reached, with the images that were asked for. Fails where there is none: who asks for these tests has one."""
    if shutil.which("kubectl") is None:
        pytest.fail("kubectl is not on the PATH")
    version = subprocess.run(["kubectl", "version"], capture_output=True, text=True)
    if version.returncode:
        pytest.fail(f"no cluster answers: set KUBECONFIG, or `kind create cluster`\n{version.stderr}")
    helm = subprocess.run([str(ROOT / "tools/helm")], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    option = request.config.getoption
    if option("--builder"):
        builder = Builder.found(option("--builder"), load=option("--load"))
        wanted = [(target, option("--tag")) for target in targets()]
        for target, tag in [*wanted, (SERVICE, NEXT), (f"{SERVICE}-mcp", NEXT)]:
            builder.make(target, image_name(target, version=tag), version=tag)
    return Cluster(option("--test-namespace"), tag=option("--tag"), helm=helm)


@pytest.fixture(scope="session")
def mesh(request: pytest.FixtureRequest, cluster: Cluster, report: Report) -> Iterator[Cluster]:
    """The trial, installed with two pods of the service under test."""
    began = time.monotonic()
    cluster.helm(
        "install",
        RELEASE,
        str(ROOT / "charts"),
        *base_values(cluster),
        "--create-namespace",
        "--wait",
        "--timeout",
        "15m",
    )
    report.tell(f"- `helm install --wait` of the trial: {time.monotonic() - began:.0f} s until all pods were ready")
    yield cluster
    if not request.config.getoption("--keep"):
        cluster.helm("uninstall", RELEASE, "--wait", "--timeout", "5m")
        subprocess.run(["kubectl", "delete", "namespace", cluster.namespace, "--wait=false"], check=False)


def base_values(cluster: Cluster) -> list[str]:
    """Arguments of helm: the trial with images of the tag under test."""
    return ["--values", str(TRIAL), "--set-string", f"global.image.tag={cluster.tag}", "--set", f"{SERVICE}.replicas=2"]


@pytest.fixture
def two_pods(mesh: Cluster) -> Cluster:
    """The mesh as it was installed, whatever the test before changed."""
    mesh.helm(
        "upgrade", RELEASE, str(ROOT / "charts"), *base_values(mesh), "--reset-values", "--wait", "--timeout", "10m"
    )
    mesh.until("two pods of the service", lambda: len(mesh.ready(SERVICE)) == 2, seconds=120)
    return mesh
