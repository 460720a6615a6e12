"""The pieces of a worker's main process: who is let in, when it is ready, how it stops, what it says at boot."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from livekit.agents import JobRequest
from livekit.agents.job import JobAcceptArguments
from livekit.protocol import agent as agent_pb
from livekit.protocol import models as models_pb
from worker.agent.call_agent import CallAgent
from worker.main_process import doors, run
from worker.main_process.draining import MOVE_TOPIC
from worker.main_process.livekit_worker import ClosedJob
from worker.service import Service
from worker.settings import Settings, SettingsError
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.text_call import make_settings

TRIAGE = Service("triage", CallAgent)
BILLING = Service("billing", CallAgent)


class Server:
    """In the place of LiveKit's AgentServer: runs until it is closed, and drains as its class says."""

    def __init__(self, *jobs: str) -> None:
        self.active_jobs = list(jobs)
        self.steps: list[str] = []
        self.closed = asyncio.Event()
        self.on_job_closed: Any = None
        self.is_watched = False
        self.has_warm_process = True

    @property
    def jobs(self) -> list[tuple[str, str]]:
        return [("call-1", job) for job in self.active_jobs]

    def watch_jobs(self) -> None:
        self.is_watched = True

    async def run(self) -> None:
        await self.closed.wait()

    async def drain(self) -> None:
        self.steps.append("drain")

    async def aclose(self) -> None:
        self.steps.append("close")
        self.closed.set()


class Loop:
    """A guardian, or rounds: runs until it is cancelled."""

    def __init__(self) -> None:
        self.is_running = False

    async def run(self) -> None:
        self.is_running = True
        try:
            await asyncio.Event().wait()
        finally:
            self.is_running = False


class Recovery:
    """In the place of the worker's recovery: notes what it hears, and how it is told to settle."""

    def __init__(self, steps: list[str]) -> None:
        self.guardian = Loop()
        self.heard: list[ClosedJob] = []
        self._steps = steps

    def job_closed(self, job: ClosedJob) -> None:
        self.heard.append(job)

    async def settle(self, seconds: float) -> None:
        assert not self.guardian.is_running, "what it seized now it could not bring to an end"
        self._steps.append("settle")


class Rooms:
    def __init__(self, steps: list[str]) -> None:
        self._steps = steps

    async def tell(self, room: str, identity: str, *, topic: str) -> None:
        assert topic == MOVE_TOPIC
        self._steps.append(f"{identity} is asked to move")


class StubbornServer(Server):
    """Its calls do not end in time."""

    async def drain(self) -> None:
        await super().drain()
        raise TimeoutError


class BrokenServer(Server):
    async def run(self) -> None:
        raise RuntimeError("broken")


class LeavingServer(Server):
    async def run(self) -> None:
        return


def worker(service: Service = TRIAGE, server: Server | None = None, **settings: Any) -> run._Worker:
    made = run._Worker(service, make_settings(**settings))
    made._server = server or Server()
    made._started()
    made._registered()
    return made


def watch(made: run._Worker) -> Any:
    """What looks after calls beside that worker, on paper."""
    steps = made._server.steps
    return run._Watch(Rooms(steps), Recovery(steps), Loop(), Loop(), Loop())  # type: ignore[arg-type]


class Asked:
    """A job that LiveKit offers, and what the worker answered."""

    def __init__(self, job_id: str = "AJ_1", **attributes: str) -> None:
        self.accepted: JobAcceptArguments | None = None
        self.rejected: list[bool] = []
        job = agent_pb.Job(id=job_id, room=models_pb.Room(name="call-1"), attributes=attributes)
        self.request = JobRequest(job=job, on_accept=self._accept, on_reject=self._reject)

    async def _accept(self, arguments: JobAcceptArguments) -> None:
        self.accepted = arguments

    async def _reject(self, terminate: bool) -> None:
        self.rejected.append(terminate)


# --- who is let in ----------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_new_call_is_taken_under_the_services_name() -> None:
    asked = Asked("AJ_7")
    await worker()._on_request(asked.request)
    assert asked.accepted is not None
    assert (asked.accepted.name, asked.accepted.identity) == ("front desk", "triage-AJ_7")


@without_waiting
async def test_a_handed_over_call_is_taken_under_the_handoffs_id_and_the_jobs() -> None:
    asked = Asked("AJ_7", handoff_id="h1")
    await worker(BILLING)._on_request(asked.request)
    assert asked.accepted is not None
    assert (asked.accepted.name, asked.accepted.identity) == ("billing specialist", "billing-h1-AJ_7")


