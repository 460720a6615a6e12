"""Notices in a job that it is cut off from LiveKit, while the store, where it renews its floor, would have it for well.

The caller hears nothing then, and nobody may speak in its place; LiveKit's client tries for long before it gives up. Where only the
signalling is lost the sound has its own way and goes on: then there is nothing to do but to wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from livekit import rtc

log = logging.getLogger("voicemesh.cut_off")

CUT_OFF_SECONDS = 3.5
"""A blip is shorter: when LiveKit's server was killed and started again, agents were back after 2.1 s (3.4 at the 95th percentile)."""
_STATS_SECONDS = 1.0
"""Longest wait for the connection's own numbers; they come from this process."""


class CutOff:
    """Follows ``room`` from its making on and calls ``then``, once, when it is cut off."""

    def __init__(self, room: rtc.Room, then: Callable[[], None]) -> None:
        self._room = room
        self._then = then
        self._waiting: asyncio.Task[None] | None = None
        room.on("connection_state_changed", self._changed)

    def _changed(self, state: rtc.ConnectionState.ValueType) -> None:
        if state == rtc.ConnectionState.CONN_RECONNECTING:
            if self._waiting is None:
                self._waiting = asyncio.create_task(self._wait())
        elif self._waiting is not None:  # back, or out of the room for good, which the session tells
            self._waiting.cancel()
            self._waiting = None

    async def _wait(self) -> None:
        before = await self._received()
        while True:
            await asyncio.sleep(CUT_OFF_SECONDS)
            now = await self._received()
            if now is None or before is None or now <= before:
                break
            before = now
        log.warning("cut off from LiveKit", extra={"call_id": self._room.name})
        self._then()

    async def _received(self) -> int | None:
        """Bytes that have come over the room's media connections; None when that cannot be told."""
        try:
            async with asyncio.timeout(_STATS_SECONDS):
                stats = await self._room.get_rtc_stats()
        except Exception as e:  # noqa: BLE001 - whatever LiveKit's client raised while it reconnects
            log.info("no numbers of the connection: %s", type(e).__name__, extra={"call_id": self._room.name})
            return None
        return sum(_received(one) for one in (*stats.publisher_stats, *stats.subscriber_stats))


def _received(stats: Any) -> int:
    return int(stats.transport.transport.bytes_received) if stats.WhichOneof("stats") == "transport" else 0
