"""Where the master is: Sentinels or the nodes of a Redis Cluster are asked, all at once, each time a connection is made.

The whole mesh lies in one slot of a Cluster (keys.py), and a slot has one master: so a Cluster is to us what Sentinels are, somebody
who knows where to go. The client is redis-py's plain one in both; ADR 11 says what its cluster client would do instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from redis import exceptions as faults
from redis.asyncio.client import Redis
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection
from redis.crc import key_slot

from handoff.redis_address import RedisAddress

Place = tuple[str, int]
_MOMENT_SECONDS = 0.1
"""What the others have to answer after the first one: behind it may be one who hangs, or one who knows of a newer master."""


class NoMaster(faults.ConnectionError):
    """Nobody who was asked could tell. The text names no secret."""


class Masters(Protocol):
    """Who knows where the master is."""

    async def find(self) -> list[Place]:
        """Host and port, the likeliest first; never empty. Raises NoMaster."""
        ...


class LedConnection(Connection):
    """Leads to where the master is when it is made; what it takes to find it counts as connecting."""

    def __init__(self, *, masters: Masters, **options: Any) -> None:
        self._masters = masters
        super().__init__(**options)

    async def _connect(self) -> None:
        async with asyncio.timeout(self.socket_connect_timeout):
            places = await self._masters.find()
            for left, (self.host, self.port) in enumerate(places, start=1 - len(places)):
                try:
                    await super()._connect()  # type: ignore[no-untyped-call]
                    break
                except OSError:
                    if not left:
                        raise


class LedTlsConnection(LedConnection, SSLConnection):
    """The same over TLS: the certificate must name the host that we were told."""


class BySentinel:
    """Asks the Sentinels of an address. ``options`` are of a connection to them."""

    def __init__(self, address: RedisAddress, options: dict[str, Any]) -> None:
        self._address, self._options = address, options

    async def find(self) -> list[Place]:
        """See Masters.find."""
        name = self._address.master
        asked = [self._ask(place) for place in self._address.hosts]
        return await _told(asked, f"{len(asked)} Sentinels knows where the master {name!r} is")

    async def _ask(self, place: Place) -> tuple[int, Place]:
        """The newer a master, the higher its epoch: for two seconds after a failover some Sentinels have not heard of it."""
        command = ("SENTINEL", "MASTER", self._address.master)
        answer = await _asked(place, self._options, *command, is_tls=self._address.is_tls)
        state = dict(zip(answer[::2], answer[1::2], strict=True))
        return int(state["config-epoch"]), (str(state["ip"]), int(state["port"]))


class ByCluster:
    """Asks the nodes of an address, and those that they told of, for the master of the slot that ``key`` lies in."""

    def __init__(self, address: RedisAddress, options: dict[str, Any], *, key: str) -> None:
        self._address, self._options, self._slot = address, options, key_slot(key.encode())
        self._known: dict[Place, None] = dict.fromkeys(address.hosts)
        self._told: Place | None = None

    def told(self, moved: faults.MovedError) -> None:
        """A node has said where the slot's master is. One that gives no host leaves us to ask."""
        self._told = (moved.host, moved.port) if moved.host not in ("", "?") else None

    async def find(self) -> list[Place]:
        """See Masters.find."""
        if self._told is not None:
            told, self._told = self._told, None
            return [told]
        asked = [self._ask(place) for place in self._known]
        return await _told(asked, f"{len(asked)} nodes of the Cluster knows who serves slot {self._slot}")

    async def _ask(self, place: Place) -> tuple[int, Place]:
        ranges = await _asked(place, self._options, "CLUSTER SLOTS", is_tls=self._address.is_tls)
        nodes = [_node(each, asked=place) for first, last, *all_ in ranges for each in all_[:1]]
        ours = [
            _node(master, asked=place) for first, last, master, *_ in ranges if int(first) <= self._slot <= int(last)
        ]
        if not ours or ours[0][0] == "?":
            raise NoMaster("nobody serves the slot")
        # A node that left long ago is asked in vain; the first ones stay, for a name may lead to others by then.
        self._known = dict.fromkeys([*self._address.hosts, *(node for node in nodes if node[0] != "?")])
        return 0, ours[0]  # they tell each other at once


class ClusterRedis(Redis):
    """redis-py's client, which follows a MOVED, once: who was sent away has done nothing."""

    def __init__(self, pool: ConnectionPool, slots: ByCluster) -> None:
        super().__init__(connection_pool=pool)
        self.auto_close_connection_pool = True  # it is ours alone, and closed with us
        self._slots = slots

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """See Redis.execute_command."""
        try:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except faults.MovedError as moved:
            self._slots.told(moved)
            await leave(self)
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


async def leave(client: Redis) -> None:
    """The next question makes a new connection. Whoever still waits for an answer gets it first."""
    pool = client.connection_pool
    try:
        await pool.update_active_connections_for_reconnect()  # type: ignore[no-untyped-call]
        await pool.disconnect(inuse_connections=False)
    except (OSError, faults.RedisError):
        pass  # it is gone already


def _node(node: Sequence[Any], *, asked: Place) -> Place:
    """A node that does not know its own host has the one under which it was asked."""
    return (str(node[0] or asked[0]), int(node[1]))


async def _asked(place: Place, options: dict[str, Any], *command: str, is_tls: bool) -> Any:
    connection = (SSLConnection if is_tls else Connection)(host=place[0], port=place[1], **options)
    try:
        await connection.connect()  # type: ignore[no-untyped-call]
        await connection.send_command(*command)
        return await connection.read_response()
    finally:
        await connection.disconnect(nowait=True)


async def _told(asked: Sequence[Coroutine[Any, Any, tuple[int, Place]]], what: str) -> list[Place]:
    """What those say who answer at once, the highest rank first. One that hangs must not keep a call from its master."""
    waiting = {asyncio.create_task(each) for each in asked}
    answers: list[tuple[int, Place]] = []
    refusals: set[str] = set()
    try:
        while waiting:
            patience = _MOMENT_SECONDS if answers else None
            done, waiting = await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                break
            for task in done:
                try:
                    answers.append(task.result())
                except (faults.RedisError, OSError, KeyError, ValueError, TypeError) as refusal:
                    refusals.add(type(refusal).__name__)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    if not answers:
        raise NoMaster(f"none of {what} ({', '.join(sorted(refusals))})")
    answers.sort(key=lambda answer: -answer[0])
    return list(dict.fromkeys(place for _, place in answers))
