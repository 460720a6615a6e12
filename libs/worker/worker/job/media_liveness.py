"""Whether anything at all still comes from LiveKit: sound, reports on our own, or the answers to the checks by which both ends keep a
connection alive.

LiveKit's client notices that its signalling is lost some 15 s after it was (its server's ping timeout), and the caller hears nothing all
that time. The media connection is never as quiet as that: it is checked about every 2.5 s, whether somebody speaks or not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from livekit import rtc

log = logging.getLogger("voicemesh.media_liveness")

LOOK_SECONDS = 1.0
QUIET_LOOKS = 4
"""So many looks in a row that find nothing new: longer than the checks are apart. After its server was killed and started again an
agent's sound was back after 2.1 s (3.4 at the 95th percentile)."""
_STATS_SECONDS = 1.0
"""Longest wait for the connection's own numbers; they come from this process."""


class MediaLiveness:
    """Looks at the connections of ``room``, until it is stopped. ``on_change`` is told False when nothing comes any more, and True when
    something does again. Made in a running event loop."""

    def __init__(self, room: rtc.Room, on_change: Callable[[bool], None]) -> None:
        self._room = room
        self._on_change = on_change
        self._is_alive = True
        self._watching = asyncio.create_task(self._watch())

    def stop(self) -> None:
        """Nobody is told anything any more."""
        self._watching.cancel()

    async def _watch(self) -> None:
        before, quiet = 0, 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = await self._arrived()
            if not now:  # not connected yet, or it cannot be told: what was known stays
                continue
            quiet = quiet + 1 if now == before else 0
            before = now
            if self._is_alive and quiet >= QUIET_LOOKS:
                self._tell(False)
            elif not self._is_alive and not quiet:
                self._tell(True)

    def _tell(self, is_alive: bool) -> None:
        self._is_alive = is_alive
        where = {"call_id": self._room.name}
        if is_alive:
            log.warning("something comes from LiveKit again", extra=where)
        else:
            log.warning("nothing comes from LiveKit any more", extra=where)
        self._on_change(is_alive)

    async def _arrived(self) -> int:
        """Counts all that has arrived over the room's media connections since they were made; 0 when that cannot be told."""
        try:
            async with asyncio.timeout(_STATS_SECONDS):
                stats = await self._room.get_rtc_stats()
        except Exception:  # noqa: BLE001 - whatever LiveKit's client raised before it is connected, or while it reconnects
            return 0
        return sum(_arrived(one) for one in (*stats.publisher_stats, *stats.subscriber_stats))


def _arrived(stats: Any) -> int:
    if stats.WhichOneof("stats") != "candidate_pair":
        return 0
    pair = stats.candidate_pair.candidate_pair
    return int(pair.packets_received + pair.requests_received + pair.responses_received)
