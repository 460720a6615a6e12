"""The Redis store's part for callbacks whose time has come: see ``Store``."""

from __future__ import annotations

from handoff import scripts_callbacks
from handoff.ledger import DoneCallback, DueCallback
from handoff.record import check_due
from handoff.redis_link import RedisLink
from handoff.rows import done_of, due_of


class RedisCallbacks(RedisLink):
    """The queue for whoever calls back, and what came of it."""

    async def queue_callback(self, due: DueCallback) -> bool:
        """See Store.queue_callback."""
        check_due(due)
        return bool((await self._asked(scripts_callbacks.queue_callback(self._redis, due)))[0])

    async def callbacks_due(self, *, limit: int = 100) -> tuple[DueCallback, ...]:
        """See Store.callbacks_due."""
        found = await self._asked(scripts_callbacks.callbacks_due(self._redis, limit=limit))
        return tuple(sorted((due_of(values) for values in found), key=lambda due: due.due_at))

    async def claim_callback(self, ticket_id: str, call_id: str, *, human_id: str, name: str, seconds: float) -> bool:
        """See Store.claim_callback."""
        claimed = scripts_callbacks.claim_callback(
            self._redis, ticket_id=ticket_id, call_id=call_id, human_id=human_id, name=name, seconds=seconds
        )
        return bool((await self._asked(claimed))[0])

    async def close_callback(self, ticket_id: str, call_id: str, *, human_id: str) -> bool:
        """See Store.close_callback."""
        closed = scripts_callbacks.close_callback(
            self._redis,
            ticket_id=ticket_id,
            call_id=call_id,
            human_id=human_id,
            ttl_seconds=self._ledger_ttl_seconds,
        )
        return bool((await self._asked(closed))[0])

    async def drop_callback(self, ticket_id: str, call_id: str) -> None:
        """See Store.drop_callback."""
        await self._asked(scripts_callbacks.drop_callback(self._redis, ticket_id=ticket_id, call_id=call_id))

    async def callbacks_done(self, cursor: str = "", *, count: int = 100) -> tuple[tuple[DoneCallback, ...], str]:
        """See Store.callbacks_done."""
        page, after = await self._page_after(self.keys.callbacks_done, cursor, count)
        return tuple(done_of(fields) for fields in page), after
