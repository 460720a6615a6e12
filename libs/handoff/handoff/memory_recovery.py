"""The memory store's part for calls without a living owner: see ``Store`` and scripts_recovery.py."""

from __future__ import annotations

from dataclasses import replace

from handoff.call import Call, Floor
from handoff.errors import FloorLost
from handoff.lifecycle import MOVES, State
from handoff.memory_rows import CallRow, MemoryRows
from handoff.record import check_restored
from handoff.store import Overdue


class MemoryRecovery(MemoryRows):
    """Finding calls whose owner is dead, and giving them another."""

    async def overdue(self, *, limit: int = 100) -> tuple[Overdue, ...]:
        """See Store.overdue."""
        now = self._now()
        return tuple(_overdue(row) for row in self._live_rows() if row.due_at <= now)[:limit]

    async def live_calls(self) -> tuple[str, ...]:
        """See Store.live_calls."""
        return tuple(row.call.call_id for row in self._live_rows())

    async def seize_floor(
        self,
        call_id: str,
        *,
        epoch: int,
        service: str,
        agent_id: str,
        lease_seconds: float,
        dead_agent_id: str = "",
    ) -> Floor:
        """See Store.seize_floor."""
        row = self._call_row(call_id)
        if row.call.ending is not None:
            raise FloorLost("the call has ended")
        if row.floor is not None and (row.floor.epoch, row.floor.agent_id) == (epoch + 1, agent_id):
            return row.floor
        if row.epoch != epoch:
            raise FloorLost(f"epoch {epoch} is not {row.epoch}")
        if row.due_at > self._now() and not _is_dead(row, dead_agent_id):
            raise FloorLost("the holder of the floor lives")
        attempts = row.attempts
        floor = self._give(row, service=service, agent_id=agent_id, lease_seconds=lease_seconds)
        row.attempts = attempts + 1
        self._supersede_handoffs(row.call)
        return floor

    async def claim_floor(self, call_id: str, *, epoch: int, awaited_id: str, agent_id: str) -> Floor:
        """See Store.claim_floor."""
        row = self._fenced(call_id, epoch)
        assert row.floor is not None
        if row.floor.agent_id not in (awaited_id, agent_id):
            raise FloorLost("another agent has come for this floor")
        row.floor = replace(row.floor, agent_id=agent_id)
        return row.floor

    async def restore_call(self, call: Call, *, service: str, agent_id: str, epoch: int, lease_seconds: float) -> Floor:
        """See Store.restore_call."""
        check_restored(call, epoch=epoch)
        row = self._find_call(call.call_id)
        if row is None:
            row = self._calls[call.call_id] = CallRow(call, self._now())
            return self._give(row, service=service, agent_id=agent_id, lease_seconds=lease_seconds, epoch=epoch)
        row = self._fenced(call.call_id, epoch)
        if row.floor is not None and row.floor.agent_id != agent_id:
            raise FloorLost("another agent holds the floor under this epoch")
        return self._prolong(row, lease_seconds)

    def _supersede_handoffs(self, call: Call) -> None:
        for handoff_id in call.handoff_ids:
            row = self._find_handoff(handoff_id)
            if row is None or row.handoff.context.call_id != call.call_id:
                continue
            if State.SUPERSEDED in MOVES[row.handoff.state]:
                self._enter(row, State.SUPERSEDED, reason="the floor was seized")


def _is_dead(row: CallRow, dead_agent_id: str) -> bool:
    return bool(dead_agent_id) and (row.floor is None or row.floor.agent_id == dead_agent_id)


def _overdue(row: CallRow) -> Overdue:
    if row.floor is None:
        first = row.call.services[0] if row.call.services else ""
        return Overdue(row.call.call_id, first, "", 0, row.attempts)
    return Overdue(row.call.call_id, row.floor.service, row.floor.agent_id, row.floor.epoch, row.attempts)
