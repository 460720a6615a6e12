"""A worker's places while calls come in a burst."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from livekit.agents import JobRequest
from livekit.agents.job import JobAcceptArguments
from livekit.protocol import agent as agent_pb
from worker.agent.call_agent import CallAgent
from worker.main_process import run
from worker.service import Service
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.text_call import make_settings


class Asked:
    """A job that LiveKit offers; its process is there when the test says so."""

    def __init__(self, job_id: str) -> None:
        self.starts = asyncio.Event()
        self.is_accepted = self.is_rejected = False
        self.request = JobRequest(job=agent_pb.Job(id=job_id), on_accept=self._accept, on_reject=self._reject)

    async def _accept(self, arguments: JobAcceptArguments) -> None:
        self.is_accepted = True
        await self.starts.wait()

    async def _reject(self, terminate: bool) -> None:
        self.is_rejected = True


@without_waiting
async def test_a_call_whose_process_is_still_being_started_has_its_place() -> None:
    worker = run._Worker(Service("triage", CallAgent), make_settings(max_sessions=1))
    worker._server = SimpleNamespace(active_jobs=[], watch_jobs=lambda: None)  # type: ignore[assignment]
    worker._started()
    worker._registered()
    first, second, third = Asked("AJ_1"), Asked("AJ_2"), Asked("AJ_3")
    accepting = asyncio.create_task(worker._on_request(first.request))
    await everything_ran()
    await worker._on_request(second.request)
    assert (first.is_accepted, second.is_rejected) == (True, True)
    first.starts.set()
    await accepting
    third.starts.set()
    await worker._on_request(third.request)  # on paper the first one's job is over already
    assert third.is_accepted
