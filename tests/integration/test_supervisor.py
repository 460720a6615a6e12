"""The supervisor on real processes: order, readiness, failure, and that nothing is left however it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local.settings import LocalSettings
from local.supervisor import undertaker
from local.supervisor.errors import StartFailed
from local.supervisor.ports import HOST, Ports, is_free
from local.supervisor.probes import http_ok, redis_pong
from local.supervisor.process import Spec
from local.supervisor.supervisor import Supervisor

SERVER = """
    import http.server, os, subprocess, sys, threading, time
    port, delay, status = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    began = time.monotonic()
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            ready = time.monotonic() - began >= delay
            self.send_response(status if ready else 503)
            self.end_headers()
            if not ready or status != 200:
                self.wfile.write(b'{"reason": "models_loading"}')
        def log_message(self, *_): pass
    http.server.ThreadingHTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""
WITH_CHILD = (
    """
    import subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print("child", child.pid, flush=True)
"""
    + SERVER
)
DEAF = (
    """
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
"""
    + SERVER
)


@pytest.fixture
def ports() -> Iterator[Ports]:
    held = Ports()
    yield held
    held.release()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
async def supervisor(tmp_path: Path, told: list[str]) -> AsyncIterator[Supervisor]:
    made = Supervisor(tmp_path / "logs", cwd=tmp_path, say=told.append)
    yield made
    await made.stop()


