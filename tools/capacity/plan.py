"""From calls to pods, cores and memory. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bench.density.capacity import CPU_SHARE, MEMORY_SHARE, Holds, Pod, holds, needed
from tools.capacity.figures import FIGURES, Figures

SPECIALISTS = ("billing", "technical", "sales", "escalation")
USUAL_POD = Pod(2, 2)
"""The chart's limits of a worker."""
LINE_DAYS = 7
HANDOFF_SECONDS = 300
RECORD_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """``calls`` at the same time on a usual day; ``mix`` is per cent of them by specialist, ``triage_seconds`` of ``call_seconds`` before it."""

    calls: int
    mix: Mapping[str, float]
    call_seconds: float = 300
    triage_seconds: float = 45
    handoffs: float = 1.2
    """Of a call, on average."""
    peak: float = 1.0
    """The busiest hour's calls to the usual ones."""
    places: int = 8
    """VOICEMESH_MAX_SESSIONS."""
    aim: int = 6
    """The autoscaler's active_sessions: the rest is for callers who come while pods start."""
    spare_pods: int = 1
    """Of each service, that may be away (a deploy, a crash) without a caller who waits."""
    nodes: int = 0
    """That the pods are spread over; 0: their number does not matter."""
    nodes_lost: int = 1
    """At a time, of ``nodes``, without a caller who waits."""
    pod: Pod = USUAL_POD
    embedded_speech: bool = False


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """One service's pods, and which of three reasons asks for so many."""

    service: str
    calls: int
    """At the peak."""
    pods: int
    because: str
    usual_pods: int
    """At the usual number of calls: the autoscaler's least."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All of the mesh, at the peak. Cores are used ones; ``requested`` what the scheduler must have free."""

    services: tuple[ServicePlan, ...]
    holds: Holds
    workers: Pod
    requested: Pod
    redis: Pod
    redis_connections: int
    livekit: Pod
    speech: Pod
    speech_pods: int
    calls: int
    warnings: tuple[str, ...]


def shares(question: Question) -> dict[str, float]:
    """How many of the usual calls are with each service at one time. Raises ValueError for a mix that is none."""
    total = sum(question.mix.values())
    if not math.isclose(total, 100, abs_tol=0.5) or min(question.mix.values()) < 0:
        raise ValueError(f"the mix must add up to 100 per cent, not {total:g}")
    front = min(1.0, question.triage_seconds / question.call_seconds)
    behind = question.calls * (1 - front)
    return {"triage": question.calls * front} | {
        service: behind * share / 100 for service, share in question.mix.items()
    }


def plan(question: Question, figures: Figures = FIGURES) -> Plan:
    """Raises ValueError for a question that has no answer, with what to change."""
    capacity = holds(question.pod, cores=figures.worker_cores, mib=figures.worker_mib)
    if question.aim >= question.places:
        raise ValueError(f"an aim of {question.aim} leaves no free place of {question.places}: give a lower --aim")
    if question.nodes and question.nodes_lost >= question.nodes:
        raise ValueError(f"{question.nodes_lost} of {question.nodes} nodes lost leaves none: give more --nodes")
    with_each = shares(question)
    services = tuple(_service(name, usual, question) for name, usual in with_each.items())
    calls = math.ceil(question.calls * question.peak)
    pods = sum(service.pods for service in services)
    offices = sum(service.pods for service in services if service.service != "triage")
    request = needed(question.aim, cores=figures.worker_cores, mib=figures.worker_mib)
    started = calls / question.call_seconds
    return Plan(
        services=services,
        holds=capacity,
        workers=Pod(
            figures.worker_cores.base * pods + figures.worker_cores.each * calls + started * figures.start_seconds,
            (figures.worker_mib.base * pods + figures.worker_mib.each * calls + figures.office_mib * offices) / 1024,
        ),
        requested=Pod(request.cores * pods, request.gib * pods),
        redis=_redis(calls, question, figures),
        redis_connections=2 * calls + 4 * pods,
        livekit=Pod(figures.livekit_cores.at(calls) / CPU_SHARE, figures.livekit_mib.at(calls) / 1024 / MEMORY_SHARE),
        speech=_speech(calls, question, figures),
        speech_pods=math.ceil(calls / question.places) if question.embedded_speech else 0,
        calls=calls,
        warnings=tuple(_warnings(question, capacity, services)),
    )


def _service(name: str, usual: float, question: Question) -> ServicePlan:
    calls = math.ceil(usual * question.peak)
    of_aim = max(1, math.ceil(calls / question.aim))
    of_spare = math.ceil(calls / question.places) + question.spare_pods
    reasons = {"the aim": of_aim, f"{question.spare_pods} pod away": of_spare}
    if question.nodes:
        reasons[f"{question.nodes_lost} node lost"] = _with_nodes_lost(calls, of_aim, question)
    pods = max(reasons.values())
    because = next(why for why, number in reasons.items() if number == pods)
    usual_pods = max(math.ceil(usual / question.aim), 1 + question.spare_pods)
    return ServicePlan(name, calls, pods, because, min(usual_pods, pods))


def _with_nodes_lost(calls: int, least: int, question: Question) -> int:
    """The fewest pods whose rest still has a place for each call, when the fullest nodes go; pods are spread evenly."""
    pods = max(least, question.nodes_lost + 1)
    while (pods - question.nodes_lost * math.ceil(pods / question.nodes)) * question.places < calls:
        pods += 1
    return pods


def _redis(calls: int, question: Question, figures: Figures) -> Pod:
    a_second = calls / question.call_seconds
    kib = (
        figures.redis_kib_of_call * (calls + a_second * RECORD_SECONDS)
        + figures.redis_kib_of_handoff * a_second * question.handoffs * HANDOFF_SECONDS
        + figures.redis_kib_of_line * a_second * LINE_DAYS * 86400
    )
    # Doubled: a replica that is copied, and a log that is rewritten, need room too.
    return Pod(figures.redis_cores.at(calls), 2 * kib / 2**20)


def _speech(calls: int, question: Question, figures: Figures) -> Pod:
    if not question.embedded_speech:
        return Pod(0, 0)
    cores = (figures.speech_to_text_cores + figures.voices_cores) * calls / CPU_SHARE
    return Pod(cores, math.ceil(calls / question.places) * figures.speech_mib / 1024 / MEMORY_SHARE)


def _warnings(question: Question, capacity: Holds, services: tuple[ServicePlan, ...]) -> list[str]:
    told = []
    if question.places > capacity.calls:
        told.append(
            f"a pod of {question.pod.cores:g} cores and {question.pod.gib:g} GiB holds {capacity.calls} calls"
            f" ({capacity.by_cpu} by CPU, {capacity.by_memory} by memory), not {question.places}: VOICEMESH_MAX_SESSIONS={capacity.calls}"
        )
    if any(service.pods < 3 for service in services):
        told.append(
            "fewer than 3 pods of a service: one that drains leaves too little room for its calls; take 3 at least"
        )
    # A Redis has one core for commands (STORE).
    if FIGURES.redis_cores.at(question.calls * question.peak) > 0.5:
        told.append(
            "more than half of Redis's one core for commands: measure it (python -m bench.store) before you rely on it"
        )
    return told
