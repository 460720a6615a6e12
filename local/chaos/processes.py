"""The mesh's processes, as somebody sees them who is about to strike: which worker has the call, and which process is its job."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp
import psutil

from local.supervisor.mesh import Mesh
from local.supervisor.replicas import service_of_worker

_LOOK_SECONDS = 0.02


class NotThere(Exception):
    """What was to be struck is not there, or the moment to strike never came."""


class NotPossible(NotThere):
    """This system does not let anybody strike so."""


async def until(so: Callable[[], Awaitable[bool]], *, what: str, seconds: float) -> None:
    """Looks until it is so. Raises NotThere, saying ``what`` never was."""
    try:
        async with asyncio.timeout(seconds):
            while not await so():
                await asyncio.sleep(_LOOK_SECONDS)
    except TimeoutError:
        raise NotThere(f"not within {seconds:g} s: {what}") from None


def jobs_of(mesh: Mesh, worker: str) -> list[psutil.Process]:
    """Processes of the worker's running jobs, the newest first: of its children only they are connected to LiveKit."""
    port = int(mesh.livekit_url.rpartition(":")[2])
    process = mesh.process(worker)
    found: list[psutil.Process] = []
    if not process.is_alive:
        return found
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if any(to.raddr and to.raddr.port == port for to in child.net_connections("tcp")):
                    found.append(child)
    return sorted(found, key=lambda job: job.create_time(), reverse=True)


def workers_of(mesh: Mesh, service: str) -> list[str]:
    """The service's workers that run."""
    return [w for w in mesh.workers if service_of_worker(w) == service and mesh.process(w).is_alive]


async def job_of(mesh: Mesh, service: str, *, seconds: float = 3.0) -> tuple[str, psutil.Process]:
    """The worker that has the service's one call, and the job's process; the newest when an old one is still leaving.
    Raises NotThere when there is none in time."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        jobs = [
            (job.create_time(), worker, job) for worker in workers_of(mesh, service) for job in jobs_of(mesh, worker)
        ]
        if jobs:
            _, worker, job = max(jobs, key=lambda each: each[0])
            return worker, job
        if asyncio.get_running_loop().time() > deadline:
            raise NotThere(f"no job of {service}")
        await asyncio.sleep(_LOOK_SECONDS)


async def is_quiet(mesh: Mesh) -> bool:
    """Whether every worker is ready and has no call."""
    for worker in mesh.workers:
        found = await health(mesh, worker)
        if found.get("reason") or found.get("active_sessions"):
            return False
    return True


async def health(mesh: Mesh, worker: str) -> dict[str, object]:
    """What the worker says of itself (``active_sessions``, ``reason``); a ``reason`` of ours when it does not answer."""
    try:
        timeout = aiohttp.ClientTimeout(total=2)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{mesh.health_url(worker)}/ready") as answer,
        ):
            found: dict[str, object] = await answer.json()
            return found
    except (aiohttp.ClientError, TimeoutError):
        return {"reason": "does not answer"}
