"""What only a pod can see, told by one: piped into `python -` there, so it uses nothing that a worker's image lacks. Prints one line of JSON.

It reads the worker's own variables. It changes nothing, and no caller's word or secret is in what it prints.
"""

import asyncio
import json
import time

from handoff import redis_client
from handoff.errors import StoreUnavailable
from handoff.keys import ONE_SLOT
from handoff.redis_address import RedisAddress
from handoff.redis_store import RedisStore
from redis.exceptions import RedisError
from worker.main_process import surroundings
from worker.settings import Settings, SettingsError

_REDIS = (
    "redis_version",
    "valkey_version",
    "aof_enabled",
    "aof_last_write_status",
    "rdb_last_bgsave_status",
    "maxmemory_policy",
)


async def _redis(settings: Settings) -> dict[str, object]:
    address = RedisAddress.of(settings.redis_url)
    client = redis_client.connect(address, connect_timeout_seconds=2, answer_timeout_seconds=2, key=ONE_SLOT.live)
    try:
        before = time.time()
        seconds, microseconds = await client.time()
        offset = (before + time.time()) / 2 - (int(seconds) + int(microseconds) / 1e6)
        info = await client.info()
    except (RedisError, OSError) as error:
        return {"wrong": type(error).__name__}
    finally:
        await client.aclose()
    return {"offset": offset} | {name: info[name] for name in _REDIS if name in info}


async def _look() -> dict[str, object]:
    try:
        settings = Settings.of_this_process()
    except SettingsError as error:
        return {"problems": error.problems}
    store = RedisStore.connect(settings.redis_url)
    told: dict[str, object] = {"place": RedisAddress.of(settings.redis_url).place, "livekit": settings.livekit_url}
    try:
        told["problems"] = await surroundings.problems(settings, store, boot_seconds=0)
        told["redis"] = await _redis(settings)
        told["workers"] = [
            [each.worker_id, each.service, each.capacity, each.taken, each.away, each.is_canary, each.version]
            for each in await store.workers()
        ]
        told["live"] = len(await store.live_calls())
    except StoreUnavailable:
        told.setdefault("workers", [])
    finally:
        await store.aclose()
    return told


print(json.dumps(asyncio.run(_look())))