@without_waiting
async def test_a_full_worker_leaves_a_new_call_to_another_one() -> None:
    asked = Asked()
    full = worker(server=Server("a call"), max_sessions=1)
    await full._on_request(asked.request)
    assert asked.accepted is None
    assert asked.rejected == [False]  # terminate=True would tell LiveKit that nobody may take it


@without_waiting
async def test_a_place_that_was_promised_to_a_handoff_is_not_given_to_a_new_call() -> None:
    busy = worker(BILLING, max_sessions=1)
    assert busy._admission.try_admit("h1") is None
    new, handed_over = Asked("AJ_1"), Asked("AJ_2", handoff_id="h1")
    await busy._on_request(new.request)
    await busy._on_request(handed_over.request)
    assert new.rejected == [False]
    assert handed_over.accepted is not None


@without_waiting
async def test_a_handoff_that_nobody_was_promised_a_place_for_is_left_to_another_worker_when_this_one_is_full() -> None:
    moved = Asked(handoff_id="h1", silent="1")
    await worker(BILLING, Server("a call"), max_sessions=1)._on_request(moved.request)
    assert (moved.accepted, moved.rejected) == (None, [False])


@pytest.mark.parametrize("is_draining", [True, False])
@without_waiting
async def test_a_successor_has_no_place_in_a_worker_that_is_full_or_goes(is_draining: bool) -> None:
    asked = Asked(resume="2", agent_id="billing-r2-0a1b2c")
    billing = worker(BILLING, Server() if is_draining else Server("a call"), max_sessions=1)
    billing._admission.draining = is_draining
    await billing._on_request(asked.request)
    assert (asked.accepted, asked.rejected) == (None, [False])


@without_waiting
async def test_a_promised_place_is_counted_once_when_its_call_has_come() -> None:
    server = Server()
    billing = worker(BILLING, server, max_sessions=2)
    billing._admission.try_admit("h1")
    await billing._on_request(Asked(handoff_id="h1").request)
    server.active_jobs.append("the call of h1")
    assert billing._admission.taken == 1


@without_waiting
async def test_every_answer_is_counted() -> None:
    server = Server()
    triage = worker(server=server, max_sessions=1)
    await triage._on_request(Asked().request)
    server.active_jobs.append("a call")
    await triage._on_request(Asked().request)
    triage._admission.draining = True
    await triage._on_request(Asked().request)
    counts = {
        answer: triage._metrics.registry.get_sample_value(
            "voicemesh_job_requests_total", {"service": "triage", "answer": answer}
        )
        for answer in ("accepted", "full", "draining")
    }
    assert counts == {"accepted": 1.0, "full": 1.0, "draining": 1.0}


@pytest.mark.parametrize(("jobs", "load"), [(0, 0.0), (1, 0.1725), (3, 0.5175), (4, 1.0), (5, 1.0)])
@without_waiting
async def test_a_worker_with_a_free_place_reports_less_than_a_stock_server_s_target(jobs: int, load: float) -> None:
    server = Server(*["a call"] * jobs)
    assert worker(server=server, max_sessions=4)._load(server) == pytest.approx(load)


# --- when it is ready -------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_worker_is_ready_from_its_registration_until_its_connection_breaks() -> None:
    triage = run._Worker(TRIAGE, make_settings())
    triage._server = Server()
    seen = [triage._readiness.reason]
    triage._started()
    await triage._warm()
    seen.append(triage._readiness.reason)
    for step in (triage._registered, triage._disconnected, triage._registered):
        step()
        seen.append(triage._readiness.reason)
    assert seen == ["worker_not_initialized", "livekit_disconnected", "", "livekit_disconnected", ""]


@without_waiting
async def test_a_worker_is_not_ready_before_a_process_is_warm_for_the_first_call() -> None:
    triage = run._Worker(TRIAGE, make_settings())
    triage._server = server = Server()
    server.has_warm_process = False
    triage._started()
    triage._registered()
    warming = asyncio.create_task(triage._warm())
    await everything_ran()
    assert triage._readiness.reason == "worker_not_initialized"
    server.has_warm_process = True
    await warming
    assert triage._readiness.reason == ""


