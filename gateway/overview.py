"""All calls at a glance, as the store tells of them: who has each, how it goes, which have just ended, how the services are.

Nothing that a caller said is in it, for nobody.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from handoff.breaker import Breaker
from handoff.call import Call, Floor
from handoff.directory import DIRECTORY
from handoff.errors import HandoffError, StoreUnavailable
from handoff.ledger import LedgerLine
from handoff.store import Store, WorkerStatus

from gateway.codes import code_of, is_successor
from gateway.watching import Snapshot

MOST_CALLS = 100
"""More are counted and not shown."""
ENDED_SECONDS = 60.0
"""So long a call that has ended is still shown."""

Row = dict[str, Any]


class Overview:
    """``look`` at any time."""

    def __init__(self, store: Store) -> None:
        self._store, self._breaker = store, Breaker(store)
        self._latest = Snapshot(0.0, {"live": 0, "calls": [], "ended": [], "services": []})

    async def look(self) -> Snapshot:
        """What there is now; what there was, marked as such, while the store is away."""
        try:
            self._latest = await self._look()
        except StoreUnavailable:
            return Snapshot(self._latest.at, {**self._latest.seen, "store": "away"})
        return self._latest

    async def _look(self) -> Snapshot:
        now = await self._store.now()
        live = await self._store.live_calls()
        # The same ones at each look, whoever renews first; one after the other, for callers are let in meanwhile.
        found = [await self._row(call_id, now) for call_id in sorted(live)[:MOST_CALLS]]
        calls = sorted(
            (each for each in found if each is not None), key=lambda each: (-each["started_at"], each["call_id"])
        )
        seen = {
            "live": len(live),
            "calls": calls,
            "ended": await self._ended(now),
            "services": await self._services(Counter(each["service"] for each in calls)),
            "store": "here",
        }
        return Snapshot(now, seen)

    async def _row(self, call_id: str, now: float) -> Row | None:
        """None when it has ended by now."""
        try:
            call = await self._store.load_call(call_id)
            floor = await self._store.load_floor(call_id)
        except StoreUnavailable:
            raise
        except HandoffError:  # another release's
            return {"call_id": call_id, "service": "", "started_at": 0.0, "unreadable": True}
        return _row_of(call, floor, now) if call is not None and call.ending is None else None

    async def _ended(self, now: float) -> list[Row]:
        try:
            lines = await self._store.endings(since=now - ENDED_SECONDS)
        except StoreUnavailable:
            raise
        except HandoffError:  # another release's line
            return []
        return [_ended_of(line) for line in reversed(lines[-MOST_CALLS:])]

    async def _services(self, calls: Counter[str]) -> list[Row]:
        workers = await self._workers()
        return [
            {
                "name": entry.name,
                "spoken_name": entry.spoken_name,
                "calls": calls[entry.name],
                "breaker": (await self._breaker.state(entry.name)).value,
                "places": None if workers is None else _places_of([w for w in workers if w.service == entry.name]),
                "canaries": _canaries_of([w for w in workers or () if w.service == entry.name]),
            }
            for entry in DIRECTORY.values()
        ]

    async def _workers(self) -> tuple[WorkerStatus, ...] | None:
        """None when another release's cannot be read: then nothing is said, rather than that there are too few."""
        try:
            return await self._store.workers()
        except StoreUnavailable:
            raise
        except HandoffError:
            return None


def _row_of(call: Call, floor: Floor | None, now: float) -> Row:
    agent_id = code_of(floor.agent_id) if floor is not None else ""
    return {
        "call_id": call.call_id,
        "channel": call.channel.value,
        "service": code_of(floor.service) if floor is not None else "",
        "agent_id": agent_id,
        "epoch": floor.epoch if floor is not None else 0,
        # A lease is renewed all the time; who has let it pass is being replaced.
        "is_held": floor is not None and floor.lease_until > now,
        "is_recovered": is_successor(agent_id),
        "started_at": call.started_at,
        "turns": len(call.turns),
        "intent": code_of(call.intent.name) if call.intent is not None else "",
        "mood": call.sentiment.label.value,
        "score": round(call.sentiment.score, 2),
        "trend": round(call.sentiment.trend, 2),
        "handoffs": len(call.handoff_ids),
    }


def _places_of(workers: list[WorkerStatus]) -> Row:
    """Of the workers that calls can come to, in all; and how many others there are, by why none can come. Without canaries: their
    places are for their share of the calls alone."""
    workers = [worker for worker in workers if not worker.is_canary]
    open_ = [worker for worker in workers if not worker.away]
    return {
        "workers": len(open_),
        "capacity": sum(worker.capacity for worker in open_),
        "free": sum(max(0, worker.capacity - worker.taken) for worker in open_),
        "away": dict(sorted(Counter(code_of(worker.away) for worker in workers if worker.away).items())),
    }


def _canaries_of(workers: list[WorkerStatus]) -> int:
    """How many of them are canaries that their share of the calls can come to."""
    return sum(worker.is_canary and not worker.away for worker in workers)


def _ended_of(line: LedgerLine) -> Row:
    return {
        "call_id": line.call_id,
        "ending": line.ending.value,
        "service": code_of(line.services[-1]) if line.services else "",
        "started_at": line.started_at,
        "ended_at": line.ended_at,
        "handoffs": len(line.handoff_ids),
    }
