"""Back offices as processes over a real PostgreSQL: starting and refunding at once, one capability for all of them, and a
server that goes away. Every office's own tests run on it too: `pytest --database=postgresql services libs/backoffice`."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from backoffice.capability import CALL_HEADER
from backoffice.database import Database
from backoffice.testing import KEY, Call, opened
from backoffice.testing.postgresql import Server, running
from billing_mcp.rows import Refund
from billing_mcp.seed import examples
from billing_mcp.settings import Settings
from billing_mcp.tools import make_office
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from sqlalchemy import select

from tools import house

OFFICES = [name for name in house.services() if (house.ROOT / "services" / name / f"{name}_mcp").is_dir()]
START_TIMEOUT_SECONDS = 40.0


@pytest.fixture
def empty_url(postgresql_server: Server) -> Iterator[Callable[[], str]]:
    """Addresses of empty databases on the server."""
    made: list[str] = []

    def make() -> str:
        made.append(postgresql_server.create())
        return postgresql_server.url(made[-1])

    yield make
    for name in made:
        postgresql_server.drop(name)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(name: str, database_url: str, log: Path) -> Iterator[int]:
    """`python -m X_mcp` until it is ready; its port."""
    port = free_port()
    env = {"DATABASE_URL": database_url, "VOICEMESH_CAPABILITY_KEY": KEY, "PYTHONPATH": ":".join(sys.path)}
    with log.open("ab") as out:
        command = [sys.executable, "-m", f"{name}_mcp", "--port", str(port)]
        process = subprocess.Popen(command, env=env, stdout=out, stderr=out)
    try:
        until = time.monotonic() + START_TIMEOUT_SECONDS
        while not is_ready(port):
            assert process.poll() is None and time.monotonic() < until, log.read_text()[-2000:]
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def is_ready(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
    except httpx2.TransportError:
        return False


async def ask(port: int, tool: str, *, capability: str = "", **arguments: Any) -> tuple[bool, Any]:
    """The tool over HTTP, as a worker asks for it: (is_error, JSON or sentence)."""
    headers = {CALL_HEADER: "call-1"} | ({"Authorization": f"Bearer {capability}"} if capability else {})
    async with httpx2.AsyncClient(headers=headers) as http:
        transport = streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http)
        async with Client(transport) as client:
            result = await client.call_tool(tool, arguments)
    (item,) = result.content
    return bool(result.is_error), item.text if result.is_error else json.loads(item.text)


async def test_what_one_office_verified_is_good_at_every_other(empty_url: Callable[[], str], tmp_path: Path) -> None:
    with ExitStack() as stack:
        ports = {name: stack.enter_context(serving(name, empty_url(), tmp_path / f"{name}.log")) for name in OFFICES}
        capability = ""
        for name, port in ports.items():
            assert await ask(port, "find_account", account_id="AC4721") == (
                False,
                {"account_id": "AC4721", "exists": True},
            ), name
            failed, verified = await ask(port, "verify_identity", account_id="AC4721", postal_code="97209")
            assert not failed
            capability = verified["capability"]
        asked = {"account_id": "AC4721"}
        assert await ask(ports["billing"], "get_account", **asked) == (True, "Verify the caller's identity first.")
        failed, account = await ask(ports["billing"], "get_account", **asked, capability=capability)
        assert (failed, account["name"]) == (False, "Sarah Chen")


def test_offices_that_start_and_refund_at_once_make_one_schema_and_one_refund(empty_url: Callable[[], str]) -> None:
    """Each with an engine of its own, as processes have."""
    settings = Settings(database_url=empty_url(), capability_key=KEY)
    answers: list[tuple[bool, Any]] = []

    def start_and_refund(number: int) -> None:
        database = Database(settings, package="billing_mcp", seed=examples)
        database.prepare()
        call = Call(office=make_office(database, settings), settings=settings, call_id=f"call-{number}")
        arguments = {"account_id": "AC4721", "charge_id": "CH-2026-03-0417-2", "amount": "49.99"}
        answers.append(call.verified("AC4721")("process_refund", **arguments, idempotency_key="refund"))
        database.close()

    threads = [threading.Thread(target=start_and_refund, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(failed, answer["reference"]) for failed, answer in answers] == [(False, "RF-20417")] * 4
    assert [answer["already_done"] for _, answer in answers].count(False) == 1
    with opened(settings, package="billing_mcp") as database, database.reading() as session:
        assert len(list(session.scalars(select(Refund).where(Refund.call_id != "")))) == 1


def test_a_server_that_went_away_is_told_in_time_and_found_again(tmp_path: Path) -> None:
    with running() as server:
        settings = Settings(database_url=server.url(server.create()), capability_key=KEY)
        database = Database(settings, package="billing_mcp", seed=examples)
        database.prepare()
        call = Call(office=make_office(database, settings), settings=settings).verified("AC4721")
        assert not call("get_account", account_id="AC4721")[0]
        server.disconnect_everybody()
        assert not call("get_account", account_id="AC4721")[0], "a lost connection is made again"
    began = time.monotonic()
    assert call("get_account", account_id="AC4721") == (True, "The billing records can't be reached right now.")
    assert time.monotonic() - began < 5
    assert not database.ping()
    database.close()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_another_encoding_serves_like_any_other(postgresql_server: Server, encoding: str) -> None:
    name = postgresql_server.create(encoding=encoding)
    settings = Settings(database_url=postgresql_server.url(name), capability_key=KEY)
    database = Database(settings, package="billing_mcp", seed=examples)
    try:
        database.prepare()
        assert database.ping()
    finally:
        database.close()
        postgresql_server.drop(name)
