"""The one client of a RedisStore, and its faults as this package's errors."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

from redis import exceptions as faults
from redis.asyncio import Redis

from handoff.errors import StoreUnavailable
from handoff.keys import Keys
from handoff.lua import KeyedRedis
from handoff.redis_masters import LedConnection, NoMaster, leave
from handoff.rows import accepted

# Redis is there but cannot serve just now: a replica after a failover, memory full, a lost master, a slot on its way to another node,
# a user who is not (or no longer) allowed what we do.
_AWAY = (
    faults.ConnectionError,
    faults.TimeoutError,
    faults.ReadOnlyError,
    faults.OutOfMemoryError,
    faults.ClusterDownError,
    faults.AskError,  # and with it MovedError
    faults.TryAgainError,
    faults.NoPermissionError,
    OSError,
)

_TAKES_NO_WRITES = re.compile(
    r"\b(?:MISCONF|NOREPLICAS|READONLY|OOM|MASTERDOWN|CLUSTERDOWN|BUSY|NOPERM|ACL failure|non local key)\b"
)
"""The disk under its snapshots is full, it misses its replicas, a script runs on, a slot is moved: reads may work, and whatever we do is
refused. The client has no error of its own for these, and what a script ran into stands in the middle of the text."""

_NO_MASTER = re.compile(r"\b(?:READONLY|MASTERDOWN|NOREPLICAS|CLUSTERDOWN|non local key)\b")
"""What a master answers that is none any more, or that its replicas have left for another one."""


class RedisLink:
    """What all parts of a RedisStore need: the client, how keys are spelled, and how long things live."""

    def __init__(self, client: Redis, *, keys: Keys, call_ttl_seconds: float, ledger_ttl_seconds: float) -> None:
        self._client = client
        self._redis = KeyedRedis(client, keys)
        self._call_ttl_seconds = call_ttl_seconds
        self._ledger_ttl_seconds = ledger_ttl_seconds
        self._run_id = ""
        """Of the Redis process that answered last when it was asked who is overdue; empty when it does not tell."""

    @property
    def keys(self) -> Keys:
        """How this store spells its keys."""
        return self._redis.keys

    def _served(self) -> AbstractAsyncContextManager[None]:
        return served_by(self._client)

    async def _asked(self, answer: Awaitable[list[Any]]) -> list[Any]:
        """What follows a script's 'ok'; any other status is raised as its error."""
        async with self._served():
            found = await answer
        return accepted(found)

    async def _page_after(self, stream: str, cursor: str, count: int) -> tuple[list[dict[str, str]], str]:
        """At most ``count`` entries of a stream that follow the cursor ("" is before the first), and the cursor after them."""
        page = await self._page(stream, f"({cursor}" if cursor else "-", count)
        return [fields for _, fields in page], str(page[-1][0]) if page else cursor

    async def _page(self, stream: str, start: str, count: int) -> list[Any]:
        async with self._served():
            return await self._client.xrange(stream, min=start, count=count) or []


@asynccontextmanager
async def served_by(client: Redis) -> AsyncIterator[None]:
    """As ``mapped_faults``. A Redis that is no master (any more) is left: its address may lead to another one by now, and a connection
    would go on leading to the old one for as long as both its ends live."""
    try:
        with no_lost_cancellation(), mapped_faults():
            yield
    except StoreUnavailable as away:
        if _is_no_master(away.__cause__) or _hangs_and_can_be_passed_over(away.__cause__, client):
            await leave(client)
        raise


def _is_no_master(error: BaseException | None) -> bool:
    # The client takes the word off the text where it knows an error of that name.
    known = (faults.ReadOnlyError, faults.ClusterDownError, faults.MovedError)
    return isinstance(error, known) or _NO_MASTER.search(str(error)) is not None


def _hangs_and_can_be_passed_over(error: BaseException | None, client: Redis) -> bool:
    """Whoever asks where the master is may be told another one; an address that stays the same leads to the one that hangs."""
    return isinstance(error, faults.TimeoutError) and issubclass(client.connection_pool.connection_class, LedConnection)


@contextmanager
def no_lost_cancellation() -> Iterator[None]:
    """Raises CancelledError when the task was cancelled inside and nobody there let it through.

    The client sends within asyncio.wait_for, which on Python 3.11 returns an answer that came in the same turn of the event loop,
    and forgets that it was cancelled (python/cpython issue 86296): a loop that asks the store would go on for ever.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    except Exception:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError from None
        raise
    if task and task.cancelling() > before:
        raise asyncio.CancelledError


@contextmanager
def mapped_faults() -> Iterator[None]:
    """Raises StoreUnavailable for whatever means that Redis cannot serve now."""
    try:
        yield
    except _AWAY as error:
        raise StoreUnavailable(f"Redis did not answer ({_kind_of(error)})") from error
    except faults.ResponseError as error:
        if (refusal := _TAKES_NO_WRITES.search(str(error))) is None:
            raise
        raise StoreUnavailable(f"Redis takes no writes ({refusal[0]})") from error


def _kind_of(error: BaseException) -> str:
    """What a person must know to mend it: a certificate, a file, a master that nobody knows. The client hides these behind its own
    errors. Never what was sent."""
    step: BaseException | None = error
    while step is not None:
        if isinstance(step, NoMaster):
            return str(step)
        if isinstance(step, ssl.SSLCertVerificationError):
            return f"its certificate: {step.verify_message}"
        if isinstance(step, ssl.SSLError):
            return f"TLS: {step.reason}"
        if isinstance(step, FileNotFoundError):
            return "a file of its TLS settings is not there"
        step = step.__cause__ or step.__context__
    return type(error).__name__
