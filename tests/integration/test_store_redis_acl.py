"""Redis's access list as `python -m handoff.acl` prints it, on a real Redis: nothing that a role does is refused, nothing else is allowed."""

from __future__ import annotations

import ast
import asyncio
import fnmatch
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from handoff import acl
from handoff.errors import StoreUnavailable
from handoff.keys import ONE_SLOT, PLAIN, Keys
from handoff.lifecycle import State
from handoff.redis_store import RedisStore
from handoff.store import Store
from redis import exceptions as faults
from redis.asyncio import Redis

from tests.integration.conftest import PATIENCE
from tests.integration.redis_farm import Cluster, Node
from tests.integration.redis_roles import Does, before, eraser_does, gateway_does, ledger_does, worker_does

ROOT = Path(__file__).parents[2]
ROLES: dict[str, tuple[str, Does, tuple[str, ...]]] = {
    "worker": (
        "billing",
        worker_does,
        ("libs/worker/worker", *(f"libs/handoff/handoff/{each}.py" for each in ("breaker", "guardian", "taker"))),
    ),
    "gateway": ("gateway", gateway_does, ("gateway",)),
    "ledger": ("ledger", ledger_does, ("libs/ledger/ledger",)),
    "eraser": ("eraser", eraser_does, ("libs/ledger/ledger/forgetting.py",)),
}
"""A user, what he does, and where the code is that does it; what is another's file is not his."""
METHODS = {name for name in vars(Store) if not name.startswith("_")} - {"aclose"}


def password(name: str) -> str:
    return f"password-of-{name}"


HASHES = {name: sha256(password(name).encode()).hexdigest() for name in acl.ROLES}


@dataclass
class Guarded:
    """A Redis with the users of the list, and one who may do everything, for the test."""

    url: str
    keys: Keys
    port: int

    def store(self, name: str = "") -> RedisStore:
        user = f"{name}:{password(name)}@" if name else ""
        return RedisStore.connect(self.url.replace("://", f"://{user}"), **PATIENCE)

    def client(self, name: str) -> Redis:
        return Redis(port=self.port, username=name, password=password(name), decode_responses=True, protocol=2)


@pytest.fixture(params=["one Redis", "Redis Cluster"])
async def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Guarded]:
    keys = ONE_SLOT if request.param == "Redis Cluster" else PLAIN
    path = tmp_path / "users.acl"
    path.write_text("\n".join([*acl.lines(HASHES, keys=keys), "user default on nopass ~* &* +@all", ""]))
    if keys is PLAIN:
        node = Node(tmp_path, "--aclfile", str(path))
        node.start()
        yield Guarded(f"redis://127.0.0.1:{node.port}/0", keys, node.port)
        node.kill()
        return
    cluster = Cluster(tmp_path / "cluster", options=("--aclfile", str(path)))
    await asyncio.to_thread(cluster.start)
    yield Guarded(cluster.url, keys, cluster.master.port)
    await asyncio.to_thread(cluster.close)


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_may_do_what_it_does_and_does_all_that_it_may(guarded: Guarded, role: str) -> None:
    user, does, _ = ROLES[role]
    admin, store = guarded.store(), guarded.store(user)
    await before(admin)
    await admin._client.script_flush()
    await admin.aclose()
    seen: list[str] = []
    async with Redis(port=guarded.port, decode_responses=True, protocol=2) as look:
        await asyncio.gather(*(look.ping() for _ in range(3)))  # what a client says when it connects is not the store's
        async with look.monitor() as monitor:
            await does(store)
            await look.echo("that is all")
            async for each in monitor.listen():
                if each["command"] == "ECHO that is all":
                    break
                seen.append(each["command"])
        refusals = await look.acl_log()
    await store.aclose()
    assert refusals == []
    used, touched = _used(seen)
    granted = acl.ROLES[user]
    assert used - {"auth"} - _words(acl.CONNECTING + " " + acl.IN_A_CLUSTER) == _words(granted.commands)
    patterns = {*granted.changes(guarded.keys), *granted.reads(guarded.keys)}
    unused = {pattern for pattern in patterns if not fnmatch.filter(touched, pattern)}
    assert unused == set()


def _words(commands: str) -> set[str]:
    return set(commands.split())


def _used(seen: Iterable[str]) -> tuple[set[str], set[str]]:
    """Commands as an access list spells them, and keys."""
    used, touched = set(), set()
    for text in seen:
        name, *arguments = text.lower().split()
        used.add(f"{name}|{arguments[0]}" if name in ("script", "client", "cluster") else name)
        touched |= {word for word in text.split(" ") if "voicemesh" in word}
    return used, touched


