"""Asked once at boot: is Redis there, is LiveKit there, and does it know our key? Each answer names the variable to mend.

Later on a worker does not give up: whatever goes away then may come back, and running calls must not pay for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import aiohttp
from handoff.errors import StoreUnavailable
from handoff.redis_address import RedisAddress
from handoff.store import Store
from livekit import api

from worker.settings import Settings

BOOT_SECONDS = 6.0
"""How long Redis and LiveKit may take to answer when everything starts at once."""
_ASK_AGAIN_SECONDS = 0.3
_ANSWER_SECONDS = 2.0
_NOT_KNOWN = (401, 403)


class _NotYet(Exception):
    """It does not answer now; the text says what to do if it never does."""


async def problems(settings: Settings, store: Store, *, boot_seconds: float = BOOT_SECONDS) -> list[str]:
    """One line for each thing that is wrong around this worker; empty when it can do its work."""
    answers = await asyncio.gather(
        _patiently(lambda: _redis(settings, store), boot_seconds),
        _patiently(lambda: _livekit(settings), boot_seconds),
    )
    return [answer for answer in answers if answer]


async def livekit_problem(settings: Settings) -> str:
    """What is wrong with LiveKit or its key now, asked once; empty when nothing is."""
    try:
        return await _livekit(settings)
    except _NotYet as e:
        return str(e)


async def _patiently(ask: Callable[[], Awaitable[str]], seconds: float) -> str:
    """Asks until there is an answer; what it lacked when the time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        try:
            return await ask()
        except _NotYet as e:
            if loop.time() > deadline:
                return str(e)
        await asyncio.sleep(_ASK_AGAIN_SECONDS)


async def _redis(settings: Settings, store: Store) -> str:
    try:
        await store.now()
        await store.humans_on_duty()  # a write, among our keys: a replica, or another's user, would answer the time
    except StoreUnavailable as e:
        raise _NotYet(
            f"REDIS_URL: no Redis serves us at {RedisAddress.of(settings.redis_url).place} ({e}); start it, or mend REDIS_URL"
        ) from None
    return ""


async def _livekit(settings: Settings) -> str:
    place = _place(settings.livekit_url)
    timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
    key, secret = settings.livekit_api_key, settings.livekit_api_secret
    async with api.LiveKitAPI(settings.livekit_url, key, secret, timeout=timeout, failover=False) as livekit:
        try:
            await livekit.room.list_rooms(api.ListRoomsRequest(names=["-"]))
        except api.TwirpError as e:
            if e.status in _NOT_KNOWN:
                return (
                    f"LIVEKIT_API_SECRET: LiveKit at {place} refuses this key and secret; set LIVEKIT_API_KEY and"
                    " LIVEKIT_API_SECRET to a pair of its own configuration"
                )
            raise _NotYet(f"LIVEKIT_URL: {place} answers {e.status}, not as LiveKit does; mend LIVEKIT_URL") from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise _NotYet(f"LIVEKIT_URL: no LiveKit answers at {place}; start it, or mend LIVEKIT_URL") from None
    return ""


def _place(url: str) -> str:
    """Host and port alone: an address may hold a password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
