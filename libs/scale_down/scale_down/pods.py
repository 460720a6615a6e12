"""Worker pods as the API server lists them, and what has to be written to which of them. Pure: no network, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COST = "controller.kubernetes.io/pod-deletion-cost"
"""Kubernetes's own annotation: of the pods of one ReplicaSet, those with the lowest are deleted first."""
WORKERS = "app.kubernetes.io/part-of=voice-mesh,app.kubernetes.io/component=worker"
"""Which pods are looked after, as a label selector."""
_HIGHEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that runs, and may hold calls."""

    name: str
    uid: str
    address: str
    """Its IP address, as it stands in a URL."""
    cost: str | None
    """What is written on it now; None when nothing is."""
    is_ready: bool
    """Whether its readiness probe lets traffic in: then its health port answers."""


def running_pods(listed: Mapping[str, Any]) -> list[Pod]:
    """Those of a PodList that run and have an address, a pod on its way out too: it holds calls until they have moved."""
    found = (_pod(item) for item in listed.get("items") or ())
    return [pod for pod in found if pod is not None]


def _pod(item: Mapping[str, Any]) -> Pod | None:
    about, status = item["metadata"], item.get("status") or {}
    address = status.get("podIP") or ""
    if status.get("phase") != "Running" or not address:
        return None
    conditions = {one.get("type"): one.get("status") for one in status.get("conditions") or ()}
    return Pod(
        name=about["name"],
        uid=about["uid"],
        address=f"[{address}]" if ":" in address else address,
        cost=(about.get("annotations") or {}).get(COST),
        is_ready=conditions.get("Ready") == "True",
    )


def cost_to_write(pod: Pod, held: int | None) -> str | None:
    """What to write on a pod that holds so many calls (None: it did not say); None when nothing is to be written.

    A pod without the annotation counts as 0 for Kubernetes. It gets its 0 all the same, once, so that who looks sees that it is
    looked after.
    """
    if held is None:
        return None
    cost = str(min(held, _HIGHEST))
    return cost if cost != pod.cost else None


def merge_patch(pod: Pod, cost: str) -> dict[str, Any]:
    """The patch's body. With the uid the server refuses it when another pod has the name by now."""
    return {"metadata": {"uid": pod.uid, "annotations": {COST: cost}}}


def calls_held(answer: object) -> int | None:
    """How many calls a worker's /health/ready tells of; None when that is not its answer."""
    held = answer.get("active_sessions") if isinstance(answer, dict) else None
    return held if isinstance(held, int) and not isinstance(held, bool) and held >= 0 else None
