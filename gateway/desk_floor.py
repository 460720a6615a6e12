"""A human's floor, step by step: he takes a call, is heard to be there, speaks, keeps the floor while his page lives, ends the call.

The store decides each step by compare-and-set, as among agents. The gateway keeps nothing: what it knows of a call stands in the seat
that the page shows, and in the store.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from enum import StrEnum

from handoff.call import Ending, Floor
from handoff.desk import DESK, LEASE_SECONDS
from handoff.errors import FloorLost, IllegalMove, UnknownCall, UnknownHandoff
from handoff.lifecycle import State
from handoff.store import Handoff, Store

from gateway.desk_badge import Badge, Seat, new_seat
from gateway.rooms import LIVEKIT_AWAY, Rooms

log = logging.getLogger("gateway.desk")

_ON_THE_WAY = (State.DISPATCHED, State.READY, State.TAKEN)


class Gone(Exception):
    """The call is not this human's to take, or not any more; the text is for him."""


class Standing(StrEnum):
    """Where a human stands in a call that he took."""

    COMING = "coming"
    """He is awaited in the room, or introduced: his microphone stays shut."""
    FLOOR = "floor"
    """The call is his: his microphone is open."""
    HANDING_BACK = "handing_back"
    """A service has been given the floor, and has not spoken yet."""
    ENDED = "ended"
    GONE = "gone"
    """It is another's, or waits no longer."""


class Floors:
    """What a page may do with calls."""

    def __init__(self, store: Store, rooms: Rooms) -> None:
        self._store, self._rooms = store, rooms

    async def offered(self, handoff_id: str) -> Handoff:
        """An offer to the desk that nobody has taken. Raises Gone, StoreUnavailable."""
        found = await self._store.load_handoff(handoff_id)
        if found is None or found.to_service != DESK or found.state is not State.ACCEPTED:
            raise Gone("this call waits no longer, or a colleague has it")
        return found

    async def take(self, badge: Badge, handoff_id: str) -> Seat:
        """The call is this human's if he comes: of several who want it one gets it. Raises Gone, StoreUnavailable."""
        offer = await self.offered(handoff_id)
        seat = new_seat(badge, call_id=offer.context.call_id, handoff_id=handoff_id)
        try:
            await self._store.move(handoff_id, State.DISPATCHED, taker_id=seat.identity)
        except (IllegalMove, UnknownHandoff):
            raise Gone("a colleague was faster, or the caller waits no longer") from None
        log.info("a human takes a call", extra=_where(seat))
        return seat

    async def may_enter(self, seat: Seat) -> Handoff | None:
        """The offer, as long as it is kept, for a human who is awaited in the room or has the floor. Raises Gone, StoreUnavailable."""
        offer = await self._store.load_handoff(seat.handoff_id)
        if offer is None or offer.taker_id != seat.identity or offer.state not in _ON_THE_WAY:
            await self.held(seat)
        return offer

    async def is_there(self, seat: Seat) -> bool:
        """Whether LiveKit sees his microphone in the room; then the agent may introduce him. Raises Gone, StoreUnavailable,
        LIVEKIT_AWAY."""
        if not await self._rooms.has_microphone(seat.call_id, seat.identity):
            return False
        try:
            await self._store.move(seat.handoff_id, State.READY, taker_id=seat.identity)
        except (IllegalMove, UnknownHandoff):
            raise Gone("the caller waits no longer") from None
        return True

    async def beat(self, seat: Seat, *, is_open: bool) -> Standing:
        """His page lives, and his microphone is open or not: where he stands. Who has lost the floor is put out of the room.
        Raises StoreUnavailable."""
        try:
            floor = await self.held(seat)
            await self._store.renew_floor(seat.call_id, epoch=floor.epoch, lease_seconds=LEASE_SECONDS)
            if is_open:
                await self._note_spoken(seat)
            return Standing.FLOOR
        except (Gone, FloorLost, UnknownCall):
            standing = await self._without_floor(seat)
        if standing in (Standing.GONE, Standing.ENDED):
            await self._put_out(seat)
        return standing

    async def held(self, seat: Seat) -> Floor:
        """The floor, when it is this human's. Raises Gone, StoreUnavailable."""
        floor = await self._store.load_floor(seat.call_id)
        if floor is None or floor.agent_id != seat.identity:
            raise Gone("the call is not yours (any more)")
        return floor

    async def leave(self, seat: Seat) -> None:
        """He does not come after all, and the caller waits on for another; or he goes away with the floor, which is free for a
        successor at once. Raises StoreUnavailable."""
        stored = await self._store.load_handoff(seat.handoff_id)
        if stored is not None and stored.taker_id == seat.identity:
            with suppress(IllegalMove, UnknownHandoff):
                await self._store.move(seat.handoff_id, State.WITHDRAWN, reason="the human left")
        with suppress(Gone, FloorLost, UnknownCall):
            floor = await self.held(seat)
            await self._store.renew_floor(seat.call_id, epoch=floor.epoch, lease_seconds=0.0)
        await self._put_out(seat)

    async def end(self, seat: Seat, *, detail: str) -> None:
        """The call ends, once, and its room is closed. Raises Gone, StoreUnavailable."""
        floor = await self.held(seat)
        try:
            await self._store.end_call(
                seat.call_id, epoch=floor.epoch, ending=Ending.TRANSFERRED_TO_HUMAN, detail=detail
            )
        except (FloorLost, UnknownCall):
            raise Gone("the call is not yours (any more)") from None
        log.info("a human ended a call", extra=_where(seat))
        try:
            await self._rooms.close(seat.call_id)
        except LIVEKIT_AWAY as e:  # everybody hears that it is over when he leaves it himself
            log.warning("the room of a call that has ended stays open: %s", type(e).__name__, extra=_where(seat))

    # --- steps of the above ---------------------------------------------------------------------------------------
    async def _note_spoken(self, seat: Seat) -> None:
        """Tells the agent that he is heard. Later beats find nothing to tell."""
        with suppress(IllegalMove, FloorLost, UnknownHandoff):
            stored = await self._store.load_handoff(seat.handoff_id)
            if stored is not None and stored.state is State.TAKEN:
                await self._store.move(seat.handoff_id, State.SPOKEN)

    async def _without_floor(self, seat: Seat) -> Standing:
        stored = await self._store.load_handoff(seat.handoff_id)
        if stored is not None and stored.taker_id == seat.identity and stored.state in _ON_THE_WAY:
            return Standing.COMING
        call = await self._store.load_call(seat.call_id)
        if call is None or call.ending is not None:
            return Standing.ENDED
        latest = await self._store.load_handoff(call.handoff_ids[-1]) if call.handoff_ids else None
        if latest is not None and latest.from_service == DESK and latest.state is State.TAKEN:
            return Standing.HANDING_BACK
        return Standing.GONE

    async def _put_out(self, seat: Seat) -> None:
        try:
            await self._rooms.put_out(seat.call_id, seat.identity)
        except LIVEKIT_AWAY as e:  # his page has shut his microphone; a successor puts him out before it speaks
            log.warning("a human could not be put out: %s", type(e).__name__, extra=_where(seat))


def _where(seat: Seat) -> dict[str, str]:
    return {"call_id": seat.call_id, "handoff_id": seat.handoff_id}
