"""What the ledger does again and again, whatever happens to Redis or to the database meanwhile."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

from handoff.errors import StoreUnavailable, WireMismatch
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger("ledger.duties")


class Duty:
    """One of them; ``name`` is its metric label. ``problem`` is what keeps it from being done, empty when it was done the last time it was tried."""

    def __init__(
        self,
        name: str,
        do: Callable[[], Awaitable[object]],
        *,
        every_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.problem = "not_done_yet"
        self._do, self._every_seconds, self._monotonic = do, every_seconds, monotonic
        self._done_at = monotonic()

    @property
    def lag_seconds(self) -> float:
        """Since it was done the last time, or since the start."""
        return self._monotonic() - self._done_at

    async def run(self, stop: asyncio.Event) -> None:
        """Until it is told to stop; what it is doing then is finished."""
        stopping = asyncio.create_task(stop.wait())
        while not stop.is_set():
            await self.try_once()
            await asyncio.wait({stopping}, timeout=self._every_seconds)

    async def try_once(self) -> None:
        """Does it, or notes why not. An outage is logged once, not each time."""
        try:
            await self._do()
        except StoreUnavailable:
            self._failed("redis_unreachable", "Redis did not answer")
        except SQLAlchemyError as e:
            # Only the kind: the statement and its parameters are nobody's business.
            self._failed("database_unreachable", f"the database failed ({type(e).__name__})")
        except WireMismatch:
            self._failed("unreadable", "a line is there that this release cannot read; a newer one can")
        except Exception as e:  # noqa: BLE001  a duty that ends is a ledger that has stopped, and nobody would know
            self._failed("fault", f"a fault ({type(e).__name__} at {_where(e)})")
        else:
            if self.problem not in ("", "not_done_yet"):
                log.info("the duty %r goes on", self.name)
            self.problem, self._done_at = "", self._monotonic()

    def _failed(self, problem: str, words: str) -> None:
        if self.problem != problem:
            log.error("the duty %r waits: %s", self.name, words)
        self.problem = problem


def _where(e: Exception) -> str:
    *_, (frame, line) = traceback.walk_tb(e.__traceback__)
    return f"{Path(frame.f_code.co_filename).name}:{line}"
