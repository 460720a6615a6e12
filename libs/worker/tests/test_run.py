"""The pieces of a worker's main process: who is let in, when it is ready, how it stops, what it says at boot and in its log."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import sys
from typing import Any

import pytest
from livekit.agents import JobRequest
from livekit.agents.job import JobAcceptArguments
from livekit.protocol import agent as agent_pb
from livekit.protocol import models as models_pb
from worker import run
from worker.agent import CallAgent
from worker.jumping_time import everything_ran, without_waiting
from worker.service import Service
from worker.settings import Settings, SettingsError
from worker.testing import make_settings

TRIAGE = Service("triage", CallAgent)
BILLING = Service("billing", CallAgent)


class Server:
    """In the place of LiveKit's AgentServer: runs until it is closed, and drains as its class says."""

    def __init__(self, *jobs: str) -> None:
        self.active_jobs = list(jobs)
        self.steps: list[str] = []
        self.closed = asyncio.Event()

    async def run(self) -> None:
        await self.closed.wait()

    async def drain(self) -> None:
        self.steps.append("drain")

    async def aclose(self) -> None:
        self.steps.append("close")
        self.closed.set()


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
async def test_a_handed_over_call_is_taken_under_the_handoffs_id() -> None:
    asked = Asked(handoff_id="h1")
    await worker(BILLING)._on_request(asked.request)
    assert asked.accepted is not None
    assert asked.accepted.identity == "billing-h1"


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
    counts = {
        answer: triage._metrics.registry.get_sample_value(
            "voicemesh_job_requests_total", {"service": "triage", "answer": answer}
        )
        for answer in ("accepted", "full")
    }
    assert counts == {"accepted": 1.0, "full": 1.0}


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
    for step in (triage._started, triage._registered, triage._disconnected, triage._registered):
        step()
        seen.append(triage._readiness.reason)
    assert seen == ["worker_not_initialized", "livekit_disconnected", "", "livekit_disconnected", ""]


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
    serving = asyncio.create_task(made._serve_until(stop))
    await everything_ran()
    assert not serving.done()
    stop.set()
    return await serving


@without_waiting
async def test_a_stopped_worker_lets_its_calls_end_and_then_goes() -> None:
    triage = worker()
    assert await stopped(triage) == 0
    assert triage._server.steps == ["drain", "close"]


@without_waiting
async def test_from_the_first_moment_of_a_drain_nobody_else_is_let_in() -> None:
    class WatchfulServer(Server):
        async def drain(self) -> None:
            self.steps.append(triage._readiness.reason)

    triage = worker(server=WatchfulServer())
    await stopped(triage)
    assert triage._server.steps == ["draining", "close"]


@without_waiting
async def test_calls_that_outlast_the_drain_are_not_waited_for() -> None:
    triage = worker(server=StubbornServer("a long call"))
    assert await stopped(triage) == 0
    assert triage._server.steps == ["drain", "close"]


@without_waiting
async def test_a_drain_of_no_seconds_is_none_at_all() -> None:
    triage = worker(drain_seconds=0)
    assert await stopped(triage) == 0
    assert triage._server.steps == ["close"]


@pytest.mark.parametrize("server", [BrokenServer, LeavingServer])
@without_waiting
async def test_a_worker_whose_livekit_side_ended_says_so_by_its_exit_code(server: type[Server]) -> None:
    assert await worker(server=server())._serve_until(asyncio.Event()) == 4


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
        raise run._BootFailed("REDIS_URL: no Redis", "LIVEKIT_URL: no LiveKit")

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


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EADDRINUSE, "in use"), "VOICEMESH_HEALTH_PORT: port 8080 is in use; free it, or set"),
        (OSError(errno.EACCES, "Permission denied"), "cannot listen on 0.0.0.0:8080 (Permission denied)"),
        (OSError(), "cannot listen on 0.0.0.0:8080 (OSError)"),
    ],
    ids=["in use", "not allowed", "unknown"],
)
def test_a_port_that_cannot_be_had_is_told_by_its_variable(error: OSError, told: str) -> None:
    with pytest.raises(run._BootFailed) as caught, run._listening("VOICEMESH_HEALTH_PORT", "0.0.0.0", 8080):
        raise error
    (line,) = caught.value.args
    assert line.startswith("VOICEMESH_HEALTH_PORT: ")
    assert told in line


# --- what it says in its log ------------------------------------------------------------------------------------------
def logged(message: str, *args: object, exc_info: Any = None, **extra: object) -> dict[str, Any]:
    record = logging.LogRecord("voicemesh.test", logging.INFO, __file__, 1, message, args, exc_info)
    for name, value in extra.items():
        setattr(record, name, value)
    return json.loads(run._JsonLines().format(record))


def test_a_log_line_is_one_json_object_with_its_call() -> None:
    line = logged("the handoff to %s did not happen", "billing", call_id="call-1")
    assert line["message"] == "the handoff to billing did not happen"
    assert (line["level"], line["logger"], line["call_id"]) == ("INFO", "voicemesh.test", "call-1")


def test_fields_that_were_not_chosen_do_not_get_into_the_log() -> None:
    assert set(logged("heard", transcript="my card is", user_input="4111", handoff_id="h1")) == {
        "at",
        "level",
        "logger",
        "message",
        "handoff_id",
    }


def test_an_exception_stays_inside_its_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        line = logged("failed", exc_info=sys.exc_info())
    assert "ValueError: broken" in line["exception"]
