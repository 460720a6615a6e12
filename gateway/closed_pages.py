"""A page that is closed in the middle of its call: its caller is put out of the room, unless he is back by then.

LiveKit misses a browser that is gone without a word after 20 to 40 s, and an agent would ask an empty room meanwhile. A page that is loaded
again says the same as one that is closed, and has BACK_SECONDS to come again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.rooms import LIVEKIT_AWAY, Rooms

log = logging.getLogger("gateway.closed_pages")

BACK_SECONDS = 8.0
"""A page that is loaded again is in its room after 1 to 3 s; on a slow line it may ask for its files anew."""


class ClosedPages:
    """One per gateway. Should it end meanwhile, LiveKit misses the browser by itself, later."""

    def __init__(self, rooms: Rooms, *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._rooms, self._pause = rooms, pause
        self._waiting: dict[tuple[str, str], asyncio.Task[None]] = {}

    def closed(self, room: str, identity: str) -> None:
        """Returns at once. While this caller is being waited for, he is not waited for again: a page may say so very often."""
        who = room, identity
        if who not in self._waiting:
            self._waiting[who] = asyncio.create_task(self._gone(room, identity))
            self._waiting[who].add_done_callback(lambda _: self._waiting.pop(who))

    async def _gone(self, room: str, identity: str) -> None:
        try:
            stay = await self._rooms.stay(room, identity)
            if not stay:
                return
            await self._pause(BACK_SECONDS)
            if await self._rooms.stay(room, identity) == stay:
                await self._rooms.put_out(room, identity)
                log.info("a page was closed, and did not come back", extra={"call_id": room})
        except LIVEKIT_AWAY as away:
            log.info("a closed page's caller cannot be put out: %s", type(away).__name__, extra={"call_id": room})
