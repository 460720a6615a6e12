"""A house of services as a giver sees it, for tests of the ladder: how full each is, how its handoffs end, what the caller hears."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from handoff.errors import PeerUnreachable, WireMismatch
from handoff.memory_store import MemoryStore
from handoff.outcome import Refusal
from handoff.testing import make_call, make_intent, memory_store
from handoff.wire import PoolStatus

from worker.handover.hold import Overheard
from worker.handover.ladder import Asked, Ladder, Missed
from worker.handover.transfer import Moved, Stayed
from worker.testing.text_call import hold_call, make_settings

MOVED = Moved("h1")
FULL = {"billing": 10, "escalation": 10}
"""Billing has no place, nor has who stands in for it."""


@dataclass
class House:
    """The services as a giver sees them, and what the caller hears. ``will``: how handoffs to a service end, in turn."""

    active: dict[str, int] = field(default_factory=dict)
    """Of ten places each."""
    draining: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)
    strange: set[str] = field(default_factory=set)
    another: set[str] = field(default_factory=set)
    """Services with a second worker."""
    will: dict[str, list[Any]] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)
    fails: BaseException | None = None

    # --- the giver ---
    async def pool(self, service: str) -> PoolStatus:
        if service in self.away:
            raise PeerUnreachable("away")
        if service in self.strange:
            raise WireMismatch("strange")
        return PoolStatus(service, 10, self.active.get(service, 0), service in self.draining, "1")

    async def has_another(self, service: str) -> bool:
        return service in self.another

    # --- the transfer ---
    async def to(self, service: str, *, announce: Callable[[], Awaitable[None]], **_: Any) -> Moved | Stayed:
        self.journal.append(f"asks {service}")
        if self.fails is not None:
            raise self.fails
        ending = self.will[service].pop(0) if self.will.get(service) else MOVED
        if isinstance(ending, Moved) or ending.reason not in list(Refusal):
            await announce()
        return ending

    # --- the mouth ---
    async def announce(self, target: str) -> None:
        self.journal.append(f"announces {target}")

    async def announce_stand_in(self, target: str, missed: str) -> None:
        self.journal.append(f"announces {target} for {missed}")

    async def once_more(self) -> None:
        self.journal.append("one moment longer")

    async def introduce(self, name: str) -> None:
        self.journal.append(f"introduces {name}")

    async def on_hold(self, target: str, position: int) -> None:
        self.journal.append(f"hold at {position}")

    async def position(self, position: int, *, was_heard: bool) -> None:
        self.journal.append(f"at {position}")

    def play(self, frames: Any) -> House:
        return self

    def done(self) -> bool:
        return False

    async def stop(self, music: Any) -> None:
        """Silence."""


@dataclass
class Climb:
    """One call at a giver's."""

    house: House
    ladder: Ladder
    store: MemoryStore
    checkpoint: Any
    overheard: Overheard
    is_frustrated: bool = False

    async def to(self, service: str) -> Moved | Missed:
        asked = Asked(
            intent=make_intent(service),
            summary="",
            host=self.house,
            overheard=self.overheard,
            is_frustrated=lambda: self.is_frustrated,
            caller_is_done=_nothing,
            fall_silent=lambda silent: None,
        )
        return await self.ladder.to(service, asked)

    @property
    def attempts(self) -> list[tuple[str, str]]:
        return [(a.service, a.outcome) for a in self.checkpoint.call.attempts]


async def _nothing() -> None:
    """The caller is not speaking."""


async def climb(house: House, *, service: str = "triage", hold_seconds: float = 30.0, reaches: Any = None) -> Climb:
    store = memory_store()
    checkpoint = await hold_call(store, make_call(turns=(), facts=()), service=service)
    everything: Any = house
    ladder = Ladder(
        everything,
        giver=everything,
        store=store,
        checkpoint=checkpoint,
        settings=make_settings(hold_seconds=hold_seconds),
        reaches=reaches or ("billing", "technical", "sales", "escalation"),
    )
    return Climb(house, ladder, store, checkpoint, Overheard())
