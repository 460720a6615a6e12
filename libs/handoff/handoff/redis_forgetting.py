"""The Redis store's part for forgetting a call: see ``Store.forget_call`` and scripts_forgetting.py."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import suppress

from handoff import scripts_forgetting
from handoff.redis_link import RedisLink

_PAGE = 1000
FORGOTTEN = ("calls", "handoffs", "endings", "callbacks", "callbacks_due", "callbacks_done", "callback_places", "lists")
"""What is counted, in the order in which the script answers."""


class RedisForgetting(RedisLink):
    """Finds what the streams have of a call, which no script should search, and removes it together with the call in one step."""

    async def forget_call(self, call_id: str) -> dict[str, int]:
        """See Store.forget_call."""
        streams = (self.keys.ledger, self.keys.callbacks, self.keys.callbacks_due, self.keys.callbacks_done)
        entries: dict[str, list[str]] = {stream: [] for stream in streams}
        async with self._served():
            known = await self._client.get(self.keys.callback_of(call_id))
        tickets = {str(known)} if known else set[str]()
        for stream in streams:
            async for entry_id, of_call, ticket_id in self._read(stream):
                if of_call == call_id:
                    entries[stream].append(entry_id)
                    tickets |= {ticket_id} - {""}
        answer = scripts_forgetting.forget_call(
            self._redis,
            call_id=call_id,
            entries={stream: json.dumps(ids) for stream, ids in entries.items()},
            ticket_ids=sorted(tickets),
        )
        return dict(zip(FORGOTTEN, map(int, await self._asked(answer)), strict=True))

    async def _read(self, stream: str) -> AsyncIterator[tuple[str, str, str]]:
        """Of each entry: its id, its call, its ticket. One of a newer release is read as far as these three."""
        start = "-"
        while page := await self._page(stream, start, _PAGE):
            for entry_id, fields in page:
                told = dict(fields)
                with suppress(ValueError):
                    told |= json.loads(told.get("ticket", "{}"))
                yield str(entry_id), str(told.get("call_id", "")), str(told.get("ticket_id", ""))
            start = f"({page[-1][0]}"
