"""Room for calls, and time to hand them over: places against cores and memory, the drain against whoever stops the process."""

from __future__ import annotations

from collections import defaultdict
from urllib.parse import urlsplit

import psutil

from bench.density.capacity import CPU_SHARE, MEMORY_SHARE, Pod, holds
from tools.capacity.figures import FIGURES
from tools.doctor.examination import Answer
from tools.doctor.results import Skipped, Trouble
from tools.doctor.target import Kind, Target

CLOSING_SECONDS = 15
"""What a worker needs after its drain: jobs that had to be cut, Redis, the back office (the chart's closingSeconds)."""
COMPOSE_POD = Pod(2, 2)
"""cpus and mem_limit of a worker in docker-compose.yml; a test compares them."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


async def capacity(target: Target) -> Answer:
    """A worker without a free core does not become slow, it breaks: jobs lose their leases, and each successor costs the next one's turn."""
    places = {service: target.worker(service).max_sessions for service in target.workers}
    if not places:
        raise Skipped("no worker's VOICEMESH_MAX_SESSIONS is known here: in a cluster see k8s.capacity")
    if target.kind is Kind.COMPOSE:
        troubles = [too_small(service, each, COMPOSE_POD, f"VOICEMESH_MAX_SESSIONS, in {target.home}") for service, each in places.items()]  # fmt: skip
        return f"{sum(places.values())} places, each container holds its own", [each for each in troubles if each]
    if urlsplit(target.value("LIVEKIT_URL")).hostname not in _LOOPBACK:
        raise Skipped("the workers' machine is not this one: python -m tools.capacity reckons")
    return of_machine(target, places, cores=psutil.cpu_count() or 1, gib=psutil.virtual_memory().total / 2**30)


def of_machine(target: Target, places: dict[str, int], *, cores: float, gib: float) -> Answer:
    """All workers on one machine, with its cores and memory to themselves."""
    base = len(places)
    by_cpu = (cores * CPU_SHARE - base * FIGURES.worker_cores.base) / FIGURES.worker_cores.each
    by_memory = (gib * 1024 * MEMORY_SHARE - base * FIGURES.worker_mib.base) / FIGURES.worker_mib.each
    carried, offered = max(0, int(min(by_cpu, by_memory))), sum(places.values())
    what = f"{offered} places are offered, and this machine ({cores:g} cores, {gib:.0f} GiB) carries {carried} calls at a time"
    if offered <= carried:
        return what
    if target.is_local:
        return f"{what}: enough for one person's"
    each = max(1, carried // base)
    return "", [
        Trouble(
            what,
            f"VOICEMESH_MAX_SESSIONS, in {target.home}",
            f"set VOICEMESH_MAX_SESSIONS={each}, or give it {offered * FIGURES.worker_cores.each / CPU_SHARE:.0f} cores (python -m tools.capacity)",
            is_fatal=carried < base,
        )
    ]


def too_small(service: str, places: int, pod: Pod, where: str) -> Trouble | None:
    """A container whose limits do not bear its places."""
    found = holds(pod, cores=FIGURES.worker_cores, mib=FIGURES.worker_mib)
    if places <= found.calls:
        return None
    limit = "CPU" if found.by_cpu <= found.by_memory else "memory"
    needs = Pod(FIGURES.worker_cores.at(places) / CPU_SHARE, FIGURES.worker_mib.at(places) / 1024 / MEMORY_SHARE)
    # Above the share means slow at the worst moment; above all of it means broken, or killed.
    bare = FIGURES.worker_cores.at(places) > pod.cores or FIGURES.worker_mib.at(places) > pod.gib * 1024
    return Trouble(
        f"{service} offers {places} places on {pod.cores:g} cores and {pod.gib:g} GiB, which hold {found.calls} (by {limit})",
        where,
        f"set maxSessions (VOICEMESH_MAX_SESSIONS) to {max(1, found.calls)}, or limits to {needs.cores:.1f} cores and {needs.gib:.1f} GiB",
        is_fatal=bare or not found.calls,
    )


async def drain(target: Target) -> Answer:
    """Whoever stops a worker kills it when its grace is over: calls that have not moved by then are apologised to."""
    seconds: dict[int, list[str]] = defaultdict(list)
    for service in target.workers:
        seconds[target.worker(service).drain_seconds].append(service)
    if not seconds:
        raise Skipped("no worker's VOICEMESH_DRAIN_SECONDS is known here: in a cluster see k8s.drain")
    if target.grace_seconds is None:
        raise Skipped(
            "who stops the workers, and after how long, is not known: give --grace SECONDS (systemd: TimeoutStopSec)"
        )
    where = f"VOICEMESH_DRAIN_SECONDS, in {target.home}"
    troubles = [
        trouble
        for each, of in seconds.items()
        if (trouble := too_short(", ".join(of), each, target.grace_seconds, where=where)) is not None
    ]
    return f"drains of {max(seconds)} s, killed after {target.grace_seconds:g} s", troubles


def too_short(service: str, drain_seconds: float, grace_seconds: float, *, where: str, pre_stop: float = 0, grace_name: str = "the grace period") -> Trouble | None:  # fmt: skip
    """A drain that does not fit into what is left of the grace."""
    if drain_seconds == 0:
        return Trouble(f"no drain: every call of a worker that goes hears an apology: {service}", where, "set VOICEMESH_DRAIN_SECONDS=60", is_fatal=False)  # fmt: skip
    needed = pre_stop + drain_seconds + CLOSING_SECONDS
    if needed <= grace_seconds:
        return None
    most = max(1, int(grace_seconds - pre_stop - CLOSING_SECONDS))
    parts = (
        f"{pre_stop:g} + {drain_seconds:g} + {CLOSING_SECONDS}"
        if pre_stop
        else f"{drain_seconds:g} + {CLOSING_SECONDS}"
    )
    return Trouble(
        f"it takes {needed:g} s to go ({parts}) and is killed after {grace_seconds:g} s, with its calls: {service}",
        where,
        f"set {grace_name} to {needed:g} s, or VOICEMESH_DRAIN_SECONDS={most}",
        # Calls still move; what is cut is the closing.
        is_fatal=pre_stop + drain_seconds >= grace_seconds,
    )
