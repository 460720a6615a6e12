"""The memory store's part for what the services share: callbacks, lines, who is on duty, workers, breakers, rooms to look at. See
``Store``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count as counted
from typing import TypeVar

from handoff.ledger import CallbackTicket, LedgerLine
from handoff.record import check_breaker, check_priority, check_ticket, check_worker
from handoff.store import (
    BREAKER_SECONDS,
    EVENT_SECONDS,
    FIRST_TICKET,
    LINE_SECONDS,
    ROOMS_SECONDS,
    RoomList,
    WorkerStatus,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrival: int
    priority: int
    until: float


class MemoryShared:
    """What belongs to no single call. ``now`` is the clock, in seconds since the epoch."""

    def __init__(self, *, now: Callable[[], float], ledger_ttl_seconds: float) -> None:
        self._clock = now
        self._ledger_ttl_seconds = ledger_ttl_seconds
        self._numbers = counted(1)
        self._ledger: list[tuple[int, LedgerLine]] = []
        self._callbacks: list[tuple[int, CallbackTicket]] = []
        self._ticket_of: dict[str, tuple[float, str]] = {}
        self._tickets = counted(FIRST_TICKET)
        self._lines: dict[str, dict[str, _Waiting]] = {}
        self._on_duty: dict[str, float] = {}
        self._workers: dict[str, tuple[float, WorkerStatus]] = {}
        self._breakers: dict[str, tuple[float, dict[str, str]]] = {}
        self._rooms: dict[RoomList, tuple[float, dict[str, float]]] = {}
        self._events: dict[str, float] = {}

    # --- the ledger and the callbacks -----------------------------------------------------------------------------
    def _write_line(self, line: LedgerLine) -> None:
        oldest = line.ended_at - self._ledger_ttl_seconds
        self._ledger = [known for known in self._ledger if known[1].ended_at > oldest]
        self._ledger.append((next(self._numbers), line))

    async def endings(self, *, since: float = 0.0) -> tuple[LedgerLine, ...]:
        """See Store.endings."""
        return tuple(line for _, line in self._ledger if line.ended_at >= since)

    async def ledger_after(self, cursor: str = "", *, count: int = 100) -> tuple[tuple[LedgerLine, ...], str]:
        """See Store.ledger_after."""
        return _after(self._ledger, cursor, count)

    async def next_ticket(self) -> int:
        """See Store.next_ticket."""
        return next(self._tickets)

    async def add_callback(self, ticket: CallbackTicket) -> str:
        """See Store.add_callback."""
        check_ticket(ticket)
        until, known = self._ticket_of.get(ticket.call_id, (0.0, ""))
        if until > self._clock():
            if ticket.number:
                self._callbacks.append((next(self._numbers), replace(ticket, ticket_id=known)))
            return known
        self._callbacks.append((next(self._numbers), ticket))
        self._ticket_of[ticket.call_id] = (self._clock() + self._ledger_ttl_seconds, ticket.ticket_id)
        return ticket.ticket_id

    async def callbacks(self, since_id: str = "", *, count: int = 100) -> tuple[tuple[CallbackTicket, ...], str]:
        """See Store.callbacks."""
        return _after(self._callbacks, since_id, count)

    # --- lines ----------------------------------------------------------------------------------------------------
    async def wait_in_line(self, service: str, call_id: str, *, priority: int = 0) -> int:
        """See Store.wait_in_line."""
        check_priority(priority)
        line = self._line(service)
        known = line.get(call_id) or _Waiting(next(self._numbers), priority, 0.0)
        line[call_id] = replace(known, priority=priority, until=self._clock() + LINE_SECONDS)
        return await self.position(service, call_id)

    async def position(self, service: str, call_id: str) -> int:
        """See Store.position."""
        order = await self.line(service)
        return order.index(call_id) + 1 if call_id in order else 0

    async def leave_line(self, service: str, call_id: str) -> None:
        """See Store.leave_line."""
        self._line(service).pop(call_id, None)

    async def line(self, service: str) -> tuple[str, ...]:
        """See Store.line."""
        line = self._line(service)
        return tuple(sorted(line, key=lambda each: (-line[each].priority, line[each].arrival)))

    def _line(self, service: str) -> dict[str, _Waiting]:
        """Who waits for a service, without those who have gone."""
        now = self._clock()
        line = self._lines.get(service, {})
        self._lines[service] = {call_id: waiting for call_id, waiting in line.items() if waiting.until > now}
        return self._lines[service]

    # --- humans on duty -------------------------------------------------------------------------------------------
    async def note_on_duty(self, human_id: str, *, seconds: float) -> None:
        """See Store.note_on_duty."""
        self._on_duty[human_id] = self._clock() + seconds

    async def humans_on_duty(self) -> int:
        """See Store.humans_on_duty."""
        now = self._clock()
        self._on_duty = {human_id: until for human_id, until in self._on_duty.items() if until > now}
        return len(self._on_duty)

    # --- workers --------------------------------------------------------------------------------------------------
    async def note_worker(self, status: WorkerStatus, *, seconds: float) -> None:
        """See Store.note_worker."""
        check_worker(status)
        self._workers[status.worker_id] = (self._clock() + seconds, status)

    async def workers(self) -> tuple[WorkerStatus, ...]:
        """See Store.workers."""
        now = self._clock()
        self._workers = {worker_id: told for worker_id, told in self._workers.items() if told[0] > now}
        return tuple(status for _, status in self._workers.values())

    # --- breakers -------------------------------------------------------------------------------------------------
    async def breaker_load(self, service: str) -> dict[str, str]:
        """See Store.breaker_load."""
        until, state = self._breakers.get(service, (0.0, {}))
        return dict(state) if until > self._clock() else {}

    async def breaker_swap(self, service: str, expected_version: int, new: Mapping[str, str]) -> bool:
        """See Store.breaker_swap."""
        check_breaker(new)
        known = await self.breaker_load(service)
        if int(known.get("version", "0")) != expected_version:
            return False
        state = {**new, "version": str(expected_version + 1)}
        self._breakers[service] = (self._clock() + BREAKER_SECONDS, state)
        return True

    # --- rooms that LiveKit told of -------------------------------------------------------------------------------
    async def note_room(self, room: str, list_: RoomList, *, event_id: str, after_seconds: float) -> bool:
        """See Store.note_room."""
        now = self._clock()
        self._events = {event: until for event, until in self._events.items() if until > now}
        if event_id in self._events:
            return False
        self._events[event_id] = now + EVENT_SECONDS
        self._rooms[list_] = (now + ROOMS_SECONDS, {**self._listed(list_), room: now + after_seconds})
        return True

    async def rooms_due(self, list_: RoomList, *, again_seconds: float, limit: int = 100) -> tuple[str, ...]:
        """See Store.rooms_due."""
        now, rooms = self._clock(), self._listed(list_)
        due = sorted((room for room, at in rooms.items() if at <= now), key=lambda room: (rooms[room], room))[:limit]
        if due:
            self._rooms[list_] = (now + ROOMS_SECONDS, {**rooms, **dict.fromkeys(due, now + again_seconds)})
        return tuple(due)

    async def forget_room(self, room: str, list_: RoomList) -> None:
        """See Store.forget_room."""
        self._listed(list_).pop(room, None)

    def _listed(self, list_: RoomList) -> dict[str, float]:
        until, rooms = self._rooms.get(list_, (0.0, {}))
        return rooms if until > self._clock() else {}


def _after(kept: Sequence[tuple[int, T]], cursor: str, count: int) -> tuple[tuple[T, ...], str]:
    found = [known for known in kept if known[0] > int(cursor or 0)][:count]
    return tuple(item for _, item in found), str(found[-1][0]) if found else cursor
