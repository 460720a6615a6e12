"""Where calls, handoffs and the floor live: the Protocol that MemoryStore and RedisStore both keep.

Every write that needs the floor takes the writer's ``epoch`` and raises FloorLost when it is overtaken, or when the call has
ended. All times are seconds; "now" is the store's own clock (Redis's TIME), never the caller's. What is malformed or too large
is refused with InvalidContext when it is written, with WireMismatch when a stored record cannot be read.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Protocol

from handoff.call import Call, Ending, Floor
from handoff.context import HandoffContext
from handoff.ledger import LedgerLine
from handoff.lifecycle import State


@dataclass(frozen=True, slots=True)
class Handoff:
    """A stored handoff: the context that crosses, its state, and when (store's clock) it came into each state."""

    context: HandoffContext
    from_service: str
    to_service: str
    state: State
    moved_at: dict[State, float] = field(default_factory=dict)
    taker_id: str = ""
    """Identity, in the room, of the agent that is to take the call; known from READY on."""
    reason: str = ""
    """Why it was declined, withdrawn, expired or superseded."""

    def is_same_offer(self, other: Handoff) -> bool:
        """True when both offer the same content between the same services, wherever each stands by now."""
        mine = (self.context, self.from_service, self.to_service)
        return mine == (other.context, other.from_service, other.to_service)


class Store(Protocol):
    """One per process; safe for concurrent use by tasks of one event loop. Any method may raise StoreUnavailable."""

    async def now(self) -> float:
        """The store's clock, seconds since the epoch."""
        ...

    # --- the call and its floor -----------------------------------------------------------------------------------
    async def open_call(self, call: Call) -> Call:
        """Stores the call unless one of its id exists; returns what is stored."""
        ...

    async def load_call(self, call_id: str) -> Call | None: ...

    async def checkpoint(self, call: Call, *, epoch: int) -> None:
        """Overwrites the call's record (renewing its time to live). Raises FloorLost, UnknownCall, InvalidContext.

        ``services`` and the ending are the store's own and stay as they are; ``handoff_ids`` are added to those known."""
        ...

    async def end_call(self, call_id: str, *, epoch: int, ending: Ending, detail: str = "") -> Call:
        """Writes the ending, once, and its line in the ledger: a second ending leaves the first and returns it.
        Frees the floor for good. Raises FloorLost, UnknownCall."""
        ...

    async def take_floor(self, call_id: str, *, service: str, agent_id: str, lease_seconds: float) -> Floor:
        """Takes a floor that is free or whose lease has passed (epoch + 1; the first is 1), and notes the service in the
        call's services. Raises FloorLost when somebody holds it (the same agent too: it may be its own past life) or the
        call has ended, UnknownCall."""
        ...

    async def renew_floor(self, call_id: str, *, epoch: int, lease_seconds: float) -> Floor:
        """Raises FloorLost when the epoch is overtaken, UnknownCall."""
        ...

    async def load_floor(self, call_id: str) -> Floor | None:
        """Who holds the floor, or held it last (``lease_until`` may have passed). None before the first and after the end."""
        ...

    async def endings(self, *, since: float = 0.0) -> tuple[LedgerLine, ...]:
        """The ledger from that time on, oldest first."""
        ...

    # --- handoffs -------------------------------------------------------------------------------------------------
    async def offer(self, handoff: Handoff) -> Handoff:
        """Stores a new handoff in state OFFERED until its time to live or its context's expiry, whichever is first, and
        notes its id in the call. Idempotent by handoff_id: a second offer of the same context returns what is stored; one
        with another context raises InvalidContext, and so does one made under an epoch that is not the floor's."""
        ...

    async def load_handoff(self, handoff_id: str) -> Handoff | None: ...

    async def move(self, handoff_id: str, to: State, *, taker_id: str = "", reason: str = "") -> Handoff:
        """One legal move, atomically. Moving to the state it is in already returns it unchanged.
        READY needs a ``taker_id`` (here or earlier); another agent's afterwards is an IllegalMove, so of two agents that
        come for one handoff only one is the taker. TAKEN is reached by pass_floor alone.
        Raises IllegalMove, UnknownHandoff; for SPOKEN also FloorLost, when the taker was overtaken meanwhile."""
        ...

    async def pass_floor(self, handoff_id: str, *, epoch: int, lease_seconds: float) -> Floor:
        """READY -> TAKEN and the floor to the taker, epoch + 1, in one atomic step; appends the taker's service to the
        call's services. Repeated with the same epoch (an answer was lost) it returns the same floor and changes nothing.
        Raises FloorLost, IllegalMove, UnknownHandoff, UnknownCall."""
        ...

    async def take_back(self, handoff_id: str, *, giver_id: str, epoch: int, lease_seconds: float) -> Floor:
        """TAKEN -> SUPERSEDED and the floor back to the giver's agent, epoch + 1, when the taker never spoke. ``epoch`` is
        the one that pass_floor gave the taker; may be repeated like pass_floor. Raises FloorLost, IllegalMove,
        UnknownHandoff, UnknownCall."""
        ...

    def watch(self, handoff_id: str) -> AsyncGenerator[Handoff, None]:
        """The handoff as it is now, then after each change, until a final state or its expiry. Changes in quick succession
        may come as one (``moved_at`` has them all). Raises UnknownHandoff. Close it (contextlib.aclosing) when leaving early.
        """
        ...

    async def aclose(self) -> None: ...
