"""The ledger as a process over a real Redis and real databases: it is killed in the middle, and every ending is there once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from backoffice.testing.postgresql import Server
from handoff.call import Ending
from handoff.keys import PLAIN as keys
from handoff.ledger import CallbackTicket
from handoff.lifecycle import State
from handoff.redis_store import RedisStore
from handoff.testing import make_call, make_handoff
from ledger.database import LedgerDatabase
from ledger.rows import Line, OpenCall, Row
from ledger.settings import Settings
from sqlalchemy import func, select

PATIENCE_SECONDS = 60.0
ENDINGS = tuple(Ending)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Running:
    """`python -m ledger run`, and a look into its database."""

    redis_url: str
    database_url: str
    log: Path
    changes: dict[str, str] = field(default_factory=dict)
    health_port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "ledger", "run"), env=self._env(), stdout=out, stderr=out
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=20)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "ledger", *arguments)
        return subprocess.run(command, env=self._env(), capture_output=True, text=True, check=False, timeout=60)

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.command("show", "--json").stdout)
        return found

    def ready(self) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/health/ready", timeout=5) as answer:
                return answer.status, json.load(answer)["reason"]
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)["reason"]
        except OSError:
            return 0, "no answer"

    def metric(self, name: str) -> float:
        """A sample, as it is spelled in the exposition; -1 when there is none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return -1.0
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), -1.0)

    def written(self, table: type[Row] = Line) -> int:
        """How many rows are in the database; 0 before it has a schema."""
        database = LedgerDatabase(Settings(database_url=self.database_url))
        try:
            if not database.ping():
                return 0
            with database.reading() as session:
                return session.scalar(select(func.count()).select_from(table)) or 0
        finally:
            database.close()

    def _env(self) -> dict[str, str]:
        return {
            "REDIS_URL": self.redis_url,
            "DATABASE_URL": self.database_url,
            "VOICEMESH_BIND_HOST": "127.0.0.1",
            "VOICEMESH_HEALTH_PORT": str(self.health_port),
            "VOICEMESH_METRICS_PORT": str(self.metrics_port),
            "VOICEMESH_LEDGER_POLL_SECONDS": "0.05",
            "VOICEMESH_LEDGER_WATCH_SECONDS": "0.2",
            "PYTHONPATH": ":".join(sys.path),
            "PYTHONUNBUFFERED": "1",
            **self.changes,
        }


