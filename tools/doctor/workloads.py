"""The workers of a release, as kubectl shows their Deployments, with the variables that are no secrets."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tools.doctor.kubectl import Cluster, KubectlFailed
from tools.doctor.results import Skipped
from tools.doctor.target import Target

_UNITS = {"m": 0.001, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 1e3, "M": 1e6, "G": 1e9, "": 1.0}
_WORKER = "app.kubernetes.io/component"
_Told = TypeVar("_Told")


def quantity(text: str | float) -> float:
    """Kubernetes' own way to write a number: ``1500m``, ``2Gi``. Raises ValueError."""
    raw = str(text)
    digits = raw.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return float(digits) * _UNITS[raw[len(digits) :]]


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment of workers, with the variables that are no secrets."""

    name: str
    service: str
    spec: Mapping[str, Any]
    status: Mapping[str, Any]
    plain: Mapping[str, str]

    @property
    def pod(self) -> Mapping[str, Any]:
        """Of its template."""
        found: Mapping[str, Any] = self.spec["template"]["spec"]
        return found

    @property
    def worker(self) -> Mapping[str, Any]:
        """Its container of that name."""
        found: Mapping[str, Any] = next(each for each in self.pod["containers"] if each["name"] == "worker")
        return found

    @property
    def is_canary(self) -> bool:
        """Its number of pods is fixed."""
        return bool(self.spec["template"]["metadata"].get("labels", {}).get("track") == "canary")


def cluster_of(target: Target) -> Cluster:
    """Raises Skipped for a mesh that runs elsewhere."""
    if target.cluster is None:
        raise Skipped("not on Kubernetes (NAMESPACE=...)")
    return target.cluster


async def asked(question: Awaitable[_Told]) -> _Told:
    """What kubectl answers. Raises Skipped with its own words."""
    try:
        return await question
    except KubectlFailed as failed:
        raise Skipped(f"kubectl: {failed}") from None


async def workloads(target: Target) -> list[Workload]:
    """Raises Skipped when there is none, or none may be seen."""
    objects = await asked(cluster_of(target).objects("deployments", "configmaps"))
    maps = {each["metadata"]["name"]: each.get("data", {}) for each in objects if each["kind"] == "ConfigMap"}
    found = [_workload(each, maps) for each in objects if each["kind"] == "Deployment" and is_worker(each)]
    if not found:
        raise Skipped("no worker of the mesh is seen: see k8s.reachable")
    return found


def _workload(deployment: Mapping[str, Any], maps: Mapping[str, Mapping[str, str]]) -> Workload:
    spec = deployment["spec"]
    worker = next(each for each in spec["template"]["spec"]["containers"] if each["name"] == "worker")
    plain: dict[str, str] = {}
    for source in worker.get("envFrom", ()):
        plain |= maps.get(source.get("configMapRef", {}).get("name", ""), {})
    plain |= {each["name"]: each["value"] for each in worker.get("env", ()) if "value" in each}
    labels = deployment["metadata"].get("labels", {})
    return Workload(
        deployment["metadata"]["name"], labels["voice-mesh/service"], spec, deployment.get("status", {}), plain
    )


def is_worker(deployment: Mapping[str, Any]) -> bool:
    """By its labels, as the charts write them."""
    labels = deployment["metadata"].get("labels", {})
    return labels.get(_WORKER) == "worker" and "voice-mesh/service" in labels


def option(target: Target) -> str:
    """kubectl's -n, where a namespace was given."""
    return f" -n {target.cluster.namespace}" if target.cluster and target.cluster.namespace else ""
