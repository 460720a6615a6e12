"""The giver's side of a canary: whether this call's handoff to a service goes to its canary, and what came of it.

A canary must never make a call worse than it would be without one. It is asked only for what the service's other workers had room
for a moment ago; when it says no, or does not answer, they are asked in the same breath, before anything was announced; when it fails
later, they get the call with the words that a second try always has (ladder.py). Without the store nobody is sent to a canary.

What counts: SPOKEN is good. Bad are an offer that is not answered, or that only a worker which does not understand it would refuse,
and an agent that does not get ready, is lost, or stays silent. A canary that is full, or drains, or whose caller left, has done nothing wrong.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from handoff.canary import Canary, tell_stopped
from handoff.context import HandoffContext
from handoff.errors import HandoffError
from handoff.giver import Giver
from handoff.outcome import Accepted, Declined, Refusal
from handoff.store import Store

log = logging.getLogger("voicemesh.canary")

FAULTS = frozenset(
    {"unreachable", "not_ready", "lost", "silent", "WireMismatch", Refusal.INVALID, Refusal.WRONG_SERVICE}
)
"""What counts against a canary, in the words of the protocol."""
_STORE_SECONDS = 0.5
"""Longest that a caller waits for the store's word about a canary, and a job for its count to be heard."""


class CanaryShare:
    """Of one call. A canary that has failed in it gets it no more."""

    def __init__(self, store: Store, giver: Giver, call_id: str) -> None:
        self._store = store
        self._giver = giver
        self._call_id = call_id
        self._failed: set[str] = set()

    async def accepts(self, context: HandoffContext, service: str) -> Canary | None:
        """Offers the call to the service's canary when it is in its share: the canary as it accepted, or None, and somebody else is to
        be asked. The same handoff may then be offered again: the store that all share knows it."""
        canary = await self._of(service)
        if canary is None:
            return None
        try:
            outcome = await self._giver.offer(context, service, among=canary.agent_name)
        except HandoffError as e:  # a WireMismatch: it is of a release that says nothing which we understand
            reason = type(e).__name__
        else:
            if isinstance(outcome, Accepted):
                return replace(canary, version=outcome.version)  # while one version replaces another, both are there
            reason = outcome.reason.value if isinstance(outcome, Declined) else "unreachable"
        log.info(
            "the canary of %s is passed over: %s",
            service,
            reason,
            extra={"call_id": self._call_id, "handoff_id": context.handoff_id},
        )
        await self.failed(canary, reason)
        return None

    async def _of(self, service: str) -> Canary | None:
        if service in self._failed:
            return None
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                canary = await self._store.canary(service)
        except (HandoffError, TimeoutError):
            return None
        return canary if canary is not None and canary.gets(self._call_id) else None

    async def spoken(self, canary: Canary) -> None:
        """The caller heard it."""
        await self._count(canary, is_spoken=True)

    async def failed(self, canary: Canary, reason: str) -> None:
        """The handoff went wrong, or never began. Counted only for a reason that is a fault of the canary's."""
        if reason in FAULTS:
            self._failed.add(canary.service)
            await self._count(canary, is_spoken=False)

    async def _count(self, canary: Canary, *, is_spoken: bool) -> None:
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                stopped = await self._store.count_canary(canary.service, version=canary.version, is_spoken=is_spoken)
        except (HandoffError, TimeoutError) as e:
            log.info("a canary's handoff was not counted: %s", type(e).__name__, extra={"call_id": self._call_id})
            return
        if stopped is not None:
            tell_stopped(stopped)