@pytest.fixture
def make_ledger(redis_url: str, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """``make_ledger()`` on a SQLite file, ``make_ledger(url)`` elsewhere; started, and stopped at the end."""
    with ExitStack() as stack:

        def make(database_url: str = "", **changes: str) -> Running:
            number = len(list(tmp_path.glob("*.log")))
            url = database_url or f"sqlite:///{tmp_path}/ledger.db"
            running = Running(redis_url, url, tmp_path / f"ledger{number}.log", changes)
            stack.callback(running.stop)
            running.start()
            return running

        yield make


@pytest.fixture
def server_url(postgresql_server: Server) -> Iterator[str]:
    """An empty database on a real PostgreSQL."""
    name = postgresql_server.create()
    yield postgresql_server.url(name)
    postgresql_server.drop(name)


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    # The test's own writes are not what is tested: on a busy machine they may take their time.
    store = RedisStore.connect(redis_url, connect_timeout_seconds=30, answer_timeout_seconds=30)
    yield store
    await store.aclose()


async def until(check: Callable[[], object], running: Running) -> None:
    """Waits for it; the test fails with the process's log when it does not come."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not await asyncio.to_thread(check):
        assert time.monotonic() < give_up_at, running.log.read_text()[-3000:]
        await asyncio.sleep(0.03)


async def end_calls(store: RedisStore, numbers: range) -> None:
    """``call-<n>``, each with the ending of its turn."""
    for number in numbers:
        call_id = f"call-{number}"
        await store.open_call(make_call(call_id))
        await store.take_floor(call_id, service="triage", agent_id="triage-1", lease_seconds=10)
        await store.end_call(call_id, epoch=1, ending=ENDINGS[number % len(ENDINGS)], detail="as the test says")


def ticket(number: int, *, created_at: float) -> CallbackTicket:
    return CallbackTicket(f"CT-{number}", f"call-{number}", "billing", "phone", "at_capacity", "", created_at)


async def test_a_call_is_in_the_database_with_its_handoff_and_can_be_read_by_people(
    store: RedisStore, make_ledger: Callable[..., Running]
) -> None:
    now = await store.now()
    await store.open_call(make_call("call-1", started_at=now))
    await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=10)
    await store.offer(make_handoff("handoff-1", now=now))
    await store.move("handoff-1", State.ACCEPTED)
    await store.move("handoff-1", State.READY, taker_id="billing-1")
    floor = await store.pass_floor("handoff-1", epoch=1, lease_seconds=10)
    await store.move("handoff-1", State.SPOKEN)
    await store.end_call("call-1", epoch=floor.epoch, ending=Ending.CALLBACK_BOOKED, detail="billing was full")
    running = make_ledger()
    await until(lambda: running.metric('voicemesh_endings_total{ending="callback_booked"}') == 1, running)
    await until(lambda: running.ready() == (200, ""), running)
    (line,) = running.shown()["lines"]
    assert (line["call_id"], line["ending"], line["detail"]) == ("call-1", "callback_booked", "billing was full")
    assert (line["services"], line["channel"]) == (["triage", "billing"], "web")
    (handoff,) = line["handoffs"]
    stored = await store.load_handoff("handoff-1")
    assert stored is not None
    gap = stored.moved_at[State.SPOKEN] - stored.moved_at[State.TAKEN]
    assert handoff["taken_to_spoken_seconds"] == pytest.approx(gap, abs=1e-5)
    printed = running.command("show", "--since", "1h")
    assert printed.returncode == 0
    assert "callback booked" in printed.stdout and "triage > billing" in printed.stdout
    assert running.stop() == 0


_KILLS_MAX = 10


@pytest.mark.timeout(300)  # it starts the process again and again
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_killed_again_and_again_in_the_middle_it_writes_every_ending_once(
    kind: str, store: RedisStore, make_ledger: Callable[..., Running], request: pytest.FixtureRequest
) -> None:
    """Calls go on ending while it is dead. Killed with SIGKILL as soon as it has written anything new."""
    running = make_ledger(request.getfixturevalue("server_url") if kind == "postgresql" else "")
    created_at = await store.now()
    ended, is_over = 0, asyncio.Event()

    async def keep_ending() -> None:
        nonlocal ended
        while not is_over.is_set():
            if ended % 10 == 0:
                await store.add_callback(ticket(ended, created_at=created_at))
            await end_calls(store, range(ended, ended + 1))
            ended += 1
            await asyncio.sleep(0.02)

    ending, behind = asyncio.create_task(keep_ending()), list[int]()
    while len(behind) < 3 or (max(behind) == 0 and len(behind) < _KILLS_MAX):  # it may just have caught up
        before = await asyncio.to_thread(running.written)
        await until(lambda before=before: running.written() > before or ending.done(), running)  # type: ignore[misc]
        assert not ending.done(), ending
        running.kill()
        behind.append(ended - await asyncio.to_thread(running.written))
        running.start()
    is_over.set()
    await ending
    assert max(behind) > 0, "it was never killed in the middle"
    await until(lambda: running.written() == ended, running)
    await until(lambda: running.ready() == (200, ""), running)
    shown = running.shown()
    found = {line["call_id"]: line["ending"] for line in shown["lines"]}
    assert found == {f"call-{n}": ENDINGS[n % len(ENDINGS)].value for n in range(ended)}
    assert len(shown["lines"]) == ended
    assert {row["ticket_id"] for row in shown["callbacks"]} == {f"CT-{n}" for n in range(0, ended, 10)}


async def test_two_ledgers_on_one_server_write_each_ending_once(
    store: RedisStore, make_ledger: Callable[..., Running], server_url: str
) -> None:
    both = [make_ledger(server_url) for _ in range(2)]
    await end_calls(store, range(500))
    await until(lambda: both[0].written() == 500, both[0])
    for running in both:
        await until(lambda running=running: running.ready() == (200, ""), running)  # type: ignore[misc]
    counted = [sum(r.metric(f'voicemesh_endings_total{{ending="{e.value}"}}') for e in ENDINGS) for r in both]
    assert sum(counted) == 500


async def test_it_goes_on_after_the_database_has_thrown_everybody_out(
    store: RedisStore, make_ledger: Callable[..., Running], server_url: str, postgresql_server: Server
) -> None:
    running = make_ledger(server_url)
    await end_calls(store, range(50))
    await until(lambda: running.written() == 50, running)
    postgresql_server.disconnect_everybody()
    await end_calls(store, range(50, 100))
    await until(lambda: running.written() == 100, running)


async def test_after_redis_has_lost_everything_new_endings_come_and_old_ones_stay(
    store: RedisStore, redis_url: str, make_ledger: Callable[..., Running]
) -> None:
    running = make_ledger()
    await end_calls(store, range(20))
    await until(lambda: running.written() == 20, running)
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    await end_calls(store, range(15, 40))
    await until(lambda: running.written() == 40, running)
    assert {line["call_id"] for line in running.shown()["lines"]} == {f"call-{n}" for n in range(40)}


async def test_a_paused_redis_is_waited_for(
    store: RedisStore, redis_url: str, make_ledger: Callable[..., Running]
) -> None:
    running = make_ledger()
    await until(lambda: running.ready() == (200, ""), running)
    with redis.Redis.from_url(redis_url) as client:
        pid = int(client.info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        await until(lambda: running.ready() == (503, "redis_unreachable"), running)
    finally:
        os.kill(pid, signal.SIGCONT)
    await end_calls(store, range(3))
    await until(lambda: running.written() == 3, running)
    await until(lambda: running.ready() == (200, ""), running)


async def test_a_due_callback_is_in_the_queue_once_and_again_when_the_queue_was_lost_until_it_is_done(
    store: RedisStore, redis_url: str, make_ledger: Callable[..., Running]
) -> None:
    running = make_ledger(VOICEMESH_CALLBACK_AFTER_SECONDS="0")
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        for _ in range(2):
            await store.add_callback(ticket(1, created_at=await store.now()))
        await until(lambda: running.metric('voicemesh_callbacks{state="queued"}') == 1, running)
        (entry,) = client.xrange(keys.callbacks_due)
        assert (entry[1]["ticket_id"], entry[1]["call_id"], entry[1]["service"]) == ("CT-1", "call-1", "billing")
        running.kill()
        running.start()
        client.flushall()
        await until(lambda: client.xlen(keys.callbacks_due) == 1, running)
        assert running.command("done", "CT-1").returncode == 0
        await until(lambda: running.metric('voicemesh_callbacks{state="done"}') == 1, running)
        await until(lambda: client.xlen(keys.callbacks_due) == 0, running)
        assert "CT-1" in running.command("show", "--callbacks").stdout


async def test_a_callback_that_somebody_at_the_desk_has_made_is_done(
    store: RedisStore, make_ledger: Callable[..., Running]
) -> None:
    running = make_ledger(VOICEMESH_CALLBACK_AFTER_SECONDS="0")
    await store.add_callback(ticket(1, created_at=await store.now()))
    await until(lambda: running.metric('voicemesh_callbacks{state="queued"}') == 1, running)
    assert await store.claim_callback("CT-1", "call-1", human_id="anna", name="Anna", seconds=60)
    assert await store.close_callback("CT-1", "call-1", human_id="anna")
    await until(lambda: running.metric('voicemesh_callbacks{state="done"}') == 1, running)
    assert await store.callbacks_due() == ()


async def test_a_call_that_nobody_holds_and_nobody_ends_is_an_alert_until_it_is_ended(
    store: RedisStore, make_ledger: Callable[..., Running]
) -> None:
    running = make_ledger(VOICEMESH_ENDING_BOUND_SECONDS="1")
    await store.open_call(make_call("call-1"))
    await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=0.2)
    alert = 'voicemesh_calls_without_ending{reason="lease_passed"}'
    await until(lambda: running.metric(alert) == 1, running)
    await store.end_call("call-1", epoch=1, ending=Ending.FAILED, detail="nobody could take the call")
    await until(lambda: running.metric(alert) == 0, running)
    await until(lambda: running.written() == 1, running)


async def test_a_call_that_the_store_lost_is_shown_without_an_ending(
    store: RedisStore, redis_url: str, make_ledger: Callable[..., Running]
) -> None:
    running = make_ledger(VOICEMESH_ENDING_BOUND_SECONDS="1")
    await store.open_call(make_call("call-1"))
    await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=60)
    await until(lambda: running.written(OpenCall) == 1, running)
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    await until(lambda: running.metric('voicemesh_calls_without_ending{reason="vanished"}') == 1, running)
    assert [row["call_id"] for row in running.shown()["without_ending"]] == ["call-1"]
    assert "NO ENDING" in running.command("show").stdout


def test_without_settings_it_says_what_is_missing() -> None:
    env = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run((sys.executable, "-m", "ledger", "run"), env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "REDIS_URL is not set" in done.stderr
