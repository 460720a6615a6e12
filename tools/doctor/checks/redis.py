"""Redis: is it there, does it keep what it is given, does it refuse rather than forget, who may use it, and what time it has."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from handoff import redis_client
from handoff.errors import StoreUnavailable
from handoff.keys import ONE_SLOT
from handoff.redis_address import Kind, RedisAddress
from handoff.redis_store import RedisStore
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from tools.doctor.examination import Answer
from tools.doctor.results import Skipped, Trouble
from tools.doctor.target import Target

_ANSWER_SECONDS = 2.0
OLDEST = (7, 0)
FULL_FROM = 0.8
"""So much of maxmemory used is the time to act: at all of it every write is refused."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_CLI = 'redis-cli -u "$REDIS_URL"'


async def reachable(target: Target) -> Answer:
    """Redis holds every call, handoff and floor; while it is away calls go on and none is handed over or recovered."""
    address = _address(target)
    store = RedisStore.connect(target.value("REDIS_URL"))
    try:
        await store.now()
        # A write, among our keys: a replica, or another's user, would answer the time.
        await store.humans_on_duty()
    except StoreUnavailable as error:
        return "", [
            Trouble(
                f"no Redis serves us at {address.place} ({error})",
                f"REDIS_URL, in {target.home}",
                f"{_CLI} PING shows what it answers: {target.restart('redis')}, or mend REDIS_URL",
            )
        ]
    finally:
        await store.aclose()
    return f"it serves us at {address.place}"


async def version(target: Target) -> Answer:
    """Our scripts and permissions were written for Redis 7 and tried on it; an older one refuses some of them."""
    told = await _info(target, "server")
    if "valkey_version" in told:
        return f"Valkey {told['valkey_version']}"
    found = str(told.get("redis_version", ""))
    if tuple(int(part) for part in re.findall(r"\d+", found)[:2]) < OLDEST:
        return "", [
            Trouble(f"Redis {found or '?'} is too old: 7.0 or newer, or Valkey", _place(target), "install Redis 7.2 there")
        ]  # fmt: skip
    return f"Redis {found}"


async def persistence(target: Target) -> Answer:
    """A Redis that keeps nothing on disk comes back empty: records, lines and promised callbacks of all calls are gone."""
    told = await _info(target, "persistence")
    if target.is_local and not int(told.get("aof_enabled", 0)):
        return "it keeps nothing on disk, as the mesh of one machine shall not"
    saves = None if int(told.get("aof_enabled", 0)) else await _config(target, "save")
    return persistence_of(told, saves, _place(target))


def persistence_of(told: Mapping[str, Any], saves: str | None, place: str) -> Answer:
    """``told``: INFO persistence; ``saves``: CONFIG GET save, None where it may not be asked."""
    wrong = [name for name in ("aof_last_write_status", "rdb_last_bgsave_status") if told.get(name, "ok") != "ok"]
    if wrong:
        return "", [
            Trouble(
                f"its last write to disk failed ({', '.join(wrong)}): it may refuse writes",
                place,
                f"df -h, on its machine, and its log; then {_CLI} BGREWRITEAOF",
            )
        ]
    if int(told.get("aof_enabled", 0)):
        return "appendonly yes"
    mend = f"{_CLI} CONFIG SET appendonly yes, and `appendonly yes` in its redis.conf"
    if saves:
        return "", [
            Trouble(f"snapshots alone (save {saves}): what was written since the last one is lost with it", place, mend, is_fatal=False)
        ]  # fmt: skip
    if saves is None:
        return "", [
            Trouble("appendonly is off, and this user may not ask whether it saves", place, mend, is_fatal=False)
        ]
    return "", [Trouble("it keeps nothing on disk: a restart forgets every call", place, mend)]


async def eviction(target: Target) -> Answer:
    """With any other policy than noeviction a full Redis throws keys away: an evicted key is a lost call."""
    return eviction_of(await _info(target, "memory"), _place(target))


def eviction_of(told: Mapping[str, Any], place: str) -> Answer:
    """``told``: INFO memory."""
    policy = str(told.get("maxmemory_policy", "?"))
    if policy != "noeviction":
        return "", [
            Trouble(
                f"maxmemory-policy is {policy}: when it is full it throws calls away",
                place,
                f"{_CLI} CONFIG SET maxmemory-policy noeviction, and `maxmemory-policy noeviction` in its redis.conf",
            )
        ]
    return "maxmemory-policy noeviction"


