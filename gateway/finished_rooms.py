"""The last resort for a call whose room LiveKit has closed and that has no ending: it gets one, `caller_hung_up`.

Its agent goes first, and then the guardians of all workers: the agent writes the ending as it leaves, and when it cannot, its lease
passes and a guardian seizes the call within a tenth of a second. So nothing is done here before a room has been gone for half a minute,
nor while anybody holds the call, nor before a lease has been over for so long that no guardian can be alive. Then it is done as a
guardian does it: the floor is seized under the epoch that was seen, which one of all who try wins, and the ending is written under the
seized one. An ending that is there is never touched.

Any number of gateways do this; the store tells each room to one of them.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Awaitable, Callable

from handoff.call import Call, Ending, Floor
from handoff.errors import FloorLost, HandoffError, StoreUnavailable, UnknownCall
from handoff.store import RoomList, Store

from gateway.doors import FRONT_DESK
from gateway.rooms import LIVEKIT_AWAY, Rooms

log = logging.getLogger("gateway.finished_rooms")

LOOK_SECONDS = 5.0
AGAIN_SECONDS = 30.0
"""How long a call is left to others, when it was theirs at the last look."""
ABANDONED_SECONDS = 15.0
"""A lease that has been over for so long is no guardian's: they look ten times a second, and hold what they look after."""
_LOOKS_TO_REST = 6
"""After a look that found the store or LiveKit away: whoever lives writes what it could not write meanwhile."""
_SEIZED_SECONDS = 10.0
ROOM_WAS_CLOSED = "the room was closed"


class FinishedRooms:
    """One per gateway. ``run`` never returns; cancel it."""

    def __init__(
        self, store: Store, rooms: Rooms, *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._store, self._rooms, self._pause = store, rooms, pause
        self._rests = 0

    async def run(self) -> None:
        """Looks about every LOOK_SECONDS; goes on whatever happens to a look."""
        while True:
            await self._pause(LOOK_SECONDS * random.uniform(0.8, 1.2))
            try:
                await self.look()
            except Exception:  # whoever stopped looking would be missed only when he is needed
                log.exception("a look at finished rooms failed")

    async def look(self) -> None:
        """One look."""
        if self._rests:
            self._rests -= 1
            return
        try:
            for room in await self._store.rooms_due(RoomList.OVER, again_seconds=AGAIN_SECONDS):
                if await self._is_done(room):
                    await self._store.forget_room(room, RoomList.OVER)
        except (StoreUnavailable, *LIVEKIT_AWAY) as away:
            self._rests = _LOOKS_TO_REST
            log.info("finished rooms cannot be looked at: %s", type(away).__name__)

    async def _is_done(self, room: str) -> bool:
        """Whether there is nothing left to do about this room."""
        try:
            call = await self._store.load_call(room)
        except StoreUnavailable:
            raise
        except HandoffError:  # another release's record, whose own gateways and guardians can read it
            return True
        if call is None or call.ending is not None:
            return True
        floor = await self._store.load_floor(room)
        if floor is not None and await self._store.now() < floor.lease_until + ABANDONED_SECONDS:
            return False
        if await self._rooms.has_callers(room):
            return True  # opened again, and he is there: when it closes, LiveKit tells of it
        return await self._end(call, floor)

    async def _end(self, call: Call, floor: Floor | None) -> bool:
        epoch = floor.epoch if floor is not None else 0
        first = call.services[0] if call.services else FRONT_DESK
        try:
            seized = await self._store.seize_floor(
                call.call_id,
                epoch=epoch,
                service=floor.service if floor is not None else first,
                agent_id=f"gateway-r{epoch + 1}-{secrets.token_hex(3)}",
                lease_seconds=_SEIZED_SECONDS,
            )
            await self._store.end_call(
                call.call_id, epoch=seized.epoch, ending=Ending.CALLER_HUNG_UP, detail=ROOM_WAS_CLOSED
            )
        except FloorLost:
            return False  # somebody was faster, or has only just opened it
        except UnknownCall:
            return True
        log.warning("a call whose room was closed had no ending", extra={"call_id": call.call_id})
        return True
