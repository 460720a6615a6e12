"""A human hands his call back to a service, with a note: the same handoff, with the gateway as giver.

The offer is our own, and accepted, as when an agent's call moves to another worker: LiveKit brings whoever has room. It is done in two
steps, so that the page can shut the microphone between them: the service's agent is READY in the room, then it has the floor. It learns
of it from the store. One that does not come, or does not speak, leaves the call where it was.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import aclosing, suppress
from dataclasses import replace

from handoff.call import Call, Intent, Role, Turn
from handoff.context import HandoffContext, build_context, safe_turns
from handoff.desk import DESK, LEASE_SECONDS
from handoff.directory import DIRECTORY
from handoff.errors import FloorLost, HandoffError, IllegalMove, StoreUnavailable, UnknownCall
from handoff.lifecycle import FINAL, State
from handoff.store import Handoff, Store
from handoff.summary import MAX_SUMMARY_CHARS, clip

from gateway.desk_badge import Seat
from gateway.desk_floor import Floors, Gone
from gateway.rooms import LIVEKIT_AWAY, Rooms

log = logging.getLogger("gateway.desk")

NOTE_CHARS_MAX = 400
_READY_SECONDS = 10.0
"""Longest wait for the service's agent. The human goes on talking with the caller meanwhile."""


class NotTaken(Exception):
    """The call stays with the human; the text is for him."""


class HandingBack:
    """``spoken_seconds``: how long a service has from the floor to its first word."""

    def __init__(self, store: Store, rooms: Rooms, floors: Floors, *, spoken_seconds: float) -> None:
        self._store, self._rooms, self._floors = store, rooms, floors
        self._spoken_seconds = spoken_seconds

    async def prepare(self, seat: Seat, service: str, note: str) -> str:
        """The handoff's id, once an agent of the service waits in the room. Raises NotTaken, Gone, StoreUnavailable."""
        if service not in DIRECTORY:
            raise NotTaken("there is no such service")
        floor = await self._floors.held(seat)
        handoff_id = f"b{secrets.token_hex(6)}"
        try:
            call = await self._noted(seat, floor.epoch, note)
            context = await self._context(call, service, handoff_id, floor.epoch, has_note=bool(note.strip()))
            await self._store.offer(Handoff(context, DESK, service, State.OFFERED))
            await self._store.move(handoff_id, State.ACCEPTED)
        except (FloorLost, UnknownCall):
            raise Gone("the call is not yours (any more)") from None
        except StoreUnavailable:
            raise
        except HandoffError as e:
            raise NotTaken(f"the call cannot be handed over ({type(e).__name__})") from None
        try:
            await self._rooms.call_in(seat.call_id, service, handoff_id, floor.epoch)
            with suppress(HandoffError):  # a fast agent is READY before this is noted
                await self._store.move(handoff_id, State.DISPATCHED)
            if await self._comes_to(handoff_id, State.READY, _READY_SECONDS):
                return handoff_id
        except LIVEKIT_AWAY as e:
            log.warning("no agent could be called in: %s", type(e).__name__, extra={"call_id": seat.call_id})
        except BaseException:  # the page has gone in the middle of it
            await self._call_off(seat, handoff_id)
            raise
        await self._call_off(seat, handoff_id)
        raise NotTaken("nobody of this service can take the call now")

    async def finish(self, seat: Seat, handoff_id: str) -> None:
        """Gives the floor to the agent that waits; returns when it speaks. The page has shut the microphone before it asks.
        Raises NotTaken when the floor is the human's again, Gone, StoreUnavailable."""
        floor = await self._floors.held(seat)
        offer = await self._store.load_handoff(handoff_id)
        if offer is None or (offer.from_service, offer.context.call_id) != (DESK, seat.call_id):
            raise NotTaken("no service waits for this call")
        try:
            # Longer than we wait for its first word: until then nobody but us may take the floor from it.
            passed = await self._store.pass_floor(
                handoff_id, epoch=floor.epoch, lease_seconds=self._spoken_seconds + 1.0
            )
        except (FloorLost, UnknownCall):
            raise Gone("the call is not yours (any more)") from None
        except IllegalMove:
            raise NotTaken("the service's agent has gone again") from None
        if not await self._comes_to(handoff_id, State.SPOKEN, self._spoken_seconds):
            await self._take_back(seat, offer, passed.epoch)
        log.info("a human handed a call back to %s", offer.to_service, extra={"call_id": seat.call_id})
        with suppress(*LIVEKIT_AWAY):  # his page leaves by itself, too
            await self._rooms.put_out(seat.call_id, seat.identity)

    async def _take_back(self, seat: Seat, offer: Handoff, epoch: int) -> None:
        """Raises NotTaken; returns when the service did speak, in this very moment."""
        try:
            await self._store.take_back(
                offer.context.handoff_id, giver_id=seat.identity, epoch=epoch, lease_seconds=LEASE_SECONDS
            )
        except (IllegalMove, FloorLost):
            return
        await self._put_out_taker(seat, offer.context.handoff_id)
        raise NotTaken("the service's agent did not speak: the call is yours again")

    # --- what crosses ---------------------------------------------------------------------------------------------
    async def _noted(self, seat: Seat, epoch: int, note: str) -> Call:
        """The call, the note among its turns, as whoever goes on with it will find it: also an agent after the next one."""
        call = await self._store.load_call(seat.call_id)
        if call is None:
            raise UnknownCall("no such call")
        if not (note := " ".join(note.split())[:NOTE_CHARS_MAX]):
            return call
        turn = Turn(Role.AGENT, f"Note from {seat.name} at the desk: {note}", await self._store.now(), DESK)
        others = call.turns[:-1] if call.turns and call.turns[-1].service == DESK else call.turns
        call = replace(call, turns=(*others, turn))
        # A note is typed by somebody who listens: what must not cross may stand in it as in a caller's words.
        call = replace(call, turns=(*others, *safe_turns(call, last=1)))
        await self._store.checkpoint(call, epoch=epoch)
        return call

    async def _context(
        self, call: Call, service: str, handoff_id: str, epoch: int, *, has_note: bool
    ) -> HandoffContext:
        entry = DIRECTORY[service]
        intent = Intent(min(entry.intents), 0.9, "desk")
        context = build_context(
            call, entry=entry, handoff_id=handoff_id, epoch=epoch, now=await self._store.now(), intent=intent
        )
        if not has_note:
            return context
        return replace(context, summary=clip(f"{context.turns[-1].text} {context.summary}", MAX_SUMMARY_CHARS))

    # --- who comes ------------------------------------------------------------------------------------------------
    async def _comes_to(self, handoff_id: str, wanted: State, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds), aclosing(self._store.watch(handoff_id)) as moves:
                async for now in moves:
                    if now.state is wanted or now.state in FINAL:
                        return now.state is wanted
        except (TimeoutError, HandoffError):
            pass
        return False

    async def _call_off(self, seat: Seat, handoff_id: str) -> None:
        with suppress(HandoffError):
            await self._store.move(handoff_id, State.WITHDRAWN, reason="not_ready")
        await self._put_out_taker(seat, handoff_id)

    async def _put_out_taker(self, seat: Seat, handoff_id: str) -> None:
        """One that is not READY yet has no name, and leaves by itself: its handoff is over."""
        with suppress(HandoffError, *LIVEKIT_AWAY):
            offer = await self._store.load_handoff(handoff_id)
            if offer is not None and offer.taker_id:
                await self._rooms.put_out(seat.call_id, offer.taker_id)
