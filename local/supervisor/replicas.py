"""Several workers of one service: what they are called, and how their peers are told of all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from handoff.agent_ids import canary_of


def workers_of(service: str, replicas: Mapping[str, int]) -> tuple[str, ...]:
    """Names of a service's worker processes: ``billing``, then ``billing.2`` and so on. One unless ``replicas`` says more.
    Raises ValueError for fewer than one."""
    count = replicas.get(service, 1)
    if count < 1:
        raise ValueError(f"{service} needs at least one worker, not {count}; leave it out of the services to have none")
    return (service, *(f"{service}.{number}" for number in range(2, count + 1)))


def all_workers(services: Collection[str], replicas: Mapping[str, int]) -> tuple[str, ...]:
    """Of all services, in their order. Raises ValueError for replicas of a service that is not among them."""
    if unknown := sorted(set(replicas) - set(services)):
        raise ValueError(f"replicas of what is not started: {', '.join(unknown)}")
    return tuple(worker for service in services for worker in workers_of(service, replicas))


def service_of_worker(worker: str) -> str:
    """``billing`` for ``billing`` and for ``billing.2``."""
    return worker.partition(".")[0]


def canaries_of(env_of: Mapping[str, Mapping[str, str]]) -> frozenset[str]:
    """Those workers that are canaries by the environment that was given to each."""
    return frozenset(name for name, env in env_of.items() if env.get("VOICEMESH_CANARY_WEIGHT"))


def peers(
    services: Collection[str],
    replicas: Mapping[str, int],
    address: Callable[[str], str],
    canaries: Collection[str] = (),
) -> str:
    """VOICEMESH_PEERS: every service with the addresses of all of its workers, the first one first; those workers that are
    ``canaries`` under a name of their own."""
    told: dict[str, list[str]] = {}
    for service in services:
        for worker in workers_of(service, replicas):
            told.setdefault(canary_of(service) if worker in canaries else service, []).append(address(worker))
    return ",".join(f"{name}={'|'.join(addresses)}" for name, addresses in told.items())