async def memory(target: Target) -> Answer:
    """A full Redis refuses writes, which is an outage; one without a bound is killed by its machine instead."""
    told = await _info(target, "memory")
    limit, used = int(told.get("maxmemory", 0)), int(told.get("used_memory", 0))
    if not limit:
        if target.kind in ("`make up`", "Docker Compose"):
            return f"{used / 2**20:.0f} MiB used, no maxmemory: its machine bounds it"
        return "", [
            Trouble(
                "maxmemory is not set: it grows until its machine kills it",
                _place(target),
                f"{_CLI} CONFIG SET maxmemory 1gb (docs/operations/redis.md, Size), and in its redis.conf",
                is_fatal=False,
            )
        ]
    if used > FULL_FROM * limit:
        return "", [
            Trouble(
                f"{used / limit:.0%} of its maxmemory is used: full, it refuses every write",
                _place(target),
                f"{_CLI} CONFIG SET maxmemory {2 * limit // 2**20}mb, where its machine has as much; {_CLI} --bigkeys shows what fills it",
            )
        ]
    return f"{used / 2**20:.0f} of {limit / 2**20:.0f} MiB used"


async def access(target: Target) -> Answer:
    """Who can write to Redis can take any caller's floor. Beyond one machine it wants a password, and TLS where the network is not yours."""
    address = _address(target)
    is_near = all(host in _LOOPBACK for host, _ in address.hosts)
    async with _client(target, admin=False) as client:
        try:
            # Asked without what we know: whoever reaches the port could do the same.
            user = str(await client.acl_whoami())
        except NoPermissionError:
            user = address.username or "default"
    told = f"user {user}, {'TLS' if address.is_tls else 'no TLS'}"
    if is_near:
        return f"{told}, on this machine alone"
    troubles = []
    if not address.password:
        troubles.append(
            Trouble(
                "it lets everybody in who reaches it: no password",
                _place(target),
                "python -m handoff.acl --password triage=... > users.acl, set its aclfile to it, and user and password in REDIS_URL",
            )
        )
    if not address.is_tls:
        troubles.append(
            Trouble(
                "what is said in calls crosses the network as it is: no TLS",
                _place(target),
                "set REDIS_URL to rediss://...?ssl_ca_certs=/path/ca.crt, once Redis has a tls-port (docs/operations/redis.md)",
                is_fatal=False,
            )
        )
    if address.options.get("ssl_cert_reqs") == "none":
        troubles.append(
            Trouble("any certificate of it is taken (ssl_cert_reqs=none)", f"REDIS_URL, in {target.home}", "take ssl_cert_reqs=none out of REDIS_URL and give ssl_ca_certs")
        )  # fmt: skip
    return told, troubles


async def clock_offset(target: Target) -> float:
    """How far this machine's clock is ahead of Redis's, in seconds. Raises Skipped."""
    async with _client(target, admin=False) as client:
        before = target.now()
        seconds, microseconds = await client.time()
        after = target.now()
    return (before + after) / 2 - (int(seconds) + int(microseconds) / 1e6)


# --- asking ---------------------------------------------------------------------------------------------------------
@asynccontextmanager
async def _client(target: Target, *, admin: bool = True) -> AsyncIterator[Redis]:
    address = RedisAddress.of(target.redis_admin_url) if admin and target.redis_admin_url else _address(target)
    client = redis_client.connect(
        address, connect_timeout_seconds=_ANSWER_SECONDS, answer_timeout_seconds=_ANSWER_SECONDS, key=ONE_SLOT.live
    )
    try:
        yield client
    except (NoPermissionError, ResponseError):
        raise
    except (RedisError, OSError):
        raise Skipped("Redis does not answer: see redis.reachable") from None
    finally:
        await client.aclose()


async def _info(target: Target, section: str) -> dict[str, Any]:
    async with _client(target) as client:
        try:
            return dict(await client.info(section))
        except (NoPermissionError, ResponseError):
            raise Skipped(
                "this user may not ask INFO: give --redis-admin-url with one who may (a user of the mesh needs no such right)"
            ) from None


async def _config(target: Target, name: str) -> str | None:
    """None when it may not be asked, as with most managed ones."""
    async with _client(target) as client:
        try:
            told = await client.config_get(name)
        except (NoPermissionError, ResponseError):
            return None
    return str(told.get(name, ""))


def _address(target: Target) -> RedisAddress:
    try:
        return RedisAddress.of(target.value("REDIS_URL"))
    except ValueError:
        raise Skipped("REDIS_URL cannot be read: see the check settings") from None


def _place(target: Target) -> str:
    address = _address(target)
    kind = {Kind.ONE: "Redis", Kind.SENTINEL: "the Redis behind the Sentinels", Kind.CLUSTER: "Redis Cluster"}[
        address.kind
    ]
    return f"{kind} at {address.place}"
