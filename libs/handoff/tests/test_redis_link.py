"""What Redis answers when it cannot serve, as this package's one error; anything else is a fault of ours and stays one."""

from __future__ import annotations

import asyncio
import ssl
from types import SimpleNamespace
from typing import Any, cast

import pytest
from handoff.errors import StoreUnavailable
from handoff.keys import PLAIN
from handoff.redis_link import RedisLink, mapped_faults, no_lost_cancellation
from handoff.redis_masters import LedConnection, NoMaster
from redis import exceptions as faults
from redis.asyncio import Redis
from redis.asyncio.connection import Connection


@pytest.mark.parametrize(
    "fault",
    [
        faults.ConnectionError("Connection refused"),
        faults.TimeoutError("Timeout reading"),
        faults.ReadOnlyError("You can't write against a read only replica."),
        faults.BusyLoadingError("Redis is loading the dataset in memory"),
        faults.MasterDownError("Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
        faults.ClusterDownError("The cluster is down"),
        faults.MovedError("5798 10.0.0.2:6379"),
        faults.AskError("5798 10.0.0.2:6379"),
        faults.TryAgainError("Multiple keys request during rehashing of slot"),
        faults.ResponseError(
            "ERR Script attempted to access a non local key in a cluster node script: 0f, on @user_script:7."
        ),
        faults.NoPermissionError("User billing has no permissions to run the 'evalsha' command"),
        faults.ResponseError("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist"),
        faults.ResponseError("NOREPLICAS Not enough good replicas to write."),
        faults.ResponseError("BUSY Redis is busy running a script."),
        faults.ResponseError("ERR Error running script: -OOM command not allowed when used memory > 'maxmemory'."),
        OSError("no route to host"),
    ],
    ids=lambda fault: str(fault).split()[0] + " " + type(fault).__name__,
)
def test_a_redis_that_cannot_serve_now_is_an_unavailable_store(fault: Exception) -> None:
    with pytest.raises(StoreUnavailable), mapped_faults():
        raise fault


class _Pool:
    """Notes that its connections were closed."""

    def __init__(self, connection_class: type[Connection] = Connection) -> None:
        self.connection_class = connection_class
        self.left: list[str] = []

    async def update_active_connections_for_reconnect(self) -> None:
        self.left.append("busy")

    async def disconnect(self, *, inuse_connections: bool) -> None:
        assert not inuse_connections, "somebody waits for an answer"
        self.left.append("idle")


@pytest.mark.parametrize(
    ("fault", "is_left"),
    [
        (faults.ClusterDownError("The cluster is down"), True),
        (faults.MovedError("5798 10.0.0.2:6379"), True),
        (faults.AskError("5798 10.0.0.2:6379"), False),
        (faults.ReadOnlyError("You can't write against a read only replica."), True),
        (
            faults.ResponseError("ERR Error running script: -READONLY You can't write against a read only replica."),
            True,
        ),
        (faults.MasterDownError("Link with MASTER is down and replica-serve-stale-data is set to 'no'."), True),
        (faults.ResponseError("NOREPLICAS Not enough good replicas to write."), True),
        (faults.ResponseError("MISCONF Redis is configured to save RDB snapshots"), False),
        (faults.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), False),
        (faults.TimeoutError("Timeout reading"), False),  # the client has closed that connection itself
    ],
    ids=lambda value: str(value).split()[0] + " " + type(value).__name__,
)
async def test_a_redis_that_is_no_master_is_left_for_whatever_its_address_leads_to(
    fault: Exception, is_left: bool
) -> None:
    pool = _Pool()
    await _refused(pool, fault)
    assert pool.left == (["busy", "idle"] if is_left else [])


async def test_one_that_hangs_is_left_by_who_may_be_told_another_one() -> None:
    pool = _Pool(LedConnection)
    await _refused(pool, faults.TimeoutError("Timeout reading"))
    assert pool.left == ["busy", "idle"]


async def _refused(pool: _Pool, fault: Exception) -> None:
    client = cast(Redis, SimpleNamespace(connection_pool=pool))
    link = RedisLink(client, keys=PLAIN, call_ttl_seconds=1.0, ledger_ttl_seconds=1.0)

    async def refused() -> list[Any]:
        raise fault

    with pytest.raises(StoreUnavailable):
        await link._asked(refused())


def test_what_a_person_must_know_is_told_and_nothing_of_what_was_sent() -> None:
    refusal = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED]")
    refusal.verify_message = "certificate has expired"

    def connect(hidden: Exception) -> None:
        try:
            raise hidden
        except Exception as e:
            raise faults.ConnectionError("AUTH s3cret") from e

    with pytest.raises(StoreUnavailable, match=r"\(its certificate: certificate has expired\)"), mapped_faults():
        connect(refusal)
    with pytest.raises(StoreUnavailable, match="none of 3 Sentinels"), mapped_faults():
        connect(NoMaster("none of 3 Sentinels knows where the master 'mymaster' is (ConnectionError)"))
    with pytest.raises(StoreUnavailable, match=r"\(ConnectionError\)$"), mapped_faults():
        connect(faults.ResponseError("s3cret"))


def test_a_mistake_in_a_command_is_not_hidden() -> None:
    with pytest.raises(faults.ResponseError), mapped_faults():
        raise faults.ResponseError("ERR unknown command 'RENEW'")


async def _goes_on_all_the_same(fault: Exception | None) -> None:
    """As asyncio.wait_for does on Python 3.11 when its answer came in the moment of the cancellation."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        if fault is not None:
            raise fault from None


@pytest.mark.parametrize("fault", [None, faults.ConnectionError("Connection closed by server.")])
async def test_a_cancellation_that_the_client_forgot_is_one_all_the_same(fault: Exception | None) -> None:
    async def loop() -> None:
        while True:
            with no_lost_cancellation():
                await _goes_on_all_the_same(fault)

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_is_asked_after_a_cancellation_was_taken_note_of_is_answered() -> None:
    async def clean_up() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            with no_lost_cancellation():
                return "the floor is given back"
        return "never cancelled"

    task = asyncio.create_task(clean_up())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == "the floor is given back"
