"""LiveKit's worker, as this house needs it: it tells when its connection is lost and when a job's process is gone, and starts a
job in a process of its own without asking LiveKit.

The pool of job processes is not public in livekit-agents. What is used of it here (``_proc_pool``: its event
``process_closed``, ``launch_job``, the queue of warm processes) is pinned by tests, as is the exact version of the package.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import ClientWebSocketResponse
from livekit import api
from livekit.agents import AgentServer, utils
from livekit.agents.job import JobAcceptArguments, RunningJobInfo
from livekit.agents.types import ATTRIBUTE_AGENT_NAME
from livekit.protocol import agent as agent_pb
from livekit.protocol import models

LOST_AGENT = "lost_agent"
"""The attribute that tells a successor's job whom it follows."""


@dataclass(frozen=True, slots=True)
class ClosedJob:
    """A job whose process is gone, 20-60 ms after it went. ``exit_code`` is negative for a signal, 0 for an orderly end, None
    when the process is there and does nothing more (see stopped.py)."""

    call_id: str
    """Its room's name; a switchboard's room is another than its call's."""
    agent_id: str
    """The identity it had, or was to have, in the room."""
    handoff_id: str
    """The handoff it came for; empty when it came for none."""
    exit_code: int | None
    awaited_id: str = ""
    """A successor's: the name that the floor was seized for, which is its own name from its claim on."""
    began_at: float | None = None
    """When it was given its process, in Unix seconds; None when that was not seen."""


class LiveKitWorker(AgentServer):
    """See above. Both callbacks are called in the main process's event loop and must not block."""

    on_disconnected: Callable[[], None] = staticmethod(lambda: None)
    """The connection is lost: no call can come, whoever accepts one."""
    on_job_closed: Callable[[ClosedJob], None] = staticmethod(lambda _: None)
    """A job's process is gone, however it went; see ``watch_jobs``."""

    @cached_property
    def _began(self) -> WeakKeyDictionary[Any, float]:
        """When each process was given its job, in Unix seconds."""
        return WeakKeyDictionary()

    async def _run_ws(self, ws: ClientWebSocketResponse) -> None:
        try:
            await super()._run_ws(ws)
        finally:
            self.on_disconnected()

    def watch_jobs(self) -> None:
        """From now on ``on_job_closed`` is called. Once, when the worker has started: the pool is made by its ``run``."""
        self._proc_pool.on("process_job_launched", lambda process: self._began.setdefault(process, time.time()))
        self._proc_pool.on("process_closed", self._process_closed)

    def _process_closed(self, process: Any) -> None:
        if process.running_job is not None:  # else an idle one
            self._telling = asyncio.create_task(self._tell_load())
            self.on_job_closed(_closed(process.running_job, process.exitcode, self._began.get(process)))

    async def _tell_load(self) -> None:
        """The place is free: LiveKit would learn of it with the next tick, up to 2.5 s later, and lose what is dispatched here
        meanwhile, when it was the last one."""
        if not self._closed and not self._draining:
            await self._refresh_worker_load()
            await self._update_worker_status()

    @property
    def has_warm_process(self) -> bool:
        """Whether a job started now begins at once, and not after the second that a process takes to start."""
        return not self._proc_pool._warmed_proc_queue.empty()

    @property
    def job_processes(self) -> dict[int, ClosedJob]:
        """Process id -> the job, for every job that runs here."""
        processes: list[Any] = list(self._proc_pool.processes)
        return {
            p.pid: _closed(p.running_job, None, self._began.get(p))
            for p in processes
            if p.running_job is not None and p.pid
        }

    @property
    def jobs(self) -> tuple[tuple[str, str], ...]:
        """Room and identity of every job that runs here."""
        return tuple((job.job.room.name, job.accept_arguments.identity) for job in self.active_jobs)

    async def launch(self, room: str, *, agent_id: str, name: str, attributes: dict[str, str]) -> None:
        """Starts a job here, 200 ms sooner than LiveKit's dispatch would. LiveKit knows nothing of it until its agent joins.
        Returns when a process has it; RuntimeError when none could be had.

        ``AgentServer.simulate_job`` does the same, but waits for a drain to end, and gives a job no attributes."""
        grants = api.VideoGrants(room_join=True, room=room, agent=True, can_update_own_metadata=True)
        token = (
            api.AccessToken(self._api_key, self._api_secret)
            .with_identity(agent_id)
            .with_name(name)
            .with_kind("agent")
            .with_attributes({ATTRIBUTE_AGENT_NAME: self._agent_name})
            .with_grants(grants)
            .to_jwt()
        )
        job = agent_pb.Job(
            id=utils.shortuuid("job-"),
            room=models.Room(name=room),
            type=agent_pb.JobType.JT_ROOM,
            agent_name=self._agent_name,
            attributes=attributes,
        )
        await self._proc_pool.launch_job(
            RunningJobInfo(
                accept_arguments=JobAcceptArguments(identity=agent_id, name=name, metadata=""),
                job=job,
                url=self._ws_url,
                token=token,
                worker_id=self._id,
                fake_job=False,
            )
        )


def _closed(job: RunningJobInfo, exit_code: int | None, began_at: float | None) -> ClosedJob:
    told = job.job.attributes
    return ClosedJob(
        call_id=told.get("call_id", "") or job.job.room.name,
        agent_id=job.accept_arguments.identity,
        handoff_id=told.get("handoff_id", ""),
        exit_code=exit_code,
        awaited_id=told.get("agent_id", ""),
        began_at=began_at,
    )