@without_waiting
async def test_nobody_is_promised_a_place_while_livekit_cannot_send_calls() -> None:
    billing = worker(BILLING)
    billing._disconnected()
    assert billing._admission.try_admit("h1") is not None
    billing._registered()
    assert billing._admission.try_admit("h1") is None


# --- how it stops -----------------------------------------------------------------------------------------------------
async def stopped(made: run._Worker) -> int:
    stop = asyncio.Event()
    serving = asyncio.create_task(made._serve_until(stop, watch(made)))
    await everything_ran()
    assert not serving.done()
    stop.set()
    return await serving


@without_waiting
async def test_a_stopped_worker_lets_its_calls_end_and_then_goes() -> None:
    triage = worker()
    assert await stopped(triage) == 0
    assert triage._server.steps == ["drain", "close", "settle"]


@without_waiting
async def test_a_stopped_worker_asks_its_calls_to_move_when_livekit_knows_that_it_takes_no_more() -> None:
    class SlowServer(Server):
        async def drain(self) -> None:
            await super().drain()
            await asyncio.sleep(1)

    billing = worker(BILLING, SlowServer("billing-1", "billing-2"))
    await stopped(billing)
    asked = ["billing-1 is asked to move", "billing-2 is asked to move"]
    assert billing._server.steps == ["drain", *asked, "close", "settle"]


@without_waiting
async def test_while_it_runs_a_worker_watches_over_calls_and_hears_of_its_own_jobs_deaths() -> None:
    triage = worker()
    beside = watch(triage)
    serving = asyncio.create_task(triage._serve_until(stop := asyncio.Event(), beside))
    await everything_ran()
    loops = (beside.recovery.guardian, beside.rounds, beside.stopped, beside.heartbeat)
    assert [loop.is_running for loop in loops] == [True] * 4
    assert triage._server.is_watched
    death = ClosedJob("call-1", "triage-1", "", -9)
    triage._server.on_job_closed(death)
    assert beside.recovery.heard == [death]
    stop.set()
    await serving
    assert [loop.is_running for loop in loops] == [False] * 4


@without_waiting
async def test_from_the_first_moment_of_a_drain_nobody_else_is_let_in() -> None:
    class WatchfulServer(Server):
        async def drain(self) -> None:
            self.steps.append(triage._readiness.reason)

    triage = worker(server=WatchfulServer())
    await stopped(triage)
    assert triage._server.steps == ["draining", "close", "settle"]


@without_waiting
async def test_calls_that_outlast_the_drain_are_not_waited_for() -> None:
    triage = worker(server=StubbornServer())
    assert await stopped(triage) == 0
    assert triage._server.steps == ["drain", "close", "settle"]


@without_waiting
async def test_a_drain_of_no_seconds_is_none_at_all() -> None:
    triage = worker(drain_seconds=0)
    assert await stopped(triage) == 0
    assert triage._server.steps == ["close", "settle"]


@pytest.mark.parametrize("server", [BrokenServer, LeavingServer])
@without_waiting
async def test_a_worker_whose_livekit_side_ended_says_so_by_its_exit_code(server: type[Server]) -> None:
    broken = worker(server=server())
    assert await broken._serve_until(asyncio.Event(), watch(broken)) == 4


# --- what it says at boot ---------------------------------------------------------------------------------------------
def test_unusable_settings_are_told_on_one_page_and_end_with_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unusable() -> Settings:
        raise SettingsError(["LIVEKIT_URL is not set: give LiveKit's address"])

    monkeypatch.setattr(Settings, "of_this_process", unusable)
    with pytest.raises(SystemExit) as caught:
        run.run(TRIAGE)
    assert caught.value.code == 2
    assert "triage: the settings are not usable" in capsys.readouterr().err


@without_waiting
async def test_everything_wrong_around_it_is_one_line_each_and_ends_with_three() -> None:
    triage = worker()
    printed: list[str] = []

    async def cannot_open(closing: Any) -> None:
        closing.callback(printed.append, "closed")
        raise doors.BootFailed("REDIS_URL: no Redis", "LIVEKIT_URL: no LiveKit")

    class Paper:
        def write(self, text: str) -> None:
            printed.append(text.strip())

    triage._open = cannot_open
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", Paper())
        assert await triage.main() == 3
    assert [line for line in printed if line] == [
        "triage: REDIS_URL: no Redis",
        "triage: LIVEKIT_URL: no LiveKit",
        "closed",
    ]
