"""The client of a RedisStore, made from its address. Nothing is sent before the first question."""

from __future__ import annotations

from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from handoff.redis_address import Kind, RedisAddress
from handoff.redis_masters import ByCluster, BySentinel, ClusterRedis, LedConnection, LedTlsConnection

_ASKING: dict[str, Any] = {"client_name": None}
"""For a connection that asks one question: it need not say who we are."""


def connect(address: RedisAddress, *, connect_timeout_seconds: float, answer_timeout_seconds: float, key: str) -> Redis:
    """Asks one Redis, or whichever is the master. ``key`` is any of the mesh's: in a Cluster its slot's master is asked."""
    options = _options(address, connect_timeout_seconds, answer_timeout_seconds)
    ours: dict[str, Any] = {
        "username": address.username or None,
        "password": address.password or None,
        "db": address.db,
    }
    limit = options.pop("max_connections", None)
    if address.kind is Kind.ONE:
        ((host, port),) = address.hosts
        kind = SSLConnection if address.is_tls else Connection
        pool = ConnectionPool(kind, limit, host=host, port=port, **options, **ours)
        return Redis.from_pool(pool)
    led = LedTlsConnection if address.is_tls else LedConnection
    if address.kind is Kind.SENTINEL:
        theirs: dict[str, Any] = {
            "username": address.sentinel_username or None,
            "password": address.sentinel_password or None,
        }
        sentinels = BySentinel(address, options | theirs | _ASKING)
        return Redis.from_pool(ConnectionPool(led, limit, masters=sentinels, **options, **ours))
    slots = ByCluster(address, options | ours | _ASKING, key=key)
    return ClusterRedis(ConnectionPool(led, limit, masters=slots, **options, **ours), slots)


def _options(address: RedisAddress, connect_seconds: float, answer_seconds: float) -> dict[str, Any]:
    return {
        **address.options,
        "decode_responses": True,
        # RESP2: one handshake less, and no push messages among the answers.
        "protocol": 2,
        "socket_connect_timeout": connect_seconds,
        "socket_timeout": answer_seconds,
        # Nor does the client tell of itself: a user of ours would need one more permission, which Redis 7.0 has no name for.
        "driver_info": None,
        # Whoever calls knows whether to try again, and the caller on the line is waiting.
        "retry": Retry(NoBackoff(), 0),
    }
