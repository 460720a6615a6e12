"""A slow look at what neither a parent nor a lease can see: LiveKit's rooms against the store's calls.

A caller may be in a room that the store knows nothing of: his dispatch was made when no worker was registered, and LiveKit loses
such a dispatch in silence. He gets his record; nobody comes to it, so the guardians find it at their next look, and the rest is their way. And a
call may have ended while LiveKit was away, so that its room was never closed: the caller would wait in it for ever.
"""

from __future__ import annotations

import asyncio
import logging
import random

from handoff.call import Call, Channel, Ending
from handoff.directory import DIRECTORY
from handoff.errors import HandoffError, StoreUnavailable
from handoff.guardian import FRONT_DESK
from handoff.store import Store

from worker.observe import Metrics
from worker.rooms import LIVEKIT_AWAY, Present, Rooms

log = logging.getLogger("voicemesh.rounds")

ROUND_SECONDS = 10.0
"""Also the least time that a room is left alone: an agent needs about 0.6 s from dispatch to floor."""


class Rounds:
    """One per main process; every worker goes them. ``run`` never returns; cancel it."""

    def __init__(self, store: Store, rooms: Rooms, metrics: Metrics) -> None:
        self._store = store
        self._rooms = rooms
        self._metrics = metrics
        self._strange: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Goes a round about every ROUND_SECONDS; goes on whatever happens to one."""
        while True:
            await asyncio.sleep(ROUND_SECONDS * random.uniform(0.8, 1.2))
            try:
                await self.go()
            except (StoreUnavailable, *LIVEKIT_AWAY) as e:
                log.info("a round was not finished: %s", type(e).__name__)
            except Exception:  # whoever stopped going would be missed only when he is needed
                log.exception("a round failed")

    async def go(self) -> None:
        """One round. Raises StoreUnavailable, LIVEKIT_AWAY."""
        live = await self._store.live_calls()
        self._metrics.live_calls(len(live))
        strange = frozenset(await self._rooms.calls()) - frozenset(live)
        for room in sorted(strange & self._strange):  # a room that is strange for the first time may just be opening
            present = await self._rooms.present(room)
            if present.callers and not present.agents:
                await self._look_after(room, present)
        self._strange = strange

    async def _look_after(self, room: str, present: Present) -> None:
        try:
            call = await self._store.load_call(room)
        except StoreUnavailable:
            raise
        except HandoffError:  # a record that cannot be read: not ours to judge
            return
        if call is None:
            await self._open(room, present)
        elif call.ending not in (None, Ending.TRANSFERRED_TO_HUMAN):  # a human may be talking in there
            log.warning("the room of a call that has ended is closed", extra={"call_id": room})
            await self._rooms.close(room)

    async def _open(self, room: str, present: Present) -> None:
        log.warning("a caller waits in a room that nobody knows", extra={"call_id": room})
        caller = present.callers[0]
        called = await self._rooms.service_called(room)
        await self._store.open_call(
            Call(
                room,
                Channel.PHONE if caller.is_on_the_phone else Channel.WEB,
                caller.identity,
                await self._store.now(),
                services=(called if called in DIRECTORY else FRONT_DESK,),
            ),
            # He was alone at two rounds: an agent that was on its way would be here.
            nobody_comes=True,
        )
