"""What the memory store holds, and the small rules that all its methods share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from handoff.call import Call, Floor
from handoff.errors import FloorLost, UnknownCall, UnknownHandoff
from handoff.lifecycle import State
from handoff.store import UNHELD_SECONDS, Handoff


@dataclass(slots=True)
class CallRow:
    """One call. ``floor`` is kept after the end of the call: its epoch must never be given again."""

    call: Call
    opened_at: float
    lives_until: float = 0.0
    floor: Floor | None = None
    attempts: int = 0
    nobody_comes: bool = False

    @property
    def epoch(self) -> int:
        """0 before the first floor."""
        return self.floor.epoch if self.floor else 0

    @property
    def due_at(self) -> float:
        """From when on the call has no living owner."""
        if self.floor is not None:
            return self.floor.lease_until
        return self.opened_at + (0.0 if self.nobody_comes else UNHELD_SECONDS)


@dataclass(slots=True)
class HandoffRow:
    """One handoff. ``moved`` is set at the next move, then replaced by a new event."""

    handoff: Handoff
    lives_until: float
    taken_epoch: int = 0
    back_epoch: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class MemoryRows:
    """Calls and handoffs by id, each with its time to live; ``now`` is the clock, in seconds since the epoch."""

    def __init__(self, *, now: Callable[[], float], call_ttl_seconds: float, handoff_ttl_seconds: float) -> None:
        self._now = now
        self._call_ttl_seconds = call_ttl_seconds
        self._handoff_ttl_seconds = handoff_ttl_seconds
        self._calls: dict[str, CallRow] = {}
        self._handoffs: dict[str, HandoffRow] = {}

    # --- finding --------------------------------------------------------------------------------------------------
    def _find_call(self, call_id: str) -> CallRow | None:
        row = self._calls.get(call_id)
        if row is not None and row.lives_until <= self._now():
            del self._calls[call_id]
            return None
        return row

    def _call_row(self, call_id: str) -> CallRow:
        row = self._find_call(call_id)
        if row is None:
            raise UnknownCall("no such call (or its time to live has passed)")
        return row

    def _fenced(self, call_id: str, epoch: int) -> CallRow:
        """The row, when ``epoch`` still holds its floor."""
        row = self._call_row(call_id)
        if row.call.ending is not None:
            raise FloorLost("the call has ended")
        if row.floor is None or row.floor.epoch != epoch:
            raise FloorLost(f"epoch {epoch} is not {row.floor.epoch if row.floor else 'taken'}")
        return row

    def _live_rows(self) -> list[CallRow]:
        """Calls without an ending, by the moment their lease passes."""
        found = [row for call_id in list(self._calls) if (row := self._find_call(call_id)) and row.call.ending is None]
        return sorted(found, key=lambda row: (row.due_at, row.call.call_id))

    def _find_handoff(self, handoff_id: str) -> HandoffRow | None:
        row = self._handoffs.get(handoff_id)
        if row is not None and row.lives_until <= self._now():
            del self._handoffs[handoff_id]
            return None
        return row

    def _handoff_row(self, handoff_id: str) -> HandoffRow:
        row = self._find_handoff(handoff_id)
        if row is None:
            raise UnknownHandoff("no such handoff (or its time to live has passed)")
        return row

    # --- changing -------------------------------------------------------------------------------------------------
    def _renew(self, row: CallRow) -> None:
        row.lives_until = self._now() + self._call_ttl_seconds

    def _give(self, row: CallRow, *, service: str, agent_id: str, lease_seconds: float, epoch: int = 0) -> Floor:
        """The floor to somebody, under the next epoch (or ``epoch``)."""
        lease_until = self._now() + lease_seconds
        row.floor = Floor(row.call.call_id, service, agent_id, epoch or row.epoch + 1, lease_until)
        row.attempts = 0
        if row.call.services[-1:] != (service,):
            row.call = replace(row.call, services=(*row.call.services, service))
        self._renew(row)
        return row.floor

    def _prolong(self, row: CallRow, lease_seconds: float) -> Floor:
        assert row.floor is not None
        row.floor = replace(row.floor, lease_until=self._now() + lease_seconds)
        row.attempts = 0
        self._renew(row)
        return row.floor

    def _enter(self, row: HandoffRow, state: State, *, taker_id: str = "", reason: str = "") -> None:
        old = row.handoff
        row.handoff = replace(
            old,
            state=state,
            moved_at={**old.moved_at, state: self._now()},
            taker_id=taker_id or old.taker_id,
            reason=reason or old.reason,
        )
        row.moved.set()
        row.moved = asyncio.Event()
