"""The Redis store's part for what the services share: the ledger, callbacks, lines, who is on duty, workers, breakers, rooms
to look at. See ``Store``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from handoff import scripts_shared
from handoff.ledger import CallbackTicket, LedgerLine
from handoff.record import check_breaker, check_priority, check_ticket, check_worker, unpack_worker
from handoff.redis_link import RedisLink
from handoff.rows import callback_of, ledger_line_of
from handoff.store import RoomList, WorkerStatus

_PAGE = 1000


class RedisShared(RedisLink):
    """What belongs to no single call."""

    # --- the ledger and the callbacks -----------------------------------------------------------------------------
    async def endings(self, *, since: float = 0.0) -> tuple[LedgerLine, ...]:
        """See Store.endings."""
        lines: list[LedgerLine] = []
        start = str(int(since * 1000))
        while True:
            page = await self._page(self.keys.ledger, start, _PAGE)
            lines += [ledger_line_of(fields) for _, fields in page]
            if len(page) < _PAGE:
                # Stream ids are whole milliseconds, endings are finer.
                return tuple(line for line in lines if line.ended_at >= since)
            start = f"({page[-1][0]}"

    async def ledger_after(self, cursor: str = "", *, count: int = 100) -> tuple[tuple[LedgerLine, ...], str]:
        """See Store.ledger_after."""
        page, after = await self._page_after(self.keys.ledger, cursor, count)
        return tuple(ledger_line_of(fields) for fields in page), after

    async def next_ticket(self) -> int:
        """See Store.next_ticket."""
        return int((await self._asked(scripts_shared.next_ticket(self._redis)))[0])

    async def add_callback(self, ticket: CallbackTicket) -> str:
        """See Store.add_callback."""
        known, is_new = await self._asked(scripts_shared.add_callback(self._redis, **self._told(ticket)))
        if ticket.number and not is_new:
            again = replace(ticket, ticket_id=str(known))
            await self._asked(scripts_shared.tell_callback_again(self._redis, **self._told(again)))
        return str(known)

    def _told(self, ticket: CallbackTicket) -> dict[str, Any]:
        return {
            "call_id": ticket.call_id,
            "ticket_id": ticket.ticket_id,
            "ticket": check_ticket(ticket),
            "ttl_seconds": self._ledger_ttl_seconds,
        }

    async def callbacks(self, since_id: str = "", *, count: int = 100) -> tuple[tuple[CallbackTicket, ...], str]:
        """See Store.callbacks."""
        page, after = await self._page_after(self.keys.callbacks, since_id, count)
        return tuple(callback_of(fields) for fields in page), after

    # --- lines ----------------------------------------------------------------------------------------------------
    async def wait_in_line(self, service: str, call_id: str, *, priority: int = 0) -> int:
        """See Store.wait_in_line."""
        check_priority(priority)
        waiting = scripts_shared.wait_in_line(self._redis, service=service, call_id=call_id, priority=priority)
        return int((await self._asked(waiting))[0])

    async def position(self, service: str, call_id: str) -> int:
        """See Store.position."""
        found = await self._asked(scripts_shared.position(self._redis, service=service, call_id=call_id))
        return int(found[0])

    async def leave_line(self, service: str, call_id: str) -> None:
        """See Store.leave_line."""
        await self._asked(scripts_shared.leave_line(self._redis, service=service, call_id=call_id))

    async def line(self, service: str) -> tuple[str, ...]:
        """See Store.line."""
        return tuple(await self._asked(scripts_shared.line(self._redis, service=service)))

    # --- humans on duty -------------------------------------------------------------------------------------------
    async def note_on_duty(self, human_id: str, *, seconds: float) -> None:
        """See Store.note_on_duty."""
        await self._asked(scripts_shared.note_on_duty(self._redis, human_id=human_id, seconds=seconds))

    async def humans_on_duty(self) -> int:
        """See Store.humans_on_duty."""
        return int((await self._asked(scripts_shared.humans_on_duty(self._redis)))[0])

    # --- workers --------------------------------------------------------------------------------------------------
    async def note_worker(self, status: WorkerStatus, *, seconds: float) -> None:
        """See Store.note_worker."""
        text = check_worker(status)
        noted = scripts_shared.note_worker(self._redis, worker_id=status.worker_id, status=text, seconds=seconds)
        await self._asked(noted)

    async def workers(self) -> tuple[WorkerStatus, ...]:
        """See Store.workers."""
        return tuple(unpack_worker(text) for text in await self._asked(scripts_shared.workers(self._redis)))

    # --- breakers -------------------------------------------------------------------------------------------------
    async def breaker_load(self, service: str) -> dict[str, str]:
        """See Store.breaker_load."""
        async with self._served():
            found: dict[Any, Any] = await self._client.hgetall(self.keys.breaker(service))
        return found

    async def breaker_swap(self, service: str, expected_version: int, new: Mapping[str, str]) -> bool:
        """See Store.breaker_swap."""
        check_breaker(new)
        swapped = scripts_shared.breaker_swap(self._redis, service=service, expected_version=expected_version, new=new)
        return bool((await self._asked(swapped))[0])

    # --- rooms that LiveKit told of -------------------------------------------------------------------------------
    async def note_room(self, room: str, list_: RoomList, *, event_id: str, after_seconds: float) -> bool:
        """See Store.note_room."""
        noted = scripts_shared.note_room(
            self._redis, room=room, list_=list_, event_id=event_id, after_seconds=after_seconds
        )
        return bool((await self._asked(noted))[0])

    async def rooms_due(self, list_: RoomList, *, again_seconds: float, limit: int = 100) -> tuple[str, ...]:
        """See Store.rooms_due."""
        due = scripts_shared.rooms_due(self._redis, list_=list_, again_seconds=again_seconds, limit=limit)
        return tuple(await self._asked(due))

    async def forget_room(self, room: str, list_: RoomList) -> None:
        """See Store.forget_room."""
        await self._asked(scripts_shared.forget_room(self._redis, room=room, list_=list_))
