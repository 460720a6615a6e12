"""LiveKit and its rooms as this tier has them: in the load generator's process, with the agents in the workers' processes."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from livekit import rtc

from bench.load.soundless.ear import Ear
from bench.load.soundless.histogram import Histogram
from bench.load.soundless.pipe import LONGEST_LINE, Pipe, PipeClosed, Refused
from local.chaos.soundless.livekit import LiveKit
from local.chaos.soundless.mortal import Life
from local.chaos.soundless.rooms import Agent, Room, Seat

_RPC_SECONDS = 15.0
"""As LiveKit's own bound of an RPC; who asks has given up long before."""


class HubRoom(Room):
    """A room whose agents are elsewhere: what changes in it is told to the processes that have an agent in it."""

    def __init__(self, name: str, wishes: tuple[str, ...], ear: Ear | None = None) -> None:
        super().__init__(name, wishes)
        self.ear = ear or Ear()
        self.pipes: dict[str, FarWorker] = {}
        """By agent, its worker."""
        self._told: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    def says(self, identity: str, speaks: bool) -> None:
        """See Room."""
        super().says(identity, speaks)
        self.changed()

    def leave(self, identity: str) -> None:
        """See Room."""
        super().leave(identity)
        self.pipes.pop(identity, None)
        self.changed()

    def close(self) -> None:
        """See Room."""
        workers = set(self.pipes.values())
        super().close()
        for worker in workers:
            worker.pipe.tell("closed", room=self.name)
        self.ear.hears(())

    def changed(self) -> None:
        """The caller hears it, and the agents see who is there."""
        self.ear.hears(tuple(a.identity for a in self.agents.values() if a.is_audible))
        state = (tuple(self.agents), tuple(self.wishes))
        if state != self._told:
            self._told = state
            for worker in set(self.pipes.values()):
                worker.pipe.tell("state", room=self.name, agents=state[0], wishes=state[1])

    def lost(self, identity: str) -> None:
        """The agent's process was killed: it is listed, and heard no more."""
        agent = self.agents[identity]
        self.ear.struck(was_last=not any(a.life.is_well for a in self.agents.values() if a is not agent))
        agent.life.die()
        self.pipes.pop(identity, None)
        self.changed()


