"""A made-up caller: thinks, says something, hears the answer, some times with each service, until all he came for is done."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.load.soundless.ear import Ear
from bench.load.soundless.hub import Hub, HubRoom
from local.caller.recording import service_of

_GREETED_SECONDS = 45.0
_ANSWERED_SECONDS = 45.0
"""Longest silence that he bears; an agent that dies before it has opened its call is followed after 21 s and a round."""
_WORDS = "Well, it is about the last one, the one from March, and I do not quite understand what it says there."
SPECIALISTS = ("billing", "technical", "sales")


@dataclass
class Manners:
    """How these callers are; changed while they talk, they change. Seconds."""

    think_seconds: tuple[float, float] = (8.0, 16.0)
    turns: int = 4
    """With a specialist; the front desk is told in one what it is about."""
    second_percent: int = 20
    """Of the callers, those who have a second matter for another specialist."""
    in_a_hurry: bool = False
    """They come to their end, with nothing more to say."""


@dataclass(frozen=True, slots=True)
class MadeUpCall:
    """What came of a call. ``failure`` in words; empty when its caller was served."""

    kind: str
    call_id: str
    began_at: float
    seconds: float
    handoffs_wanted: int
    two_voices: int
    was_struck: bool
    failure: str = ""


@dataclass
class Callers:
    """All of a run."""

    hub: Hub
    manners: Manners
    chance: random.Random
    done: list[MadeUpCall] = field(default_factory=list)
    live: int = 0
    placed: int = 0
    now: Callable[[], float] = time.monotonic

    async def call(self, kind: str) -> None:
        """One, from its beginning to its end."""
        self.placed += 1
        wishes = wishes_of(kind, self.manners, self.chance)
        room = HubRoom(f"call-{self.placed:07}", wishes, Ear(told=self.hub.heard))
        self.hub.livekit.rooms[room.name] = room
        self.live += 1
        began, failure = self.now(), ""
        try:
            await self.hub.livekit.call_in(room.name, "triage", {})
            failure = await self._talk(room)
        finally:
            self.live -= 1
            if failure:
                room.close()
            self.hub.forget(room)
        if not failure and room.wishes:
            failure = f"the call ended before {room.wishes[0]} was heard"
        self.done.append(
            MadeUpCall(
                kind,
                room.name,
                began,
                self.now() - began,
                len(wishes),
                len(room.doubles),
                room.ear.was_struck,
                failure,
            )
        )

    async def _talk(self, room: HubRoom) -> str:
        """Until the mesh closes the room. Why he gave up; empty when it was closed."""
        ear, turns = room.ear, dict[str, int]()
        if not await self._either(room, ear.until(True, _GREETED_SECONDS)):
            return "" if room.is_closed.is_set() else "nobody answered"
        while not room.is_closed.is_set():
            await self._either(room, ear.until(False, 3600.0))
            if await self._either(room, ear.until(True, self._thinking())):
                continue  # somebody went on speaking
            if room.is_closed.is_set():
                break
            agent, service = ear.speaker, service_of(ear.speaker)
            left = turns.get(service, self.manners.turns if service in SPECIALISTS else 1)
            turns[service] = left - 1
            ear.asked_at = self.now()
            worker = room.pipes.get(agent)
            if worker is not None:
                has_more = left > 0 and not self.manners.in_a_hurry
                worker.pipe.tell("words", room=room.name, identity=agent, words=_WORDS if has_more else "")
            answered = await self._either(room, ear.until(True, _ANSWERED_SECONDS))
            if not answered and not room.is_closed.is_set():
                return f"no answer from {service} in {_ANSWERED_SECONDS:g} s"
        return ""

    def _thinking(self) -> float:
        low, high = self.manners.think_seconds
        return self.chance.uniform(low, high)

    async def _either(self, room: HubRoom, waiting: object) -> bool:
        """``waiting``'s answer, or False as soon as the room is closed."""
        assert asyncio.iscoroutine(waiting)
        ear, closed = asyncio.ensure_future(waiting), asyncio.ensure_future(room.is_closed.wait())
        try:
            await asyncio.wait((ear, closed), return_when=asyncio.FIRST_COMPLETED)
            return ear.done() and bool(ear.result()) and not room.is_closed.is_set()
        finally:
            for task in (ear, closed):
                task.cancel()


def wishes_of(kind: str, manners: Manners, chance: random.Random) -> tuple[str, ...]:
    """The services that one of that kind is to hear, one after the other; nobody but the front desk for ``other``."""
    if kind not in SPECIALISTS:
        return ()
    if chance.uniform(0, 100) >= manners.second_percent:
        return (kind,)
    return (kind, chance.choice([service for service in SPECIALISTS if service != kind]))
