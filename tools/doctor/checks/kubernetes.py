"""A release on Kubernetes, by what kubectl shows: pods, secrets, grace, room, certificates; and a look from within."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from handoff.store import WorkerStatus

from bench.density.capacity import Pod
from tools.doctor.checks import certificates, clock, redis, room, services
from tools.doctor.checks.settings import SECRETS, samples
from tools.doctor.examination import Answer
from tools.doctor.kubectl import KubectlFailed
from tools.doctor.results import Skipped, Trouble
from tools.doctor.target import SERVICES, Target
from tools.doctor.workloads import asked, cluster_of, is_worker, option, quantity, workloads

_INSIDE = Path(__file__).parents[1] / "inside.py"
_MIN_CHARS = 32


async def reachable(target: Target) -> Answer:
    """Without kubectl's leave to look, all that is said of the release is that nothing is known."""
    cluster = cluster_of(target)
    try:
        found = await cluster.objects("deployments")
    except KubectlFailed as failed:
        return "", [Trouble(f"kubectl: {failed}", target.home, "kubectl config current-context; kubectl auth can-i get deployments")]  # fmt: skip
    if not any(is_worker(each) for each in found):
        return "", [Trouble("no worker of the mesh runs here", target.home, "give NAMESPACE=..., or helm list --all-namespaces to find it")]  # fmt: skip
    return f"{target.home}"


async def deployments(target: Target) -> Answer:
    """A service without a pod that is ready takes no call; the ladder goes around it, and its callers wait or are called back."""
    found = await workloads(target)
    there = {each.service for each in found if not each.is_canary}
    troubles = [
        Trouble(f"there is no Deployment of {service}", target.home, f"helm upgrade voice-mesh charts/ with {service}.enabled=true, or install charts/specialist with services/{service}/values.yaml")
        for service in SERVICES
        if service not in there
    ]  # fmt: skip
    for each in found:
        wanted, ready = int(each.spec.get("replicas", 1)), int(each.status.get("readyReplicas", 0))
        if ready < wanted:
            troubles.append(
                Trouble(f"{ready} of {wanted} pods of {each.name} are ready", f"deploy/{each.name}, {target.home}", f"kubectl{option(target)} describe pod -l voice-mesh/service={each.service}; a rollout under way ends by itself: kubectl{option(target)} rollout status deploy/{each.name}", is_fatal=not ready)
            )  # fmt: skip
    ready = sum(int(each.status.get("readyReplicas", 0)) for each in found)
    return f"{len(found)} Deployments of workers, {ready} pods ready", troubles


async def secrets(target: Target) -> Answer:
    """A pod whose Secret is missing never starts; one with a sample for a secret lets everybody in. Values stay in the cluster."""
    cluster, found = cluster_of(target), await workloads(target)
    held = await asked(cluster.secrets(tuple(sorted(samples()))))
    wanted: dict[tuple[str, str], tuple[str, bool]] = {}
    for each in found:
        for container in (*each.pod.get("initContainers", ()), *each.pod["containers"]):
            for variable, reference in _references(container):
                wanted[reference["name"], reference["key"]] = variable, bool(reference.get("optional"))
    there, troubles = {name for name, _ in held}, []
    for (name, key), (variable, is_optional) in sorted(wanted.items()):
        entry = held.get((name, key))
        if entry is None:
            wrong = "" if is_optional else f"has no value: Secret {name} has no key {key}"
        elif entry.is_sample:
            wrong = "is a sample that everybody can read"
        else:
            is_short = variable in SECRETS and entry.length < _base64_length(_MIN_CHARS)
            wrong = f"is shorter than {_MIN_CHARS} characters" if is_short else ""
        if wrong:
            mend = _set(target, name, key, variable, is_there=name in there)
            troubles.append(
                Trouble(f"{variable} {wrong}", f"Secret {name}, {target.home}", f"{mend}; then kubectl{option(target)} rollout restart deploy (docs/operations/install.md, The secrets)")
            )  # fmt: skip
    return f"{len(wanted)} keys are there, none is short or a sample", troubles


async def drain(target: Target) -> Answer:
    """Kubernetes kills a pod when its grace is over, whoever still talks to it."""
    troubles, told = [], []
    for each in await workloads(target):
        grace = float(each.pod.get("terminationGracePeriodSeconds", 30))
        drains = float(each.plain.get("VOICEMESH_DRAIN_SECONDS", 60))
        pre_stop = float(each.worker.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0))
        told.append(f"{each.name} {pre_stop:g} + {drains:g} of {grace:g} s")
        where = f"deploy/{each.name}, terminationGracePeriodSeconds"
        found = room.too_short(each.service, drains, grace, where=where, pre_stop=pre_stop, grace_name="terminationGracePeriodSeconds")  # fmt: skip
        troubles += [found] if found else []
    return ", ".join(told), troubles