class FarWorker:
    """A worker's process, as LiveKit has it registered."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.service, self.name = "", ""
        self.load = 0
        """Calls there."""
        self.pipe: Pipe

    async def offered(self, room: Room, attributes: dict[str, str]) -> bool:
        """See Registered. A process that dies meanwhile has not taken it."""
        self.load += 1  # until it tells itself: several may be asked at once
        with suppress(PipeClosed):
            asked = self.pipe.ask("offered", room=room.name, wishes=room.wishes, attributes=attributes)
            if await asked:
                return True
        self.load -= 1
        return False

    # --- what its process tells -----------------------------------------------------------------------------------------
    def hello(self, service: str, name: str) -> None:
        """It is ready for calls."""
        self.service, self.name = service, name
        self._hub.livekit.workers.append(self)
        self._hub.workers[name] = self

    def holds(self, load: int) -> None:
        """So many calls."""
        self.load = load

    def enter(self, room: str, identity: str) -> None:
        """An agent joins."""
        if (found := self._hub.room(room)) is not None:
            put_out = partial(self.pipe.tell, "put_out", room=room, identity=identity)
            found.pipes[identity] = self
            found.enter(Agent(identity, Life(), put_out=put_out))
            found.changed()
        else:
            self.pipe.tell("closed", room=room)

    def leave(self, room: str, identity: str) -> None:
        """It leaves by itself."""
        if (found := self._hub.room(room)) is not None and (agent := found.agents.get(identity)) is not None:
            agent.put_out = lambda: None
            found.leave(identity)

    def says(self, room: str, identity: str, speaks: bool) -> None:
        """It opens or closes its mouth."""
        if (found := self._hub.room(room)) is not None:
            found.says(identity, speaks)

    def method(self, room: str, identity: str, method: str) -> None:
        """It answers such RPC."""
        found = self._hub.room(room)
        if found is not None and (agent := found.agents.get(identity)) is not None:
            agent.methods[method] = partial(self._rpc_to, room, identity, method)

    def resumed(self, room: str) -> None:
        """A successor goes on in it."""
        if (found := self._hub.room(room)) is not None:
            self._hub.successors["asked for" if found.ear.was_struck else "for nothing"] += 1

    async def _rpc_to(self, room: str, identity: str, method: str, data: rtc.RpcInvocationData) -> str:
        arguments = {"sender": data.caller_identity, "payload": data.payload, "method": method}
        return str(await self.pipe.ask("rpc", room=room, identity=identity, **arguments))

    async def rpc(self, room: str, sender: str, to: str, method: str, payload: str) -> str:
        """An agent of its asks another one. Raises Refused."""
        found = self._hub.room(room)
        if found is None or sender not in found.agents:
            raise Refused(rtc.RpcError.ErrorCode.RECIPIENT_NOT_FOUND, "no such room")
        seat = Seat(found, found.agents[sender])
        try:
            async with asyncio.timeout(_RPC_SECONDS):
                return await seat.perform_rpc(destination_identity=to, method=method, payload=payload)
        except rtc.RpcError as error:
            raise Refused(error.code, error.message) from None
        except (TimeoutError, PipeClosed):
            raise Refused(rtc.RpcError.ErrorCode.RESPONSE_TIMEOUT, "no answer") from None

    def is_gone(self) -> None:
        """Its process ended: its agents with it."""
        with suppress(ValueError):
            self._hub.livekit.workers.remove(self)
        if self._hub.workers.get(self.name) is self:
            del self._hub.workers[self.name]
        for room in self._hub.rooms():
            for identity in [identity for identity, worker in room.pipes.items() if worker is self]:
                room.lost(identity)


class Hub:
    """Everything that is made up. ``async with Hub(path)``: workers may come while it is open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.livekit = LiveKit()
        self.workers: dict[str, FarWorker] = {}
        self.successors: Counter[str] = Counter()
        """Of agents that were struck, and of agents that nobody had struck: those had lost their lease to a busy machine."""
        self._heard: defaultdict[str, Histogram] = defaultdict(Histogram)
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[None]] = set()

    def room(self, name: str) -> HubRoom | None:
        """One that is open."""
        found = self.livekit.rooms.get(name)
        return found if isinstance(found, HubRoom) and not found.is_closed.is_set() else None

    def rooms(self) -> list[HubRoom]:
        """Those that are open."""
        return [room for name in list(self.livekit.rooms) if (room := self.room(name)) is not None]

    def heard(self, what: str, seconds: float) -> None:
        """A caller's ear measured it."""
        self._heard[what].add(seconds * 1000)

    def taken(self) -> defaultdict[str, Histogram]:
        """Milliseconds of answers, gaps, silences, of all calls since the last time."""
        taken, self._heard = self._heard, defaultdict(Histogram)
        return taken

    def forget(self, room: HubRoom) -> None:
        """A call is over."""
        self.livekit.rooms.pop(room.name, None)

    async def __aenter__(self) -> Hub:
        self._server = await asyncio.start_unix_server(self._came, self._path, limit=LONGEST_LINE)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        worker = FarWorker(self)
        worker.pipe = Pipe(reader, writer, asked=self._asked(worker), told=_told(worker))
        try:
            await worker.pipe.run()
        finally:
            worker.is_gone()
            self._running.discard(task)

    def _asked(self, worker: FarWorker) -> dict[str, Callable[..., Any]]:
        kit = self.livekit

        async def fetch(room: str) -> list[str] | None:
            found = self.room(room)
            return list(found.wishes) if found is not None else None

        async def present(room: str) -> dict[str, Any]:
            found = await kit.present(room)
            return {"callers": [caller.identity for caller in found.callers], "agents": list(found.agents)}

        async def close(room: str) -> None:
            await kit.close(room)

        return {
            "fetch": fetch,
            "present": present,
            "close": close,
            "rpc": worker.rpc,
            "call_in": kit.call_in,
            "evict": kit.evict,
            "is_answered": kit.is_answered,
            "calls": kit.calls,
        }


def _told(worker: FarWorker) -> dict[str, Callable[..., None]]:
    names = ("hello", "holds", "enter", "leave", "says", "method", "resumed")
    return {name: getattr(worker, name) for name in names}
