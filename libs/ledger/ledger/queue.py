"""The queue of callbacks that are due: a Redis stream, for whoever calls back.

A ticket is put in once, however often that is asked for; and again when Redis has lost everything, for the stream and the notes
of what is in it are lost together. An entry has ticket_id, call_id, service, channel, reason and due_at (seconds since the
epoch). Its reader finds the call by ``call_id``, deletes the entry when it has called back, and says so with
``python -m ledger done``.
"""

from __future__ import annotations

from typing import Any, Protocol, Self

from handoff import keys
from handoff.redis_link import served_by
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ledger.rows import Ticket, seconds

_MOST = 100_000
"""Longest queue that is kept in Redis; the tickets themselves are in the database."""

_PUT = """
local is_new = redis.call('SET', KEYS[2], '1', 'NX') and 1 or 0
if is_new == 1 then redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', unpack(ARGV, 3)) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return is_new
"""


class Queue(Protocol):
    """Where due callbacks go."""

    async def put(self, ticket: Ticket) -> bool:
        """True when it was not in the queue yet. Raises StoreUnavailable."""
        ...


class RedisQueue:
    """See ``Queue``."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    @classmethod
    def connect(cls, url: str, *, timeout_seconds: float = 1.0) -> Self:
        """On ``redis://host:port/db``; nothing is sent yet."""
        client = Redis.from_url(
            url,
            decode_responses=True,
            protocol=2,
            socket_connect_timeout=timeout_seconds,
            socket_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        )
        return cls(client)

    async def put(self, ticket: Ticket) -> bool:
        """See Queue.put."""
        fields = {
            "ticket_id": ticket.ticket_id,
            "call_id": ticket.call_id,
            "service": ticket.service,
            "channel": ticket.channel,
            "reason": ticket.reason,
            "due_at": f"{seconds(ticket.due_at):.3f}",
        }
        flat = [part for pair in fields.items() for part in pair]
        touched = [keys.CALLBACKS_DUE, keys.callback_queued(ticket.ticket_id, ticket.call_id)]
        put = self._client.register_script(_PUT)
        async with served_by(self._client):
            answer: Any = await put(keys=touched, args=[keys.CALLBACKS_DUE_SECONDS, _MOST, *flat])
        return bool(answer)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()