@pytest.mark.parametrize("role", ROLES)
async def test_what_a_role_does_is_what_its_code_asks_of_the_store(role: str) -> None:
    _, does, places = ROLES[role]
    others = {ROOT / place for other, (_, _, theirs) in ROLES.items() if other != role for place in theirs}
    calls = {
        node.func.attr
        for place in places
        for path in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"))
        if not {"tests", "testing"} & set(path.parts) and path not in others
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    source = ast.parse((ROOT / "tests/integration/redis_roles.py").read_text())
    (body,) = (node for node in source.body if isinstance(node, ast.AsyncFunctionDef) and node.name == does.__name__)
    exercised = {
        node.func.attr for node in ast.walk(body) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert exercised & METHODS == calls & METHODS


@pytest.mark.parametrize("name", acl.ROLES)
@pytest.mark.parametrize("guarded", ["one Redis"], indirect=True)
async def test_no_user_may_do_anything_else(guarded: Guarded, name: str) -> None:
    refused: list[tuple[str | int, ...]] = [
        *(("FLUSHALL",), ("FLUSHDB",), ("KEYS", "*"), ("SCAN", "0"), ("RANDOMKEY",), ("DBSIZE",), ("MONITOR",)),
        *(("CONFIG", "GET", "*"), ("CONFIG", "SET", "requirepass", ""), ("ACL", "LIST"), ("ACL", "SETUSER", "x")),
        *(("SHUTDOWN",), ("SAVE",), ("REPLICAOF", "NO", "ONE"), ("CLIENT", "LIST")),
        *(
            ("SCRIPT", "FLUSH"),
            ("SCRIPT", "LOAD", "return 1"),
            ("FUNCTION", "LIST"),
            ("CLUSTER", "SLOTS"),
            ("PSUBSCRIBE", "*"),
            ("SUBSCRIBE", "news"),
        ),
        *(
            ("HGETALL", "another:app"),
            ("HGETALL", "voicemesh"),
            ("XRANGE", "another", "-", "+"),
            ("DUMP", "voicemesh:live"),
        ),
        ("PUBLISH", "news", "x"),
    ]
    async with guarded.client(name) as client:
        for command in refused:
            with pytest.raises(faults.NoPermissionError):
                await client.execute_command(*command)
        for lua in ("return redis.call('KEYS', '*')", "return redis.call('HSET', 'another', 'a', '1')"):
            with pytest.raises(faults.ResponseError, match=r"(?i)permission|can't|can not|ACL"):
                await client.eval(lua, 0)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("billing", "HGETALL {0}:event:EV_1"),
        ("billing", "HGETALL {0}:callbacks:claimed:CT-1:call-1"),
        ("billing", "HGETALL {0}:callbacks:due:CT-1:call-1"),
        ("billing", "HGETALL {0}:rooms:over"),
        ("gateway", "HGETALL {0}:tickets"),
        ("gateway", "HGETALL {0}:breaker:billing"),
        ("gateway", "XRANGE {0}:callbacks - +"),
        ("ledger", "DEL {0}:call:call-1"),
        ("ledger", "XDEL {0}:ledger 1-1"),
        ("eraser", "HGETALL {0}:breaker:billing"),
        ("eraser", "HSET {0}:call:call-1 ending x"),
        ("eraser", "XADD {0}:ledger * a b"),
        ("ledger", "HGETALL {0}:breaker:billing"),
        ("ledger", "HGETALL {0}:duty"),
        ("ledger", "HGETALL {0}:workers:told"),
        ("ledger", "SUBSCRIBE {0}:moved:handoff-1"),
        ("ledger", "PUBLISH {0}:moved:handoff-1 taken"),
    ],
)
@pytest.mark.parametrize("guarded", ["one Redis"], indirect=True)
async def test_what_belongs_to_another_role_is_refused(guarded: Guarded, name: str, command: str) -> None:
    async with guarded.client(name) as client:
        with pytest.raises(faults.NoPermissionError):
            await client.execute_command(*command.format(guarded.keys.prefix).split())


@pytest.mark.parametrize("guarded", ["one Redis"], indirect=True)
async def test_the_ledger_reads_calls_and_changes_none(guarded: Guarded) -> None:
    admin = guarded.store()
    await before(admin)
    await admin.aclose()
    store = guarded.store("ledger")
    call = await store.load_call("old")
    assert call is not None
    with pytest.raises(StoreUnavailable):
        await store.checkpoint(call, epoch=1)
    with pytest.raises(StoreUnavailable):
        await store.move("handoff-1", State.SPOKEN)
    await store.aclose()


@pytest.mark.parametrize("guarded", ["one Redis"], indirect=True)
async def test_a_wrong_password_is_an_outage_that_says_so(guarded: Guarded) -> None:
    store = RedisStore.connect(guarded.url.replace("://", "://billing:wrong@"))
    with pytest.raises(StoreUnavailable, match="AuthenticationError"):
        await store.now()
    await store.aclose()


def _run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "handoff.acl", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def test_the_command_prints_a_line_for_each_user_and_no_password() -> None:
    hashed = _run("--hash-of", text="s3cret\n").stdout.strip()
    assert hashed == sha256(b"s3cret").hexdigest()
    told = _run("--password", f"billing={hashed}").stdout
    assert told.splitlines()[1] == acl.line("billing", hashed)
    assert "#<sha256-of-the-password-of-gateway>" in told
    assert re.search(r"~\{voicemesh\}:call:\*.* \+cluster\|slots", _run("--cluster").stdout)
    assert _run("--password", "billing=s3cret").returncode == 2
    assert "s3cret" not in _run("--password", "billing=s3cret").stderr
