"""What is used of livekit-agents' private pool is there, and does what we think it does."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from livekit import api
from livekit.agents import AgentServer
from livekit.agents.ipc.job_proc_executor import ProcJobExecutor
from livekit.agents.ipc.proc_pool import ProcPool
from livekit.agents.job import JobAcceptArguments, RunningJobInfo
from livekit.protocol import agent as agent_pb
from livekit.protocol import models
from worker.main_process.livekit_worker import ClosedJob, LiveKitWorker

SECRET = "s" * 32


class Process:
    """A job process of the pool, as its supervisor leaves it."""

    def __init__(self, exitcode: int, job: RunningJobInfo | None) -> None:
        self.exitcode, self.running_job, self.pid = exitcode, job, 4711


def running(identity: str = "billing-h1", **attributes: str) -> RunningJobInfo:
    job = agent_pb.Job(id="AJ_1", room=models.Room(name="call-1"), attributes=attributes)
    return RunningJobInfo(
        accept_arguments=JobAcceptArguments(name="", identity=identity, metadata=""),
        job=job,
        url="ws://livekit.invalid",
        token="",
        worker_id="AW_1",
        fake_job=False,
    )


def real_pool() -> ProcPool:
    """livekit-agents' own, not started."""
    nothing: dict[str, Any] = dict.fromkeys(inspect.signature(ProcPool.__init__).parameters)
    nothing.pop("self")
    return ProcPool(**nothing | {"num_idle_processes": 0})


@pytest.fixture
async def worker() -> LiveKitWorker:
    """A worker with a pool of its own, neither connected nor started."""
    made = LiveKitWorker(ws_url="ws://livekit.invalid", api_key="key", api_secret=SECRET)
    made._agent_name = "billing"
    made._proc_pool = real_pool()
    return made


# --- a job's process is gone ------------------------------------------------------------------------------------------
async def test_a_job_whose_process_is_gone_is_told_of(worker: LiveKitWorker) -> None:
    told: list[ClosedJob] = []
    worker.on_job_closed = told.append
    worker.watch_jobs()
    worker._proc_pool.emit("process_closed", Process(-9, running(handoff_id="h1")))
    worker._proc_pool.emit("process_closed", Process(0, running("triage-AJ_1")))
    assert told == [ClosedJob("call-1", "billing-h1", "h1", -9), ClosedJob("call-1", "triage-AJ_1", "", 0)]


async def test_a_switchboard_is_missed_in_its_call_and_not_in_the_room_that_it_sits_in(worker: LiveKitWorker) -> None:
    told: list[ClosedJob] = []
    worker.on_job_closed = told.append
    worker.watch_jobs()
    job = running("human-1", call_id="call-7", handoff_id="d1")
    worker._proc_pool.emit("process_closed", Process(-9, job))
    assert told == [ClosedJob("call-7", "human-1", "d1", -9)]


async def test_livekit_is_told_at_once_that_a_place_is_free(
    worker: LiveKitWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []

    async def tell() -> None:
        told.append(worker._worker_load)

    monkeypatch.setattr(worker, "_closed", False)
    monkeypatch.setattr(worker, "_load_fnc", lambda _: 0.25)
    monkeypatch.setattr(worker, "_worker_load", 1.0, raising=False)
    monkeypatch.setattr(worker, "_update_worker_status", tell)
    worker._loop = asyncio.get_running_loop()
    worker.watch_jobs()
    worker._proc_pool.emit("process_closed", Process(0, running()))
    await worker._telling
    assert told == [0.25]


async def test_an_idle_process_that_is_gone_is_nobodys_death(worker: LiveKitWorker) -> None:
    told: list[ClosedJob] = []
    worker.on_job_closed = told.append
    worker.watch_jobs()
    worker._proc_pool.emit("process_closed", Process(-9, None))
    assert told == []


async def test_the_pool_tells_when_a_process_of_it_was_joined(worker: LiveKitWorker) -> None:
    """The pool's own task, with a process that has ended: what the whole recovery hangs on."""

    class Ended(Process):
        async def join(self) -> None:
            return

    told: list[ClosedJob] = []
    worker.on_job_closed = told.append
    worker.watch_jobs()
    process = Ended(-9, running())
    worker._proc_pool._executors.append(process)  # type: ignore[arg-type]
    await worker._proc_pool._monitor_process_task(process)  # type: ignore[arg-type]
    assert [job.agent_id for job in told] == ["billing-h1"]


def test_a_job_process_knows_its_job_and_its_exit_code() -> None:
    for name in ("running_job", "exitcode", "pid"):
        assert isinstance(inspect.getattr_static(ProcJobExecutor, name), property)


def test_the_pool_is_made_before_the_worker_says_that_it_has_started() -> None:
    source = inspect.getsource(AgentServer.run)
    assert source.index("self._proc_pool = ") < source.index('self.emit("worker_started")')


# --- a job that is launched here --------------------------------------------------------------------------------------
async def test_a_job_that_is_launched_here_goes_to_the_pool_with_its_identity_and_attributes(
    worker: LiveKitWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[RunningJobInfo] = []

    async def launch_job(info: RunningJobInfo) -> None:
        launched.append(info)

    monkeypatch.setattr(worker._proc_pool, "launch_job", launch_job)
    told = {"resume": "2", "agent_id": "billing-r2-0a1b2c"}
    await worker.launch("call-1", agent_id="billing-r2-0a1b2c", name="billing specialist", attributes=told)
    (info,) = launched
    assert (info.job.room.name, info.accept_arguments.identity) == ("call-1", "billing-r2-0a1b2c")
    assert dict(info.job.attributes) == told
    claims = api.TokenVerifier("key", SECRET).verify(info.token)
    assert (claims.identity, claims.name, claims.kind) == ("billing-r2-0a1b2c", "billing specialist", "agent")
    assert claims.attributes == {"lk.agent.name": "billing"}
    assert claims.video is not None
    assert (claims.video.room_join, claims.video.room, claims.video.agent) == (True, "call-1", True)
    assert not info.fake_job


async def test_a_process_is_warm_when_it_waits_in_the_pools_queue(worker: LiveKitWorker) -> None:
    assert not worker.has_warm_process
    worker._proc_pool._warmed_proc_queue.put_nowait(Process(0, None))  # type: ignore[arg-type]
    assert worker.has_warm_process


async def test_the_jobs_of_a_worker_are_told_by_room_and_identity(worker: LiveKitWorker) -> None:
    worker._proc_pool._executors += [Process(0, None), Process(0, running())]  # type: ignore[list-item]
    assert worker.jobs == (("call-1", "billing-h1"),)
    assert worker.job_processes == {4711: ClosedJob("call-1", "billing-h1", "", None)}


# --- its connection ---------------------------------------------------------------------------------------------------
async def test_a_connection_that_ends_is_told_of(worker: LiveKitWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[bool] = []
    worker.on_disconnected = lambda: ended.append(True)

    async def broken(self: AgentServer, ws: object) -> None:
        await asyncio.sleep(0)
        raise ConnectionError

    monkeypatch.setattr(AgentServer, "_run_ws", broken)
    with pytest.raises(ConnectionError):
        await worker._run_ws(None)  # type: ignore[arg-type]
    assert ended == [True]
