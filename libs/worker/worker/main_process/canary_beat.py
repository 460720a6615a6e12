"""What the main process of a canary tells the mesh, beside its heartbeat: that this version is there, with which weight; and each of its
calls that lost its agent, for a version that dies in the middle of calls is no good either. What comes back is shown as metrics.
"""

from __future__ import annotations

import asyncio
import logging

from handoff.canary import Canary, tell_stopped
from handoff.errors import HandoffError, StoreUnavailable
from handoff.store import Store

from worker.main_process.health import Readiness
from worker.main_process.heartbeat import BEAT_SECONDS, GONE_SECONDS
from worker.main_process.observe import Metrics

log = logging.getLogger("voicemesh.canary")


class CanaryBeat:
    """One per main process of a canary. ``run`` never returns; cancel it."""

    def __init__(
        self, service: str, *, version: str, weight: int, store: Store, readiness: Readiness, metrics: Metrics
    ) -> None:
        """``weight`` in per cent."""
        self._service = service
        self._version = version
        self._weight = weight
        self._store = store
        self._readiness = readiness
        self._metrics = metrics
        self._asks = False
        """Whether the store was told last that calls may come."""
        self._has_told = False
        self._counting: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Beats every BEAT_SECONDS, while a call can come here; when none can any more, it says so once."""
        while True:
            if not self._readiness.away:
                await self._beat(GONE_SECONDS)
            else:
                await self.leave()
            await asyncio.sleep(BEAT_SECONDS)

    async def leave(self) -> None:
        """Nothing is sent to this version from now on; where more of its workers are there, they say so within a second."""
        if self._asks:
            await self._beat(0.0)

    async def _beat(self, seconds: float) -> None:
        try:
            seen = await self._store.note_canary(
                self._service, version=self._version, weight=self._weight, seconds=seconds
            )
        except StoreUnavailable:
            return  # told again soon
        except Exception:  # one that stopped beating would get nothing, and nobody would know why
            log.exception("a canary's heartbeat failed")
            return
        self._asks = seconds > 0
        self._show(seen)

    def _show(self, seen: Canary) -> None:
        if not self._has_told:
            self._has_told = True
            log.info("canary of %s, version %s: %d %% of its handoffs", seen.service, seen.version, seen.share)
        self._metrics.canary(share=seen.share, is_stopped=bool(seen.stopped_at))

    def lost_agent(self) -> None:
        """A call that was here has lost its agent."""
        task = asyncio.create_task(self._count_loss())
        self._counting.add(task)
        task.add_done_callback(self._counting.discard)

    async def _count_loss(self) -> None:
        try:
            stopped = await self._store.count_canary(self._service, version=self._version, is_spoken=False)
        except HandoffError as e:
            log.info("a lost agent was not counted: %s", type(e).__name__)
            return
        if stopped is not None:
            tell_stopped(stopped)
