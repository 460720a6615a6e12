"""The memory store's part for callbacks whose time has come: see ``Store`` and scripts_callbacks.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count as counted

from handoff.ledger import DoneCallback, DueCallback
from handoff.record import check_due


class MemoryCallbacks:
    """The queue for whoever calls back, and what came of it. ``now`` is the clock, in seconds since the epoch."""

    def __init__(self, *, now: Callable[[], float], ledger_ttl_seconds: float) -> None:
        self._clock = now
        self._done_ttl_seconds = ledger_ttl_seconds
        self._known: set[tuple[str, str]] = set()
        """All that were ever queued, by ticket and call."""
        self._due: dict[tuple[str, str], DueCallback] = {}
        self._claimed_until: dict[tuple[str, str], float] = {}
        self._done_numbers = counted(1)
        self._done: list[tuple[int, DoneCallback]] = []

    async def queue_callback(self, due: DueCallback) -> bool:
        """See Store.queue_callback."""
        check_due(due)
        name = (due.ticket_id, due.call_id)
        if name in self._known:
            return False
        self._known.add(name)
        self._due[name] = replace(due, claimed_by="", claimed_name="")
        return True

    async def callbacks_due(self, *, limit: int = 100) -> tuple[DueCallback, ...]:
        """See Store.callbacks_due."""
        return tuple(sorted(map(self._as_claimed, [*self._due][:limit]), key=lambda due: due.due_at))

    async def claim_callback(self, ticket_id: str, call_id: str, *, human_id: str, name: str, seconds: float) -> bool:
        """See Store.claim_callback."""
        of = (ticket_id, call_id)
        if of not in self._due or self._as_claimed(of).claimed_by not in ("", human_id):
            return False
        self._due[of] = replace(self._due[of], claimed_by=human_id, claimed_name=name)
        self._claimed_until[of] = self._clock() + seconds
        return True

    async def close_callback(self, ticket_id: str, call_id: str, *, human_id: str) -> bool:
        """See Store.close_callback."""
        of = (ticket_id, call_id)
        if of not in self._due or self._as_claimed(of).claimed_by != human_id:
            return False
        del self._due[of]
        self._done.append((next(self._done_numbers), DoneCallback(ticket_id, call_id, self._clock())))
        return True

    async def drop_callback(self, ticket_id: str, call_id: str) -> None:
        """See Store.drop_callback."""
        self._due.pop((ticket_id, call_id), None)

    async def callbacks_done(self, cursor: str = "", *, count: int = 100) -> tuple[tuple[DoneCallback, ...], str]:
        """See Store.callbacks_done."""
        found = [known for known in self._done if known[0] > int(cursor or 0)][:count]
        return tuple(done for _, done in found), str(found[-1][0]) if found else cursor

    def _as_claimed(self, of: tuple[str, str]) -> DueCallback:
        if self._claimed_until.get(of, 0.0) > self._clock():
            return self._due[of]
        return replace(self._due[of], claimed_by="", claimed_name="")
