"""A made-up LiveKit: rooms, and dispatches that go to the registered worker with the most room, or are lost in silence."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Protocol

from livekit import api
from worker.recovery.rooms import Caller, Present

from local.chaos.soundless.rooms import Room

_LISTED_SECONDS = 21.0
"""Who died is listed for this long; so it was measured on the real one."""
_DISPATCH_SECONDS = 0.02
"""LiveKit takes 210 ms; nothing depends on it."""


class Registered(Protocol):
    """A worker as LiveKit knows it."""

    service: str

    @property
    def load(self) -> int: ...

    async def offered(self, room: Room, attributes: dict[str, str]) -> bool:
        """Whether it takes the job."""
        ...


class LiveKit:
    """All rooms of a run. What Transfer asks of the API, and what Recovery asks of Rooms, is here."""

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        self.workers: list[Registered] = []
        self.doubled: set[str] = set()
        """Rooms whose next dispatch comes twice, as one does whose first answer LiveKit waited for in vain."""
        self._answered: set[str] = set()
        self._number = itertools.count(1)
        self._dispatching: set[asyncio.Task[None]] = set()
        self.agent_dispatch = self.room = self

    # --- as the giver's side asks (livekit.api) -------------------------------------------------------------------------
    async def create_dispatch(self, request: api.CreateAgentDispatchRequest) -> None:
        """See LiveKitAPI.agent_dispatch."""
        await self.call_in(request.room, request.agent_name, dict(request.attributes))

    async def remove_participant(self, who: api.RoomParticipantIdentity) -> None:
        """See LiveKitAPI.room."""
        await self.evict(who.room, who.identity)

    async def delete_room(self, request: api.DeleteRoomRequest) -> None:
        """See LiveKitAPI.room."""
        await self.close(request.room)

    # --- as the main process asks (worker.recovery.rooms) ---------------------------------------------------------------
    async def present(self, room: str) -> Present:
        """See Rooms.present."""
        found = self.rooms.get(room)
        if found is None or found.is_closed.is_set():
            return Present()
        listed = tuple(
            id_ for id_, agent in found.agents.items() if time.monotonic() < agent.life.died_at + _LISTED_SECONDS
        )
        return Present((Caller(found.caller_identity, False),), listed)

    async def evict(self, room: str, identity: str) -> None:
        """See Rooms.evict."""
        await asyncio.sleep(0)
        if (found := self.rooms.get(room)) is not None:
            found.leave(identity)

    async def call_in(self, room: str, service: str, attributes: dict[str, str]) -> str:
        """See Rooms.call_in."""
        dispatch_id = f"dispatch-{next(self._number)}"
        task = asyncio.create_task(self._dispatch(dispatch_id, room, service, attributes))
        self._dispatching.add(task)
        task.add_done_callback(self._dispatching.discard)
        return dispatch_id

    async def is_answered(self, room: str, dispatch_id: str) -> bool:
        """See Rooms.is_answered."""
        return dispatch_id in self._answered

    async def calls(self) -> tuple[str, ...]:
        """See Rooms.calls."""
        return tuple(name for name, room in self.rooms.items() if not room.is_closed.is_set())

    async def consultations(self) -> tuple[str, ...]:
        """See Rooms.consultations: no human is on the telephone."""
        return ()

    async def service_called(self, room: str) -> str:
        """See Rooms.service_called."""
        return "triage"

    async def close(self, room: str) -> None:
        """See Rooms.close."""
        if (found := self.rooms.get(room)) is not None:
            found.close()

    async def _dispatch(self, dispatch_id: str, name: str, service: str, attributes: dict[str, str]) -> None:
        await asyncio.sleep(_DISPATCH_SECONDS)
        room = self.rooms.get(name)
        if room is None or room.is_closed.is_set():
            return
        for _ in range(2 if name in self.doubled else 1):
            self.doubled.discard(name)
            for worker in sorted((w for w in self.workers if w.service == service), key=lambda w: w.load):
                if await worker.offered(room, attributes):
                    self._answered.add(dispatch_id)
                    break
