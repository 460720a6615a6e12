"""The second way to a human: he is called by telephone, one number after the other, while the caller waits in a line of its own.

Each number is one offer, and one switchboard (switchboard.py), a job that calls it. The switchboard notes itself as the taker when it
begins (DISPATCHED), is READY when its human has pressed the key, and withdraws the offer when he does not take the call: then the
next number has its turn.
"""

from __future__ import annotations

import asyncio
import logging

from handoff.desk import TELEPHONE, new_human_id
from handoff.directory import LAST_RESORT
from handoff.errors import PeerUnreachable
from handoff.lifecycle import FINAL, State
from handoff.store import Handoff, Store
from livekit import api

from worker.handover.passing import LIVEKIT_AWAY, Manner
from worker.recovery.rooms import consultation_of
from worker.settings import Settings

log = logging.getLogger("voicemesh.person")

NUMBER = "telephone"
"""The dispatch's attribute that makes a job a switchboard: which of the settings' telephones it calls, from 0. Never the number."""
_COMES_SECONDS = 12.0
"""From the dispatch to a switchboard that is at work: on a busy machine its process has to be started first."""
_CONSULTS_SECONDS = 90.0
"""Longest from an answered telephone to the key. The switchboard itself gives up sooner; this is for one that is lost."""
_OPENS_SECONDS = 5.0
"""From the floor to the human's voice; it takes milliseconds."""
_DISPATCH_SECONDS = 3.0


class ByTelephone:
    """See person.Way."""

    line = TELEPHONE

    def __init__(self, *, lkapi: api.LiveKitAPI, store: Store, call_id: str, settings: Settings) -> None:
        self._api = lkapi
        self._store = store
        self._call_id = call_id
        self._phones = len(settings.desk_phones)
        self._called_seconds = settings.desk_ring_seconds + _CONSULTS_SECONDS
        self._tried = self._first = 0
        self.seconds = self._phones * (_COMES_SECONDS + self._called_seconds)
        # Its switchboard is a process of ours, which renews as an agent's does.
        self.manner = Manner(is_told=False, lease_seconds=settings.lease_seconds, spoken_seconds=_OPENS_SECONDS)

    async def is_open(self) -> bool:
        """Whether there is anybody to call. Who answers is seen then."""
        return self._phones > 0

    async def begin(self) -> None:
        """All numbers may be called again."""
        self._tried = 0

    async def may_be_taken(self, offer: Handoff | None) -> bool:
        """Whether a number is being called, or others have the turn: no more callers at once than there are telephones."""
        if offer is not None and await self._is_called(offer):
            return True
        if offer is not None:
            self._tell(offer)
        if self._tried == self._phones:
            raise PeerUnreachable("no number is left")
        place = await self._store.position(self.line, self._call_id)
        if place > self._phones:
            return True
        if not self._tried:
            self._first = max(place - 1, 0)  # who stands before has the numbers before
        return False

    async def _is_called(self, offer: Handoff) -> bool:
        limit = {State.ACCEPTED: _COMES_SECONDS, State.DISPATCHED: self._called_seconds}.get(offer.state)
        return limit is not None and await self._store.now() - offer.moved_at[offer.state] < limit

    def _tell(self, offer: Handoff) -> None:
        reason = offer.reason if offer.state in FINAL else "no switchboard" if offer.state is State.ACCEPTED else "lost"
        log.info("telephone %d of %d: %s", self._tried, self._phones, reason, extra={"call_id": self._call_id})

    async def offered(self, handoff_id: str) -> None:
        """Sends a switchboard for the next number. Raises PeerUnreachable when LiveKit takes no dispatch."""
        human_id = new_human_id()
        number = (self._first + self._tried) % self._phones
        self._tried += 1
        request = api.CreateAgentDispatchRequest(
            agent_name=LAST_RESORT,
            room=consultation_of(human_id),
            restart_policy=api.JobRestartPolicy.JRP_NEVER,
            attributes={
                NUMBER: str(number),
                "handoff_id": handoff_id,
                "call_id": self._call_id,
                "agent_id": human_id,
            },
        )
        try:
            async with asyncio.timeout(_DISPATCH_SECONDS):
                await self._api.agent_dispatch.create_dispatch(request)
        except LIVEKIT_AWAY as e:
            raise PeerUnreachable(f"no switchboard can be sent for: {type(e).__name__}") from None
