"""What a worker tells the mesh of itself for as long as it lives: how many places it has, how many of them are taken, and why no call can
come to it. The gateway's console shows it; who takes a call is decided by whoever is asked (admission), never by this.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable

from handoff.errors import StoreUnavailable
from handoff.store import Store, WorkerStatus

from worker.main_process.admission import Admission
from worker.main_process.health import Readiness

log = logging.getLogger("voicemesh.heartbeat")

BEAT_SECONDS = 1.0
GONE_SECONDS = 5.0
"""Who has not told for so long is gone: four beats may be lost, or late on a busy machine."""


class Heartbeat:
    """One per main process. ``run`` never returns; cancel it."""

    def __init__(
        self,
        service: str,
        *,
        store: Store,
        admission: Admission,
        readiness: Readiness,
        version: str = "",
        is_canary: bool = False,
        told: Callable[[bool], None] = lambda reached: None,
    ) -> None:
        """``told`` hears after each beat whether it reached the store."""
        self._worker_id = f"{service}-{secrets.token_hex(6)}"
        self._service = service
        self._store = store
        self._admission = admission
        self._readiness = readiness
        self._version = version
        self._is_canary = is_canary
        self._told = told

    async def run(self) -> None:
        """Beats every BEAT_SECONDS."""
        while True:
            await self._beat(GONE_SECONDS)
            await asyncio.sleep(BEAT_SECONDS)

    async def leave(self) -> None:
        """The worker is gone from now on, and nobody has to miss it first."""
        await self._beat(0.0)

    async def _beat(self, seconds: float) -> None:
        status = WorkerStatus(
            self._worker_id,
            self._service,
            capacity=self._admission.capacity,
            taken=self._admission.taken,
            away=self._readiness.away,
            is_canary=self._is_canary,
            version=self._version,
        )
        try:
            await self._store.note_worker(status, seconds=seconds)
            self._told(True)
        except StoreUnavailable:
            self._told(False)  # and again soon; that the store is away is said by those who need it
        except Exception:  # one that stopped beating would be missed though it lives
            log.exception("a heartbeat failed")
