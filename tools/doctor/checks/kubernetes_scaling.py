"""What lets a release grow, and what keeps a node's upgrade from taking a service at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.doctor.examination import Answer
from tools.doctor.results import Trouble
from tools.doctor.target import Target
from tools.doctor.workloads import Workload, asked, cluster_of, option, quantity, workloads

_ROOM_BELOW_PLACES = 0.9
"""An autoscaler acts on a deviation of more than a tenth."""


async def autoscalers(target: Target) -> Answer:
    """A blind autoscaler adds no pod, and a mesh that cannot grow looks healthy until it is full."""
    cluster, found = cluster_of(target), await workloads(target)
    scalers = {
        each["spec"]["scaleTargetRef"]["name"]: each
        for each in await asked(cluster.objects("horizontalpodautoscalers"))
    }
    troubles, told = [], []
    for workload in (each for each in found if not each.is_canary):
        if (scaler := scalers.get(workload.name)) is None:
            told.append(f"{workload.name} {workload.spec.get('replicas', 1)} fixed")
            if int(workload.spec.get("replicas", 1)) < 2:
                troubles.append(Trouble(f"{workload.name} has one pod and no autoscaler: a deploy has nowhere to move its calls", f"deploy/{workload.name}", f"set {workload.service}.autoscaling, or replicas: 3", is_fatal=False))  # fmt: skip
            continue
        spec, where = scaler["spec"], f"hpa/{scaler['metadata']['name']}, {target.home}"
        told.append(f"{workload.name} {spec.get('minReplicas', 1)} to {spec['maxReplicas']}")
        troubles += _of_scaler(target, workload, scaler, where)
    return ", ".join(told), troubles


def _of_scaler(target: Target, workload: Workload, scaler: Mapping[str, Any], where: str) -> Iterator[Trouble]:
    spec, status, service = scaler["spec"], scaler.get("status", {}), workload.service
    for condition in status.get("conditions", ()):
        if condition["type"] == "ScalingActive" and condition["status"] == "False":
            yield Trouble(f"it is blind: {condition.get('reason', '?')}", where, f"kubectl{option(target)} get --raw /apis/custom.metrics.k8s.io/v1beta1 | grep active_sessions; docs/operations/scaling.md, From a call to a pod")  # fmt: skip
    if status.get("currentReplicas") and status["currentReplicas"] >= spec["maxReplicas"]:
        yield Trouble(f"{service} is at its end: {spec['maxReplicas']} pods", where, f"set {service}.autoscaling.maxReplicas higher, if Redis, LiveKit and the providers bear it", is_fatal=False)  # fmt: skip
    if int(spec.get("minReplicas", 1)) < 2:
        yield Trouble(f"{service} may shrink to one pod: a node that is lost takes the service with it", where, f"set {service}.autoscaling.minReplicas=3", is_fatal=False)  # fmt: skip
    places = int(workload.plain.get("VOICEMESH_MAX_SESSIONS", 8))
    for aim in _aims(spec):
        if aim > _ROOM_BELOW_PLACES * places:
            yield Trouble(f"its aim of {aim:g} calls a pod is never passed: a pod takes {places}", where, f"set {service}.autoscaling.activeSessions={int(places * 0.75)}")  # fmt: skip


async def budgets(target: Target) -> Answer:
    """Without a PodDisruptionBudget a node's upgrade takes all pods of a service at once."""
    cluster, found = cluster_of(target), await workloads(target)
    there = await asked(cluster.objects("poddisruptionbudgets"))
    troubles = []
    for each in (one for one in found if not one.is_canary):
        labels = each.spec["template"]["metadata"].get("labels", {})
        mine = [budget for budget in there if _selects(budget, labels)]
        if not mine:
            troubles.append(Trouble(f"{each.name} has no PodDisruptionBudget", f"deploy/{each.name}, {target.home}", f"set {each.service}.podDisruptionBudget.enabled=true, maxUnavailable 1", is_fatal=False))  # fmt: skip
        for budget in mine:
            status = budget.get("status", {})
            if status.get("disruptionsAllowed") == 0 and status.get("currentHealthy", 0) >= status.get(
                "expectedPods", 1
            ):
                troubles.append(Trouble(f"{budget['metadata']['name']} lets no pod go: a node of it cannot be drained", f"pdb/{budget['metadata']['name']}", f"set maxUnavailable: 1 there, and two pods of {each.service} or more", is_fatal=False))  # fmt: skip
    return f"{len(there)} budgets", troubles


def _aims(spec: Mapping[str, Any]) -> Iterator[float]:
    for metric in spec.get("metrics", ()):
        kind = metric.get("pods") or metric.get("external") or {}
        if value := kind.get("target", {}).get("averageValue"):
            yield quantity(value)


def _selects(budget: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    wanted = budget["spec"].get("selector", {}).get("matchLabels", {})
    return bool(wanted) and all(labels.get(name) == value for name, value in wanted.items())
