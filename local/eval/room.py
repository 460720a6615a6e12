"""LiveKit's room and API as far as agents use them in a handoff, in this process: who is there, dispatch, RPC, who leaves.

One Room per conversation. Each agent has a Seat, which stands where its job has an rtc.Room; the Room itself stands where it has a
LiveKitAPI.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from livekit import api, rtc

_AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
_CALLER = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
_GONE = rtc.RpcError.ErrorCode.RECIPIENT_NOT_FOUND

Dispatched = Callable[[str, str, str], None]
"""Called with service, identity and handoff id when an agent is dispatched."""


class Person:
    """A participant as others see it: identity and kind."""

    def __init__(self, identity: str, kind: Any) -> None:
        self.identity = identity
        self.kind = kind


class Room:
    """One call's room. ``on_dispatch`` starts the agent that LiveKit would start."""

    def __init__(self, name: str, caller_identity: str, *, on_dispatch: Dispatched) -> None:
        self.name = name
        self.is_open = True
        self.people: dict[str, Person] = {caller_identity: Person(caller_identity, _CALLER)}
        self._on_dispatch = on_dispatch
        self.agent_dispatch: Any = self
        self.room: Any = self

    def join(self, identity: str) -> Seat:
        """An agent comes in."""
        seat = Seat(self, identity)
        self.people[identity] = seat
        return seat

    def leave(self, identity: str) -> None:
        """Somebody goes; the others are told. One who is not there is nobody."""
        if (gone := self.people.pop(identity, None)) is not None:
            for seat in self._seats():
                seat.tell("participant_disconnected", gone)

    def _seats(self) -> list[Seat]:
        return [person for person in self.people.values() if isinstance(person, Seat)]

    # --- LiveKit's API --------------------------------------------------------------------------------------------
    async def create_dispatch(self, request: api.CreateAgentDispatchRequest) -> None:
        """See LiveKitAPI.agent_dispatch."""
        handoff_id = request.attributes["handoff_id"]
        self._on_dispatch(request.agent_name, f"{request.agent_name}-{handoff_id}", handoff_id)

    async def remove_participant(self, who: api.RoomParticipantIdentity) -> None:
        """See LiveKitAPI.room."""
        self.leave(who.identity)

    async def delete_room(self, request: api.DeleteRoomRequest) -> None:
        """See LiveKitAPI.room."""
        self.is_open = False
        for identity in list(self.people):
            self.leave(identity)


class Seat(Person):
    """One agent's own view of the room."""

    def __init__(self, room: Room, identity: str) -> None:
        super().__init__(identity, _AGENT)
        self._room = room
        self._listeners: dict[str, list[Callable[[Any], None]]] = {}
        self._methods: dict[str, Callable[[rtc.RpcInvocationData], Awaitable[str]]] = {}
        self.local_participant: Any = self

    @property
    def name(self) -> str:
        """See rtc.Room."""
        return self._room.name

    @property
    def remote_participants(self) -> dict[str, Person]:
        """See rtc.Room."""
        return {identity: who for identity, who in self._room.people.items() if who is not self}

    def on(self, event: str, listener: Callable[[Any], None]) -> None:
        """See rtc.Room.on."""
        self._listeners.setdefault(event, []).append(listener)

    def tell(self, event: str, what: Any) -> None:
        """An event of the room."""
        for listener in list(self._listeners.get(event, ())):
            listener(what)

    def register_rpc_method(self, method: str, handler: Callable[[rtc.RpcInvocationData], Awaitable[str]]) -> None:
        """See rtc.LocalParticipant."""
        self._methods[method] = handler

    async def perform_rpc(self, *, destination_identity: str, method: str, payload: str) -> str:
        """See rtc.LocalParticipant."""
        other = self._room.people.get(destination_identity)
        if not isinstance(other, Seat):
            raise rtc.RpcError(_GONE, "nobody of that name is in the room")
        return await other._answer(self.identity, method, payload)

    async def _answer(self, asked_by: str, method: str, payload: str) -> str:
        asked = rtc.RpcInvocationData(
            request_id="eval", caller_identity=asked_by, payload=payload, response_timeout=10.0
        )
        return await self._methods[method](asked)

    async def disconnect(self) -> None:
        """See rtc.Room."""
        self._room.leave(self.identity)
