"""What lies in a mesh's Redis: keys by kind, those without an end apart, and its memory. Only names are read, no value is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from handoff.keys import PLAIN
from redis.asyncio import Redis

_MOST_KEYS = 50_000
"""Of a Redis that holds more only this many are looked at: a look must not be what it measures."""
_PIECE = 500
_NAMED = ("callbacks:of", "callbacks:claimed", "callbacks:due", "call", "handoff", "event")
"""Kinds whose keys end with an id; the longer ones first. See handoff.keys."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look. ``kinds``: keys of each kind; ``endless``: those of them that no time to live will ever remove."""

    memory_bytes: int
    commands: int
    """All that it ever did."""
    clients: int
    cpu_seconds: float
    kinds: dict[str, int] = field(default_factory=dict)
    endless: dict[str, int] = field(default_factory=dict)
    ledger_length: int = 0
    """Calls that ended, so far as the stream still holds them."""


def kind_of(key: str) -> str:
    """``call`` of ``voicemesh:call:call-1f``: what stands behind the prefix, without the name of whose key it is."""
    rest = key.partition(":")[2]
    kind = next((kind for kind in _NAMED if rest.startswith(f"{kind}:")), rest)
    return kind or "(foreign)"


async def look(redis: Redis, *, keys: bool = True) -> Look:
    """Raises redis.RedisError."""
    info: dict[str, Any] = await redis.info()
    kinds, endless = Counter[str](), Counter[str]()
    ledger_length = 0
    if keys:
        found = [key.decode() async for key in _some(redis)]
        for begin in range(0, len(found), _PIECE):
            piece = found[begin : begin + _PIECE]
            async with redis.pipeline(transaction=False) as pipe:
                for key in piece:
                    pipe.ttl(key)
                for key, left in zip(piece, await pipe.execute(), strict=True):
                    kinds[kind_of(key)] += 1
                    endless[kind_of(key)] += left == -1
        ledger_length = int(await redis.xlen(PLAIN.ledger))
    return Look(
        memory_bytes=int(info["used_memory"]),
        commands=int(info["total_commands_processed"]),
        clients=int(info["connected_clients"]),
        cpu_seconds=float(info["used_cpu_sys"]) + float(info["used_cpu_user"]),
        kinds=dict(kinds),
        endless=dict(+endless),
        ledger_length=ledger_length,
    )


async def _some(redis: Redis) -> Any:
    count = 0
    async for key in redis.scan_iter(count=1000):
        yield key
        if (count := count + 1) >= _MOST_KEYS:
            return
