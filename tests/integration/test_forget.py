"""`python -m ledger forget` on a real Redis, on SQLite and PostgreSQL: a dump of all keys and all tables has nothing of the call any more."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import redis
from backoffice.testing.postgresql import Server
from forgetting_suite import NUMBER, WORDS, told
from handoff import acl
from handoff.keys import PLAIN as keys
from handoff.redis_store import RedisStore
from handoff.testing import make_call, make_due
from ledger.database import LedgerDatabase
from ledger.lines import Lines
from ledger.rows import Line, Row, moment
from ledger.settings import Settings
from ledger.streams import StreamReader
from ledger.tickets import Tickets
from store_steps import LEASE
from telemetry.names import trace_hex_of

from tests.integration.conftest import PATIENCE
from tests.integration.redis_farm import Node

CANARIES = (WORDS, NUMBER, "call-1", "handoff-1", "CT-10001", "Anna")
DAY_SECONDS = 86400.0


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ledger.db"
        return
    server: Server = request.getfixturevalue("postgresql_server")
    name = server.create()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[LedgerDatabase]:
    database = LedgerDatabase(Settings(database_url=database_url))
    database.prepare()
    yield database
    database.close()


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[RedisStore]:
    store = RedisStore.connect(redis_url, **PATIENCE)
    yield store
    await store.aclose()


def forget(redis_url: str, database_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"REDIS_URL": redis_url, "DATABASE_URL": database_url, "PYTHONPATH": ":".join(sys.path)}
    command = (sys.executable, "-m", "ledger", "forget", *arguments)
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


async def ended_long_ago(store: RedisStore, database: LedgerDatabase) -> None:
    """call-1 with all that a call can have, read by the ledger, its callback in the queue and claimed; it ended two minutes ago."""
    settings = Settings(database_url="", callback_after_seconds=0.0)
    await told(store)
    lines, tickets = Lines(store, database), Tickets(store, database, settings=settings)
    await StreamReader("ledger", database, fetch=lines.fetch, write=lines.write).catch_up()
    await StreamReader("callbacks", database, fetch=tickets.fetch, write=tickets.write).catch_up()
    await store.queue_callback(make_due(number=NUMBER))
    await store.claim_callback("CT-10001", "call-1", human_id="anna", name="Anna", seconds=LEASE)
    await store._client.hset(keys.call("call-1"), "ended_at", f"{time.time() - 120:.6f}")


def dump(redis_url: str, database: LedgerDatabase) -> str:
    """Every key and every table, as text."""
    found = []
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        for key in client.scan_iter():
            read = {
                "hash": client.hgetall,
                "string": client.get,
                "stream": client.xrange,
                "zset": lambda key: client.zrange(key, 0, -1),
            }[client.type(key)]
            found.append(f"{key} {json.dumps(read(key))}")
    with database.reading() as session:
        for name, table in Row.metadata.tables.items():
            found += [f"{name} {[str(value) for value in row]}" for row in session.execute(table.select())]
    return "\n".join(found)


async def test_a_forgotten_call_is_in_no_key_and_in_no_table(
    store: RedisStore, redis_url: str, database: LedgerDatabase, database_url: str
) -> None:
    await ended_long_ago(store, database)
    assert all(canary in dump(redis_url, database) for canary in CANARIES)
    done = forget(redis_url, database_url, "--call", "call-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "call-1 is forgotten" in done.stdout and "not reached from here" in done.stdout
    assert trace_hex_of("call-1") in done.stdout, "the trace's id, to delete it elsewhere"
    after = dump(redis_url, database)
    assert [canary for canary in CANARIES if canary in after] == []
    assert "call-2" in after and "callback_booked" in after
    again = forget(redis_url, database_url, "--call", "call-1")
    assert again.returncode == 0
    assert again.stdout.startswith("nothing was kept of call-1")


async def test_a_call_that_goes_on_is_refused_and_stays(
    store: RedisStore, redis_url: str, database: LedgerDatabase, database_url: str
) -> None:
    await store.open_call(make_call("call-9"))
    refused = forget(redis_url, database_url, "--call", "call-9")
    assert refused.returncode == 1
    assert "nothing was removed: the call has not ended" in refused.stderr
    assert await store.load_call("call-9") is not None


async def test_what_is_old_is_deleted_and_too_young_an_age_is_refused(
    redis_url: str, database: LedgerDatabase, database_url: str
) -> None:
    now = time.time()
    with database.writing() as session:
        for days in (10, 100):
            at = moment(now - days * DAY_SECONDS)
            row = {"ending": "resolved", "detail": "", "channel": "web", "services": [], "handoff_ids": []}
            session.add(Line(call_id=f"call-of-{days}", ended_at=at, written_at=at, **row))
    assert forget(redis_url, database_url, "--older-than", "7d").returncode == 2
    done = forget(redis_url, database_url, "--older-than", "90d")
    assert (done.returncode, done.stdout.strip()) == (0, "deleted: 1 lines")
    assert "call-of-10" in dump(redis_url, database) and "call-of-100" not in dump(redis_url, database)
    assert forget(redis_url, database_url, "--older-than", "90d").stdout.strip() == "deleted: nothing was that old"


async def test_where_redis_has_users_the_ledger_s_may_not_and_the_eraser_may(
    tmp_path: Path, database: LedgerDatabase, database_url: str
) -> None:
    hashes = {name: sha256(f"of-{name}".encode()).hexdigest() for name in acl.ROLES}
    path = tmp_path / "users.acl"
    path.write_text("\n".join([*acl.lines(hashes), "user default on nopass ~* &* +@all", ""]))
    node = Node(tmp_path / "redis", "--aclfile", str(path))
    node.start()
    try:
        admin = RedisStore.connect(f"redis://127.0.0.1:{node.port}/0", **PATIENCE)
        await ended_long_ago(admin, database)
        await admin.aclose()
        url = "redis://{0}:of-{0}@127.0.0.1:" + f"{node.port}/0"
        refused = forget(url.format("ledger"), database_url, "--call", "call-1")
        assert refused.returncode == 2
        assert "eraser" in refused.stderr and "of-ledger" not in refused.stderr
        assert forget(url.format("eraser"), database_url, "--call", "call-1").returncode == 0
    finally:
        node.kill()


def test_without_redis_it_says_so_and_removes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    database = LedgerDatabase(Settings(database_url=url))
    database.prepare()
    database.close()
    refused = forget("redis://127.0.0.1:1/0", url, "--call", "call-1")
    assert refused.returncode == 2
    assert "Redis did not answer" in refused.stderr
