"""Rooms and LiveKit as a worker's process has them: what a job does in a room is told to the hub, what happens there comes back."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

from livekit import api, rtc
from worker.recovery.rooms import Caller, Present

from bench.load.soundless.pipe import Pipe, PipeClosed, Refused
from local.chaos.soundless.mortal import Life
from local.chaos.soundless.rooms import Agent, Room, RpcHandler


class FarRoom(Room):
    """One room in which this process has, or is about to have, an agent."""

    def __init__(self, name: str, wishes: list[str], kit: FarLiveKit) -> None:
        super().__init__(name, tuple(wishes))
        self._kit = kit
        self.others: dict[str, Agent] = {}
        """All agents in it, as the hub last told."""
        self._words: defaultdict[str, asyncio.Queue[str]] = defaultdict(asyncio.Queue)

    @property
    def pipe(self) -> Pipe:
        """To the hub."""
        return self._kit.pipe

    def enter(self, agent: Agent) -> None:
        """See Room."""
        super().enter(agent)
        self.pipe.tell("enter", room=self.name, identity=agent.identity)

    def leave(self, identity: str) -> None:
        """See Room."""
        super().leave(identity)
        self.pipe.tell("leave", room=self.name, identity=identity)
        self._kit.left(self)

    def says(self, identity: str, speaks: bool) -> None:
        """See Room: who hears it is the hub's to say."""
        agent = self.agents.get(identity)
        if agent is not None and agent.speaks != speaks:
            agent.speaks = speaks
            self.pipe.tell("says", room=self.name, identity=identity, speaks=speaks)

    async def more_words(self, identity: str) -> str:
        """See Room: the caller is in the hub's process, and takes his time."""
        return await self._words[identity].get()

    # --- what the hub tells ---------------------------------------------------------------------------------------------
    def is_now(self, agents: list[str], wishes: list[str]) -> None:
        """Who is in it, and what the caller still wants."""
        self.others = {identity: self.others.get(identity) or Agent(identity, Life()) for identity in agents}
        self.wishes = list(wishes)

    def hears(self, identity: str, words: str) -> None:
        """The caller said it to that agent."""
        self._words[identity].put_nowait(words)

    def is_put_out(self, identity: str) -> None:
        """Somebody removed it from the room."""
        super().leave(identity)
        self._kit.left(self)


class FarSeat:
    """See Seat: what of rtc.Room the giver's and the taker's code uses."""

    def __init__(self, room: FarRoom, me: Agent) -> None:
        self._room, self._me = room, me
        self.name = room.name
        self.local_participant = self

    @property
    def remote_participants(self) -> dict[str, Agent]:
        """See rtc.Room: the agents only."""
        return {identity: agent for identity, agent in self._room.others.items() if identity != self._me.identity}

    def on(self, event: str, listener: Any) -> None:
        """See rtc.Room.on: these callers stay until their call is over."""

    def register_rpc_method(self, method: str, handler: RpcHandler) -> None:
        """See rtc.LocalParticipant."""
        self._me.methods[method] = handler
        self._room.pipe.tell("method", room=self.name, identity=self._me.identity, method=method)

    async def perform_rpc(self, *, destination_identity: str, method: str, payload: str) -> str:
        """See rtc.LocalParticipant."""
        asked = {"room": self.name, "sender": self._me.identity, "to": destination_identity}
        try:
            return str(await self._room.pipe.ask("rpc", **asked, method=method, payload=payload))
        except Refused as error:
            raise rtc.RpcError(error.code, error.message) from None
        except PipeClosed:
            raise rtc.RpcError(rtc.RpcError.ErrorCode.CONNECTION_TIMEOUT, "the hub is gone") from None


class FarLiveKit:
    """See LiveKit: the same questions, asked of the hub."""

    def __init__(self) -> None:
        self.pipe: Pipe
        self.rooms: dict[str, FarRoom] = {}
        self.workers: list[Any] = []
        self.agent_dispatch = self.room = self

    def known(self, name: str, wishes: list[str]) -> FarRoom:
        """The room of that name, from now on."""
        return self.rooms.setdefault(name, FarRoom(name, wishes, self))

    async def fetch(self, name: str) -> FarRoom | None:
        """The same for a room that nobody has told of; None when there is none."""
        wishes = await self._ask("fetch", room=name)
        return self.known(name, wishes) if wishes is not None else None

    def left(self, room: FarRoom) -> None:
        """An agent of this process is out of it."""
        if not room.agents and room.is_closed.is_set():
            self.rooms.pop(room.name, None)

    def closed(self, name: str) -> None:
        """The room is deleted."""
        if (room := self.rooms.pop(name, None)) is not None:
            room.is_closed.set()
            for identity in list(room.agents):
                room.is_put_out(identity)

    # --- as the giver's side asks (livekit.api) ---------------------------------------------------------------------------
    async def create_dispatch(self, request: api.CreateAgentDispatchRequest) -> None:
        """See LiveKitAPI.agent_dispatch."""
        await self.call_in(request.room, request.agent_name, dict(request.attributes))

    async def remove_participant(self, who: api.RoomParticipantIdentity) -> None:
        """See LiveKitAPI.room."""
        await self.evict(who.room, who.identity)

    async def delete_room(self, request: api.DeleteRoomRequest) -> None:
        """See LiveKitAPI.room."""
        await self.close(request.room)

    # --- as the main process asks (worker.recovery.rooms) -----------------------------------------------------------------
    async def present(self, room: str) -> Present:
        """See Rooms.present."""
        found = await self._ask("present", room=room)
        return Present(tuple(Caller(identity, False) for identity in found["callers"]), tuple(found["agents"]))

    async def evict(self, room: str, identity: str) -> None:
        """See Rooms.evict."""
        await self._ask("evict", room=room, identity=identity)

    async def call_in(self, room: str, service: str, attributes: dict[str, str]) -> str:
        """See Rooms.call_in."""
        return str(await self._ask("call_in", room=room, service=service, attributes=attributes))

    async def is_answered(self, room: str, dispatch_id: str) -> bool:
        """See Rooms.is_answered."""
        return bool(await self._ask("is_answered", room=room, dispatch_id=dispatch_id))

    async def calls(self) -> tuple[str, ...]:
        """See Rooms.calls."""
        return tuple(await self._ask("calls"))

    async def consultations(self) -> tuple[str, ...]:
        """See Rooms.consultations: no human is on the telephone."""
        return ()

    async def service_called(self, room: str) -> str:
        """See Rooms.service_called."""
        return "triage"

    async def close(self, room: str) -> None:
        """See Rooms.close."""
        await self._ask("close", room=room)

    async def _ask(self, name: str, **arguments: Any) -> Any:
        """Raises OSError when the hub is gone: then LiveKit is."""
        try:
            return await self.pipe.ask(name, **arguments)
        except PipeClosed:
            raise ConnectionError("the hub is gone") from None
