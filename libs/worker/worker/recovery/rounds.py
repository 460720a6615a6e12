"""A slow look at what neither a parent nor a lease can see: LiveKit's rooms against the store's calls.

A caller may be in a room that the store knows nothing of: his dispatch was made when no worker was registered, and LiveKit loses
such a dispatch in silence. He gets his record; nobody comes to it, so the guardians find it at their next look, and the rest is their way. And a
call may have ended while LiveKit was away, so that its room was never closed: the caller would wait in it for ever. Or a human of ours
was on the telephone with a switchboard that is gone, its worker and all: he would listen to nothing.

Where a gateway hears from LiveKit who comes in (its webhooks), such a caller need not wait for two rounds: his room is on a list in the
store some seconds later, and one of us looks at it within a second. The rounds go on as before, for whatever was not told.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from handoff.breaker import Breaker, State
from handoff.call import Call, Channel, Ending
from handoff.desk import DESK
from handoff.directory import DIRECTORY
from handoff.errors import HandoffError, StoreUnavailable
from handoff.guardian import FRONT_DESK
from handoff.store import RoomList, Store

from worker.main_process.observe import Metrics
from worker.recovery.rooms import LIVEKIT_AWAY, Present, Rooms

log = logging.getLogger("voicemesh.rounds")

ROUND_SECONDS = 10.0
"""Also the least time that a room is left alone: an agent needs about 0.6 s from dispatch to floor."""
_OPEN = {State.CLOSED: 0.0, State.HALF_OPEN: 0.5, State.OPEN: 1.0}
LOOK_SECONDS = 1.0
"""How often the store is asked for rooms that LiveKit told of."""


class Rounds:
    """One per main process; every worker goes them. ``run`` never returns; cancel it."""

    def __init__(self, store: Store, rooms: Rooms, metrics: Metrics) -> None:
        self._store = store
        self._rooms = rooms
        self._metrics = metrics
        self._breaker = Breaker(store)
        self._strange: frozenset[str] = frozenset()
        self._forlorn: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Goes a round about every ROUND_SECONDS, and looks at what was told every LOOK_SECONDS."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._again(self.go, ROUND_SECONDS))
            both.create_task(self._again(self.look_at_lonely, LOOK_SECONDS))

    async def _again(self, round_: Callable[[], Awaitable[None]], seconds: float) -> None:
        """Goes on whatever happens to one."""
        while True:
            await asyncio.sleep(seconds * random.uniform(0.8, 1.2))
            try:
                await round_()
            except (StoreUnavailable, *LIVEKIT_AWAY) as e:
                log.info("a round was not finished: %s", type(e).__name__)
            except Exception:  # whoever stopped going would be missed only when he is needed
                log.exception("a round failed")

    async def go(self) -> None:
        """One round. Raises StoreUnavailable, LIVEKIT_AWAY."""
        before, self._strange = self._strange, frozenset()
        live = await self._store.live_calls()
        self._metrics.live_calls(len(live))
        strange = frozenset(await self._rooms.calls()) - frozenset(live)
        for room in sorted(strange & before):  # a room that is strange for the first time may just be opening
            await self._look_at(room)
        self._strange = strange
        await self._look_at_consultations()
        await self._look_at_ways()

    async def _look_at_ways(self) -> None:
        """For the metrics: how each service can be reached. A few reads, by one of the workers as by the next."""
        for service in (*DIRECTORY, DESK):
            state = await self._breaker.state(service)
            self._metrics.way_to(service, breaker=_OPEN[state], waiting=len(await self._store.line(service)))

    async def _look_at_consultations(self) -> None:
        found = [room for room in await self._rooms.consultations() if not (await self._rooms.present(room)).agents]
        for room in self._forlorn.intersection(
            found
        ):  # its switchboard may have joined LiveKit again by the second round
            log.warning("the line of a human whose switchboard is gone is closed")
            await self._rooms.close(room)
        self._forlorn = frozenset(found)

    async def look_at_lonely(self) -> None:
        """Rooms into which a caller came some seconds ago, when no agent has the floor in them. Raises StoreUnavailable,
        LIVEKIT_AWAY: then they are looked at again in a while."""
        for room in await self._store.rooms_due(RoomList.LONELY, again_seconds=ROUND_SECONDS):
            if await self._store.load_floor(room) is None:
                await self._look_at(room)
            await self._store.forget_room(room, RoomList.LONELY)

    async def _look_at(self, room: str) -> None:
        """Where an agent is listed nothing is done: it may live, and have a call that the store takes no word of. LiveKit lists who
        died for another 21 s (measured); then the caller is alone."""
        present = await self._rooms.present(room)
        if present.callers and not present.agents:
            await self._look_after(room, present)

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
            # He was alone at two rounds, or some seconds after he came: an agent that was on its way would be here.
            nobody_comes=True,
        )
