"""The one connection of a RedisStore, and its faults as this package's errors."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

from redis import exceptions as faults
from redis.asyncio import Redis

from handoff.errors import StoreUnavailable
from handoff.rows import accepted

# Redis is there but cannot serve just now: a replica after a failover, memory full, a lost master.
_AWAY = (
    faults.ConnectionError,
    faults.TimeoutError,
    faults.ReadOnlyError,
    faults.OutOfMemoryError,
    faults.ClusterDownError,
    OSError,
)

_TAKES_NO_WRITES = re.compile(r"\b(?:MISCONF|NOREPLICAS|READONLY|OOM|MASTERDOWN|BUSY)\b")
"""The disk under its snapshots is full, it misses its replicas, a script runs on: reads may work, and whatever we do is refused. The
client has no error of its own for these, and what a script ran into stands in the middle of the text."""


class RedisLink:
    """What all parts of a RedisStore need: the client, and how long things live."""

    def __init__(self, client: Redis, *, call_ttl_seconds: float, ledger_ttl_seconds: float) -> None:
        self._client = client
        self._call_ttl_seconds = call_ttl_seconds
        self._ledger_ttl_seconds = ledger_ttl_seconds

    async def _asked(self, answer: Awaitable[list[Any]]) -> list[Any]:
        """What follows a script's 'ok'; any other status is raised as its error."""
        with mapped_faults():
            found = await answer
        return accepted(found)


@contextmanager
def mapped_faults() -> Iterator[None]:
    """Raises StoreUnavailable for whatever means that Redis cannot serve now."""
    try:
        yield
    except _AWAY as error:
        raise StoreUnavailable(f"Redis did not answer ({type(error).__name__})") from error
    except faults.ResponseError as error:
        if (refusal := _TAKES_NO_WRITES.search(str(error))) is None:
            raise
        raise StoreUnavailable(f"Redis takes no writes ({refusal[0]})") from error
