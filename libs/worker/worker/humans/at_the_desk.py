"""The first way to a human: he is at the desk, in a browser, and takes the call when he sees it. All of his moves are the gateway's."""

from __future__ import annotations

import asyncio

from handoff.desk import DESK, LEASE_SECONDS
from handoff.errors import HandoffError, PeerUnreachable
from handoff.lifecycle import State
from handoff.store import Handoff, Store

from worker.handover.passing import Manner
from worker.settings import Settings

_ASKED_SECONDS = 0.3
_COMES_SECONDS = 25.0
"""From a human's "I take it" to his microphone in the room: his browser may ask him for it first."""
_OPENS_SECONDS = 5.0
"""From the floor to his open microphone: his page looks twice a second."""


class AtTheDesk:
    """See person.Way."""

    line = DESK
    manner = Manner(is_told=False, lease_seconds=LEASE_SECONDS, spoken_seconds=_OPENS_SECONDS)

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self.seconds = settings.desk_seconds

    async def is_open(self) -> bool:
        """Whether a human is on duty; no, when that cannot be told at once: a caller waits for the answer."""
        if not self.seconds:
            return False
        try:
            async with asyncio.timeout(_ASKED_SECONDS):
                return await self._store.humans_on_duty() > 0
        except (HandoffError, TimeoutError):
            return False

    async def begin(self) -> None:
        """Nothing is to be done: the humans see the line."""

    async def may_be_taken(self, offer: Handoff | None) -> bool:
        """Whether the offer stands in the queue, or is taken by one who is on his way."""
        if offer is not None and await self._is_coming(offer):
            return True
        if not await self._store.humans_on_duty():
            raise PeerUnreachable("no human is on duty any more")
        return offer is not None and offer.state is State.ACCEPTED

    async def _is_coming(self, offer: Handoff) -> bool:
        if offer.state is not State.DISPATCHED:
            return False
        return await self._store.now() - offer.moved_at[State.DISPATCHED] < _COMES_SECONDS

    async def offered(self, handoff_id: str) -> None:
        """Nobody is told: the queue shows it."""
