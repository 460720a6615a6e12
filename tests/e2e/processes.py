"""A look at the mesh from outside: its processes, its health pages, who is in a room."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import aiohttp
import psutil
from handoff.redis_store import RedisStore
from livekit import api

from local.supervisor.mesh import Mesh

Seen = TypeVar("Seen")
PATIENT_SECONDS = 20.0
"""Longest that something is waited for which takes well under a second on a quiet machine."""


async def until(so: Callable[[], Awaitable[bool]], *, what: str, seconds: float = PATIENT_SECONDS) -> None:
    """Looks until it is so."""
    try:
        async with asyncio.timeout(seconds):
            while not await so():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:g} s: {what}") from None


async def sees(
    look: Callable[[], Awaitable[Seen]],
    is_it: Callable[[Seen], bool],
    *,
    what: str,
    seconds: float = PATIENT_SECONDS,
) -> Seen:
    """Looks until what there is, is it; a failure tells what was awaited, and what there was at the last look."""
    seen: Seen | str = "nothing, not even one look was over"
    try:
        async with asyncio.timeout(seconds):
            while not is_it(seen := await look()):
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:g} s: {what}; there was: {seen}") from None
    return seen


def job_of(mesh: Mesh, service: str) -> psutil.Process:
    """The process of the service's one running job: besides the worker itself, only it is connected to LiveKit."""
    port = int(mesh.livekit_url.rpartition(":")[2])
    jobs = []
    for child in psutil.Process(mesh.process(service).pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # one that has done its work
            if any(to.raddr and to.raddr.port == port for to in child.net_connections("tcp")):
                jobs.append(child)
    assert len(jobs) == 1, f"{service} has {len(jobs)} jobs"
    return jobs[0]


def owner_of(mesh: Mesh, service: str) -> tuple[str, psutil.Process]:
    """The worker of the service that has its one job, and that job's process."""
    for worker in mesh.workers:
        if worker.partition(".")[0] == service:
            try:
                return worker, job_of(mesh, worker)
            except AssertionError:
                continue
    raise AssertionError(f"{service} has no job")


async def metrics(mesh: Mesh, name: str, *, accept: str = "text/plain") -> str:
    """What a process shows to Prometheus now: a worker, the ledger, or the gateway."""
    url, told = mesh.metrics_url(name), {"accept": accept}
    async with aiohttp.ClientSession() as session, session.get(url, headers=told) as answer:
        return await answer.text()


async def health(mesh: Mesh, service: str) -> dict[str, Any]:
    """What the worker says of itself: status, reason, active_sessions, capacity."""
    async with aiohttp.ClientSession() as session, session.get(f"{mesh.health_url(service)}/ready") as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def has_no_call(mesh: Mesh, *services: str) -> None:
    """Returns when none of the services has a job left."""
    for service in services:
        await sees(
            lambda service=service: health(mesh, service),  # type: ignore[misc]
            lambda told: told["active_sessions"] == 0,
            what=f"{service} without a call",
        )


async def no_call_goes_on(mesh: Mesh) -> None:
    """Returns when every call has its ending. One whose caller may come back has none for some 20 s, and no agent either."""
    store = RedisStore.connect(mesh.redis_url)
    try:
        await sees(store.live_calls, lambda calls: not calls, what="no call that goes on", seconds=60)
    finally:
        await store.aclose()


async def identities(mesh: Mesh, call_id: str) -> list[str]:
    """Who is in the room; nobody when it is gone."""
    async with api.LiveKitAPI(mesh.livekit_url, mesh.livekit_api_key, mesh.livekit_api_secret) as livekit:
        try:
            answer = await livekit.room.list_participants(api.ListParticipantsRequest(room=call_id))
        except api.TwirpError as e:
            if e.code == api.TwirpErrorCode.NOT_FOUND:
                return []
            raise
    return [p.identity for p in answer.participants]


async def dispatch(mesh: Mesh, service: str, call_id: str, attributes: dict[str, str]) -> None:
    """Sends an agent of the service into the room, as a giver does."""
    async with api.LiveKitAPI(mesh.livekit_url, mesh.livekit_api_key, mesh.livekit_api_secret) as livekit:
        request = api.CreateAgentDispatchRequest(agent_name=service, room=call_id, attributes=attributes)
        await livekit.agent_dispatch.create_dispatch(request)


async def accepted_jobs(mesh: Mesh, service: str) -> int:
    """How many jobs the worker has taken since it started, by its metrics."""
    async with aiohttp.ClientSession() as session, session.get(mesh.metrics_url(service)) as answer:
        lines = (await answer.text()).splitlines()
    counts = [
        line.rpartition(" ")[2]
        for line in lines
        if line.startswith("voicemesh_job_requests_total{") and "accepted" in line
    ]
    return int(float(counts[0])) if counts else 0


def group_of(leader: int) -> list[psutil.Process]:
    """All processes of its group: itself, its children, and theirs."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == leader:
                found.append(process)
    return found
