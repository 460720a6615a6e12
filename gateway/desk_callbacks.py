"""Callbacks that are due, for the humans of the desk: one claims it, calls by his own telephone, and says that he has called.

What is shown is what the house has: the ticket, the service, why nobody could take the call, and, as long as the call's record is kept,
what it was about. The number that a caller gave for it is shown to the one human who has claimed the callback, of any other number the last
two digits: whose system has the whole of it shows it there.
"""

from __future__ import annotations

import logging
import re
from typing import Any

from handoff.call import Call, Channel, Intent
from handoff.context import safe_turns
from handoff.errors import HandoffError, StoreUnavailable
from handoff.ledger import DueCallback
from handoff.store import Store
from handoff.summary import summarise

from gateway.codes import HIDDEN
from gateway.desk_badge import Badge
from gateway.desk_floor import Gone

log = logging.getLogger("gateway.desk")

CLAIM_SECONDS = 1800.0
"""How long a callback is one human's: who has not called by then is not calling."""
_SHOWN = 50
"""Most callbacks in the list: nobody reads on."""
_TURNS = 40
_NUMBER = re.compile(r"(?:\+|sip_)\d{3,13}(\d\d)$")

Told = dict[str, Any]


class Callbacks:
    """The queue of due callbacks, read from the store. Everything raises StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def due(self, badge: Badge) -> list[Told]:
        """What waits, longest due first."""
        now = await self._store.now()
        return [_in_brief(due, badge, now) for due in await self._waiting()]

    async def look(self, badge: Badge, ticket_id: str, call_id: str) -> Told:
        """All that is known of one. Raises Gone when it waits no longer."""
        now = await self._store.now()
        for due in await self._waiting():
            if (due.ticket_id, due.call_id) == (ticket_id, call_id):
                return _in_brief(due, badge, now) | _in_full(
                    due, await self._call(call_id), is_mine=due.claimed_by == badge.human_id
                )
        raise Gone("nobody waits for this callback any more")

    async def claim(self, badge: Badge, ticket_id: str, call_id: str) -> None:
        """This human calls. Raises Gone when a colleague was faster."""
        if not await self._claimed(badge, ticket_id, call_id, CLAIM_SECONDS):
            raise Gone("a colleague was faster, or the callback is done")
        log.info("a human calls back", extra={"call_id": call_id})

    async def let_go(self, badge: Badge, ticket_id: str, call_id: str) -> None:
        """He does not call after all."""
        await self._claimed(badge, ticket_id, call_id, 0)

    async def close(self, badge: Badge, ticket_id: str, call_id: str) -> None:
        """He has called. Raises Gone when the callback is not his (any more)."""
        if not await self._store.close_callback(ticket_id, call_id, human_id=badge.human_id):
            raise Gone("the callback is not yours (any more)")
        log.info("a human has called back", extra={"call_id": call_id})

    async def _claimed(self, badge: Badge, ticket_id: str, call_id: str, seconds: float) -> bool:
        return await self._store.claim_callback(
            ticket_id, call_id, human_id=badge.human_id, name=badge.name, seconds=seconds
        )

    async def _waiting(self) -> tuple[DueCallback, ...]:
        try:
            return await self._store.callbacks_due(limit=_SHOWN)
        except StoreUnavailable:
            raise
        except HandoffError:
            return ()  # another release's: its own gateways show them

    async def _call(self, call_id: str) -> Call | None:
        """Its record, for an hour after its end; none that cannot be read."""
        try:
            return await self._store.load_call(call_id)
        except StoreUnavailable:
            raise
        except HandoffError:
            return None


def _in_brief(due: DueCallback, badge: Badge, now: float) -> Told:
    return {
        "ticket_id": due.ticket_id,
        "call_id": due.call_id,
        "about": due.service,
        "due_at": due.due_at,
        "late_seconds": max(0, round(now - due.due_at)),
        "claimed_by": due.claimed_name,
        "is_mine": due.claimed_by == badge.human_id,
    }


def _in_full(due: DueCallback, call: Call | None, *, is_mine: bool) -> Told:
    return {
        "reason": due.reason.replace("_", " "),
        "channel": due.channel,
        "number": _number(due, call, is_mine=is_mine),
        "caller": call.display_name if call is not None else "",
        "summary": _summary(due, call) if call is not None else "",
    }


def _number(due: DueCallback, call: Call | None, *, is_mine: bool) -> str:
    """The one that the caller gave, whole for who calls him; else what the call's record has of the one he called from."""
    if due.number:
        return due.number if is_mine else f"{HIDDEN}{due.number[-2:]}"
    found = _NUMBER.search(call.caller_identity) if call is not None and call.channel is Channel.PHONE else None
    return f"{HIDDEN}{found[1]}" if found else ""


def _summary(due: DueCallback, call: Call) -> str:
    return summarise(call.intent or Intent(due.service, 0.9, "ticket"), (), safe_turns(call, last=_TURNS))
