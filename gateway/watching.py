"""One look at the store for all viewers: it begins when the first one comes, and ends when the last one has gone.

A look may be as dear as there are calls, and the same process lets callers in: so after each one there is a pause, of a second at least,
and of four times what the look took.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

log = logging.getLogger("gateway.watching")

LOOK_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
"""A proxy takes a connection on which nothing comes for a dead one."""
MOST_VIEWERS = 50
_REST = 4.0
"""A look takes a fifth of the time at most."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was seen, and when (store's clock, seconds since the epoch). Only ``seen`` decides whether it is news."""

    at: float
    seen: Mapping[str, Any]


class Watching:
    """Use from one event loop."""

    def __init__(
        self,
        look: Callable[[], Awaitable[Snapshot]],
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        keep_alive_seconds: float = KEEP_ALIVE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look, self._pause, self._monotonic = look, pause, monotonic
        self._keep_alive_seconds = keep_alive_seconds
        self._viewers = 0
        self._looking: asyncio.Task[None] | None = None
        self._latest: Snapshot | None = None
        self._number = 0
        self._news = asyncio.Event()
        self._is_closed = False

    @property
    def is_full(self) -> bool:
        """Whether one viewer more would be too many."""
        return self._viewers >= MOST_VIEWERS

    @property
    def is_looking(self) -> bool:
        """Whether the store is asked now and then."""
        return self._looking is not None

    async def follow(self) -> AsyncGenerator[str, None]:
        """What is seen as JSON, at once and whenever something has changed; an empty text when nothing has for a while. Close it
        (contextlib.aclosing). It ends by itself only when nobody is to look any more."""
        self._come()
        try:
            known = 0
            while not self._is_closed:
                news = self._news
                if self._number != known and self._latest is not None:
                    known = self._number
                    yield json.dumps({"at": self._latest.at, **self._latest.seen})
                    continue
                try:
                    async with asyncio.timeout(self._keep_alive_seconds):
                        await news.wait()
                except TimeoutError:
                    yield ""
        finally:
            self._go()

    def close(self) -> None:
        """Nobody is to look any more: a server that stops would wait for those who do."""
        self._is_closed = True
        self._tell_of_news()

    def _come(self) -> None:
        self._viewers += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_again_and_again())

    def _go(self) -> None:
        self._viewers -= 1
        if not self._viewers and self._looking is not None:
            self._looking.cancel()
            self._looking, self._latest = None, None  # old by the time that somebody comes

    async def _look_again_and_again(self) -> None:
        while True:
            began = self._monotonic()
            try:
                self._tell(await self._look())
            except Exception:  # one that stopped looking would show the same calls for ever
                log.exception("a look at the calls failed")
            await self._pause(max(LOOK_SECONDS, _REST * (self._monotonic() - began)))

    def _tell(self, snapshot: Snapshot) -> None:
        if self._latest is not None and self._latest.seen == snapshot.seen:
            return
        self._latest = snapshot
        self._number += 1
        self._tell_of_news()

    def _tell_of_news(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
