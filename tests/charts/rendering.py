"""Helm at work on the two charts, and what it renders as objects. `tools/helm` finds it, or has it brought."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHARTS = ROOT / "charts"
ALONE = ("charts/specialist", "-f", "services/billing/values.yaml")
"""Billing as its team installs it."""
TRIAL = (
    "charts",
    "-f",
    "charts/values-trial.yaml",
    "--set",
    "secrets.seed=seed-of-the-golden-renders-which-opens-nothing",
)
"""Derived secrets, or each render would be another one."""
PRODUCTION = (
    "charts",
    "-f",
    "charts/values-production.yaml",
    "--api-versions",
    "monitoring.coreos.com/v1",
    "--set",
    "monitoring.dashboards.enabled=false",
)
"""Dashboards would be half of all that is rendered; test_monitoring.py compares them with their files."""
DEFAULT = ("charts",)
NAMESPACE = "mesh"
SERVICES = ("triage", "billing", "technical", "sales", "escalation")

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What Helm said. ``objects`` is empty when it refused."""

    text: str
    said: str
    """On stderr: why it refused, or what it had to remark."""
    ok: bool
    objects: tuple[Object, ...] = field(default=(), repr=False)

    def of(self, kind: str) -> dict[str, Object]:
        """By name."""
        return {found["metadata"]["name"]: found for found in self.objects if found["kind"] == kind}

    def one(self, kind: str, name: str) -> Object:
        """Raises KeyError when there is none."""
        return self.of(kind)[name]

    def pods(self) -> Iterator[tuple[str, Object]]:
        """Name of what makes it, and a pod's metadata and spec."""
        for kind in ("Deployment", "Pod"):
            for name, found in self.of(kind).items():
                yield name, found["spec"]["template"] if kind == "Deployment" else found


@cache
def helm() -> str:
    """Where it is; the test fails when it cannot be had."""
    found = subprocess.run([ROOT / "tools" / "helm"], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([helm(), *arguments], cwd=cwd, capture_output=True, text=True)


@cache
def render(*arguments: str, release: str = "voice-mesh", cwd: Path = ROOT) -> Rendered:
    """`helm template`; the same arguments are rendered once."""
    done = run("template", release, "--namespace", NAMESPACE, *arguments, cwd=cwd)
    objects = tuple(one for one in yaml.safe_load_all(done.stdout) if one) if done.returncode == 0 else ()
    return Rendered(done.stdout, done.stderr, done.returncode == 0, objects)


def containers(spec: Object) -> list[Object]:
    """All of a pod, those that run before it too."""
    return [*spec.get("initContainers", []), *spec["containers"]]


def variables(container: Object) -> dict[str, Any]:
    """Those given by name: a plain value, or where it is from."""
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in container.get("env", [])}