async def capacity(target: Target) -> Answer:
    """A pod with more places than its limits bear breaks when they are taken: jobs lose their leases, or the kernel kills it."""
    troubles, told = [], []
    for each in await workloads(target):
        limits = each.worker.get("resources", {}).get("limits", {})
        places = int(each.plain.get("VOICEMESH_MAX_SESSIONS", 8))
        where = f"deploy/{each.name}, resources.limits"
        if "memory" not in limits:
            troubles.append(Trouble(f"{each.name} has no memory limit", where, f"set {each.service}.resources (docs/operations/capacity.md)", is_fatal=False))  # fmt: skip
            continue
        # Without a limit it may use what is free; what it requests is all that it can rely on.
        cpu = limits.get("cpu") or each.worker["resources"].get("requests", {}).get("cpu", 0)
        pod = Pod(quantity(cpu), quantity(limits["memory"]) / 2**30)
        told.append(f"{each.name} {places} on {pod.cores:g} cores, {pod.gib:g} GiB")
        found = room.too_small(each.service, places, pod, where)
        troubles += [found] if found else []
    return ", ".join(told), troubles


async def tls(target: Target) -> Answer:
    """A service's certificate that has run out stops every handoff to and from it."""
    cluster, found = cluster_of(target), await workloads(target)
    named = {
        each.service: volume["secret"]["secretName"]
        for each in found
        for volume in each.pod.get("volumes", ())
        if volume["name"] == "tls"
    }
    if not named:
        raise Skipped("global.mtls is not enabled: services do not prove who they are")
    troubles = []
    for service, secret in named.items():
        where, renew = f"Secret {secret}, {target.home}", f"kubectl{option(target)} get certificate {service}; cert-manager renews it: kubectl{option(target)} describe certificate {service}"  # fmt: skip
        try:
            pem = await cluster.certificate(secret)
            troubles += certificates.of_certificate(pem, service, now=target.now(), where=where, renew=renew)
        except (KubectlFailed, ValueError):
            troubles.append(Trouble(f"{service} has no certificate", where, renew))
    return f"{len(named)} services have one of their name", troubles


async def inside(target: Target) -> Answer:
    """From a laptop neither Redis nor LiveKit is seen: a worker's pod looks at both, with its own key, and tells."""
    cluster = cluster_of(target)
    command = ("exec", "-i", "deploy/triage", "-c", "worker", "--", "python", "-")
    told = json.loads((await asked(cluster.ask(*command, input=_INSIDE.read_text()))).strip().splitlines()[-1])
    where = "seen from deploy/triage"
    troubles = [
        Trouble(what, where, mend or "mend the Secret that holds it, then kubectl rollout restart deploy")
        for what, _, mend in (problem.partition("; ") for problem in told["problems"])
    ]
    if "redis" in told and "wrong" not in told["redis"]:
        seen, place = told["redis"], f"Redis at {told['place']}"
        for answer in (redis.persistence_of(seen, None, place), redis.eviction_of(seen, place)):
            troubles += [] if isinstance(answer, str) else answer[1]
        if abs(seen["offset"]) >= clock.WARN_SECONDS:
            troubles.append(Trouble(f"its node's clock is {abs(seen['offset']):.0f} s off Redis's", where, "timedatectl set-ntp true, on the node or on Redis's machine", is_fatal=abs(seen["offset"]) >= clock.FAIL_SECONDS))  # fmt: skip
    answer = services.counted(target, [WorkerStatus(*each) for each in told.get("workers", [])])
    summary, more = (answer, ()) if isinstance(answer, str) else answer
    return f"{summary}; {told.get('live', 0)} calls go on", [*troubles, *more]


def _references(container: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for variable in container.get("env", ()):
        if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
            yield variable["name"], reference


def _base64_length(characters: int) -> int:
    return 4 * -(-characters // 3)


def _set(target: Target, name: str, key: str, variable: str, *, is_there: bool) -> str:
    """The command that gives a Secret's key a value; one that a person need not think of is made by it."""
    value = "$(openssl rand -base64 32)" if variable in SECRETS else "..."
    if not is_there:
        return f'kubectl{option(target)} create secret generic {name} --from-literal={key}="{value}"'
    return f'kubectl{option(target)} patch secret {name} -p "{{\\"stringData\\":{{\\"{key}\\":\\"{value}\\"}}}}"'
