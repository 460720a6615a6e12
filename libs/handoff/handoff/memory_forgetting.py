"""The memory store's part for forgetting a call: see ``Store.forget_call`` and scripts_forgetting.py."""

from __future__ import annotations

from handoff.errors import StillLive
from handoff.memory_callbacks import MemoryCallbacks
from handoff.memory_rows import MemoryRows
from handoff.memory_shared import MemoryShared


class MemoryForgetting(MemoryRows, MemoryShared, MemoryCallbacks):
    """Reaches into all that the store holds."""

    async def forget_call(self, call_id: str) -> dict[str, int]:
        """See Store.forget_call."""
        row = self._find_call(call_id)
        if row is not None and row.call.ending is None:
            raise StillLive("the call has not ended")
        handoffs = [each for each in (row.call.handoff_ids if row else ()) if self._handoffs.pop(each, None)]
        lines, told, done = len(self._ledger), len(self._callbacks), len(self._done)
        self._ledger = [known for known in self._ledger if known[1].call_id != call_id]
        self._callbacks = [known for known in self._callbacks if known[1].call_id != call_id]
        self._done = [known for known in self._done if known[1].call_id != call_id]
        places = [of for of in self._known if of[1] == call_id]
        due = [self._due.pop(of, None) for of in places]
        self._known -= set(places)
        return {
            "calls": int(self._calls.pop(call_id, None) is not None),
            "handoffs": len(handoffs),
            "endings": lines - len(self._ledger),
            "callbacks": told - len(self._callbacks),
            "callbacks_due": sum(each is not None for each in due),
            "callbacks_done": done - len(self._done),
            "callback_places": len(places) + int(self._ticket_of.pop(call_id, None) is not None),
            "lists": sum(rooms.pop(call_id, None) is not None for _, rooms in self._rooms.values()),
        }