@pytest.fixture
def serving(ports: Ports) -> Callable[..., Spec]:
    """Makes the Spec of a small HTTP server that is ready after ``delay`` seconds."""

    def make(name: str, *, code: str = SERVER, delay: float = 0.0, status: int = 200, **more: object) -> Spec:
        port = ports.pick()
        return Spec(
            name=name,
            command=(sys.executable, "-c", textwrap.dedent(code), str(port), str(delay), str(status)),
            env=dict(LocalSettings.from_env().inherited),
            probe=http_ok(f"http://{HOST}:{port}/"),
            **more,  # type: ignore[arg-type]
        )

    return make


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def until(holds: Callable[[], bool], *, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


# --- starting -----------------------------------------------------------------------------------------------------------
async def test_a_process_starts_only_after_those_it_needs_are_ready(
    supervisor: Supervisor, serving: Callable[..., Spec], told: list[str]
) -> None:
    await supervisor.start([serving("last", after=("first",)), serving("first", delay=0.3)])
    assert [line.split()[0] for line in told] == ["first", "last"]
    began = {name: psutil.Process(p.pid).create_time() for name, p in supervisor.processes.items()}
    assert began["first"] < began["last"]


async def test_each_process_leads_a_group_of_its_own(supervisor: Supervisor, serving: Callable[..., Spec]) -> None:
    await supervisor.start([serving("one"), serving("two")])
    groups = {os.getpgid(process.pid) for process in supervisor.processes.values()}
    assert groups == {process.pid for process in supervisor.processes.values()}
    assert os.getpgid(0) not in groups


async def test_a_process_that_crashes_at_start_is_named_with_its_last_words(supervisor: Supervisor) -> None:
    crash = (sys.executable, "-c", "import sys; print('no such model: tiny'); sys.exit(3)")
    spec = Spec(name="speech", command=crash, probe=http_ok(f"http://{HOST}:1/"), advice="run `make setup` again")
    with pytest.raises(StartFailed) as failure:
        await supervisor.start([spec])
    text = str(failure.value)
    assert "speech ended while it started (exit code 3)" in text
    assert "no such model: tiny" in text
    assert "run `make setup` again" in text


async def test_a_process_that_exits_with_zero_before_it_is_ready_has_failed(supervisor: Supervisor) -> None:
    spec = Spec(name="livekit", command=(sys.executable, "-c", "print('bad key')"), probe=http_ok(f"http://{HOST}:1/"))
    with pytest.raises(StartFailed, match="exit code 0"):
        await supervisor.start([spec])


async def test_a_program_that_does_not_exist_is_a_failed_start(supervisor: Supervisor) -> None:
    spec = Spec(name="redis", command=("/no/such/program",), probe=redis_pong(HOST, 1))
    with pytest.raises(StartFailed, match=r"cannot run /no/such/program|exit code 127"):
        await supervisor.start([spec])


async def test_a_process_that_is_never_ready_says_what_it_answered(
    supervisor: Supervisor, serving: Callable[..., Spec]
) -> None:
    with pytest.raises(StartFailed, match="models_loading"):
        await supervisor.start([serving("speech", status=503, ready_seconds=0.8)])


async def test_when_one_fails_those_that_wait_for_it_are_never_started(
    supervisor: Supervisor, serving: Callable[..., Spec]
) -> None:
    crash = Spec(name="redis", command=(sys.executable, "-c", "raise SystemExit(1)"), probe=redis_pong(HOST, 1))
    with pytest.raises(StartFailed, match="redis"):
        await supervisor.start([crash, serving("triage", after=("redis",))])
    assert "triage" not in supervisor.processes


async def test_a_table_that_goes_in_a_circle_is_refused(supervisor: Supervisor, serving: Callable[..., Spec]) -> None:
    with pytest.raises(ValueError, match="circle"):
        await supervisor.start([serving("a", after=("b",)), serving("b", after=("a",))])


# --- while it runs, and stopping ----------------------------------------------------------------------------------------
async def test_a_process_that_dies_by_itself_is_noticed(supervisor: Supervisor, serving: Callable[..., Spec]) -> None:
    await supervisor.start([serving("one"), serving("two")])
    os.kill(supervisor.processes["two"].pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        died = await supervisor.wait_for_death()
    assert "two ended by itself (killed by SIGKILL)" in str(died)


async def test_a_process_that_a_test_kills_on_purpose_is_not_reported(
    supervisor: Supervisor, serving: Callable[..., Spec]
) -> None:
    await supervisor.start([serving("one")])
    supervisor.processes["one"].kill()
    assert await supervisor.processes["one"].wait_exit() == -signal.SIGKILL
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await supervisor.wait_for_death()


async def test_those_that_need_others_are_stopped_before_them(
    supervisor: Supervisor, serving: Callable[..., Spec]
) -> None:
    ends: list[str] = []
    await supervisor.start([serving("redis"), serving("triage", after=("redis",))])

    async def note(name: str) -> None:
        await supervisor.processes[name].wait_exit()
        ends.append(name)

    async with asyncio.TaskGroup() as group:
        for name in ("redis", "triage"):
            group.create_task(note(name))
        await asyncio.sleep(0)
        await supervisor.stop()
    assert ends == ["triage", "redis"]


async def test_one_that_ignores_sigterm_is_killed_with_its_children(
    supervisor: Supervisor, serving: Callable[..., Spec]
) -> None:
    code = WITH_CHILD.replace("import subprocess", "import signal, subprocess", 1)
    code = code.replace("child = ", "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    child = ", 1)
    await supervisor.start([serving("deaf", code=code, stop_seconds=0.2)])
    process = supervisor.processes["deaf"]
    child = int(process.log_tail().split()[1])
    await supervisor.stop()
    assert not lives(process.pid)
    assert not lives(child)


async def test_a_child_that_outlives_its_parent_is_killed(supervisor: Supervisor, serving: Callable[..., Spec]) -> None:
    await supervisor.start([serving("parent", code=WITH_CHILD)])
    child = int(supervisor.processes["parent"].log_tail().split()[1])
    await supervisor.stop()
    assert not lives(child)


async def test_stopping_is_finished_even_when_it_is_cancelled(
    supervisor: Supervisor, serving: Callable[..., Spec]
) -> None:
    await supervisor.start([serving("deaf", code=DEAF, stop_seconds=0.5)])
    pid = supervisor.processes["deaf"].pid
    stopping = asyncio.create_task(supervisor.stop())
    await asyncio.sleep(0.05)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert not lives(pid)


async def test_one_process_can_be_started_again_on_its_port(
    supervisor: Supervisor, serving: Callable[..., Spec]
) -> None:
    spec = serving("billing")
    await supervisor.start([spec])
    first = supervisor.processes["billing"]
    first.kill()
    await first.stop()
    second = await supervisor.start_one(spec)
    assert second.is_alive
    assert second.pid != first.pid


# --- a supervisor that dies ---------------------------------------------------------------------------------------------
VICTIM = """
    import asyncio, sys, textwrap
    from pathlib import Path
    from local.settings import LocalSettings
    from local.supervisor.process import Spec
    from local.supervisor.probes import http_ok
    from local.supervisor.supervisor import Supervisor

    async def main():
        port, code, logs = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
        supervisor = Supervisor(logs, cwd=logs.parent, say=print)
        spec = Spec(name="server", command=(sys.executable, "-c", code, str(port), "0", "200"),
                    env=dict(LocalSettings.from_env().inherited), probe=http_ok(f"http://127.0.0.1:{port}/"))
        await supervisor.start([spec])
        print("up", supervisor.processes["server"].pid, flush=True)
        await asyncio.sleep(60)

    asyncio.run(main())
"""


async def test_when_the_supervisor_is_killed_its_processes_and_their_children_die(
    tmp_path: Path, repo_root: Path, ports: Ports
) -> None:
    port = ports.pick()
    arguments = (str(port), textwrap.dedent(WITH_CHILD), str(tmp_path / "logs"))
    supervisor = subprocess.Popen(
        (sys.executable, "-c", textwrap.dedent(VICTIM), *arguments), cwd=repo_root, stdout=subprocess.PIPE, text=True
    )
    with supervisor:
        assert supervisor.stdout is not None
        lines = iter(supervisor.stdout.readline, "")
        server = next(int(line.split()[1]) for line in lines if line.startswith("up "))
        child = int((tmp_path / "logs" / "server.log").read_text().split()[1])
        helpers = [c.pid for c in psutil.Process(supervisor.pid).children()]
        assert server in helpers
        supervisor.kill()
    await until(lambda: not any(lives(pid) for pid in (server, child, *helpers)))
    assert is_free(port)


def test_the_undertaker_removes_the_container_of_a_dead_supervisor(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    docker.chmod(0o755)
    lines = f"+{docker} voice-mesh-livekit-1\n+{docker} gone\n-{docker} gone\n"
    subprocess.run((sys.executable, undertaker.__file__), input=lines, text=True, check=True, timeout=10)
    assert (tmp_path / "asked").read_text() == "rm -f voice-mesh-livekit-1\n"
