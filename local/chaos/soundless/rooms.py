"""Made-up rooms: who is in, who may be heard, and whether the caller ever heard two agents at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from livekit import rtc

from local.chaos.soundless.mortal import Life

_HOP_SECONDS = 0.003
"""A word from one participant to another takes this long; 4-9 ms were measured."""
RpcHandler = Callable[[rtc.RpcInvocationData], Awaitable[str]]


@dataclass(slots=True)
class Agent:
    """An agent as the room sees it. A dead one stays listed until somebody puts it out, as in LiveKit."""

    identity: str
    life: Life
    speaks: bool = False
    methods: dict[str, RpcHandler] = field(default_factory=dict)
    put_out: Callable[[], None] = lambda: None
    kind: Any = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT

    @property
    def is_audible(self) -> bool:
        """Whether the caller hears it now."""
        return self.speaks and self.life.is_well


class Room:
    """One call's. The caller has a list of wishes, the service that is to take each; hearing its voice fulfils it."""

    def __init__(self, name: str, wishes: tuple[str, ...]) -> None:
        self.name = name
        self.caller_identity = f"caller-{name.removeprefix('call-')}"
        self.wishes = list(wishes)
        self.agents: dict[str, Agent] = {}
        self.is_closed = asyncio.Event()
        self.doubles: list[tuple[str, ...]] = []
        """Each time that several agents were audible at once: which."""
        self.struck_at: float | None = None
        self.strikes: list[str] = []
        """What struck its agents, in order; for whoever reads of a call that went wrong."""
        self.silences: list[float] = []
        """Seconds from each strike to the next voice that began."""
        self.tries: dict[str, int] = {}

    # --- the ear ------------------------------------------------------------------------------------------------------
    def says(self, identity: str, speaks: bool) -> None:
        """An agent opens or closes its mouth; whether it is heard is the room's to say."""
        agent = self.agents.get(identity)
        if agent is None:
            return  # put out: whatever it does, it is not heard
        began = speaks and not agent.speaks
        agent.speaks = speaks
        self.listen()
        if began and agent.is_audible:
            self._heard(identity)

    def listen(self) -> None:
        """Looks whether two are audible; after every change."""
        audible = tuple(a.identity for a in self.agents.values() if a.is_audible)
        if len(audible) > 1:
            self.doubles.append(audible)

    async def more_words(self, identity: str) -> str:
        """What the caller says to an agent before he comes to his next wish; empty when he comes to it. These callers have no time."""
        return ""

    def _heard(self, identity: str) -> None:
        if self.struck_at is not None:
            self.silences.append(time.monotonic() - self.struck_at)
            self.struck_at = None
        if self.wishes and identity.split("-", 1)[0] == self.wishes[0]:
            self.wishes.pop(0)

    # --- who is in ----------------------------------------------------------------------------------------------------
    def enter(self, agent: Agent) -> None:
        """An agent joins."""
        self.agents[agent.identity] = agent

    def leave(self, identity: str) -> None:
        """It leaves, or is put out: not heard any more. It is told when it is put out."""
        agent = self.agents.pop(identity, None)
        if agent is not None:
            agent.speaks = False
            agent.put_out()

    def close(self) -> None:
        """The room is deleted."""
        self.is_closed.set()
        for identity in list(self.agents):
            self.leave(identity)


class Seat:
    """A room as one agent has it: what of rtc.Room the giver's and the taker's code uses. ``lose_word`` and ``say_twice`` decide
    whether a word to another participant is lost, or comes twice."""

    def __init__(
        self,
        room: Room,
        me: Agent,
        *,
        lose_word: Callable[[], bool] = lambda: False,
        say_twice: Callable[[], bool] = lambda: False,
    ) -> None:
        self._room, self._me = room, me
        self._lose_word, self._say_twice = lose_word, say_twice
        self.name = room.name
        self.local_participant = self

    @property
    def remote_participants(self) -> dict[str, Agent]:
        """See rtc.Room: here the agents only."""
        return {identity: agent for identity, agent in self._room.agents.items() if agent is not self._me}

    def on(self, event: str, listener: Callable[..., None]) -> None:
        """See rtc.Room.on: the callers of this tier never leave before their call is over."""

    def register_rpc_method(self, method: str, handler: RpcHandler) -> None:
        """See rtc.LocalParticipant."""
        self._me.methods[method] = handler

    async def perform_rpc(self, *, destination_identity: str, method: str, payload: str) -> str:
        """See rtc.LocalParticipant. Nobody answers for a dead or frozen one: the caller's own deadline ends the wait."""
        await self._me.life.gate()
        await asyncio.sleep(_HOP_SECONDS)
        to = self._room.agents.get(destination_identity)
        if to is None or method not in to.methods:
            raise rtc.RpcError(rtc.RpcError.ErrorCode.RECIPIENT_NOT_FOUND, "no such participant")
        if self._lose_word() or to.life.is_dead:
            await asyncio.Event().wait()
        await to.life.gate()
        answer = ""
        for _ in range(2 if self._say_twice() else 1):
            answer = await to.methods[method](rtc.RpcInvocationData("1", self._me.identity, payload, 10.0))
        await self._me.life.gate()
        return answer
