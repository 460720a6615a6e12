"""Telephone lines: each places one spoken call after the other, so that as many calls go on at once as there are lines."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from handoff.redis_store import RedisStore

from bench.load.heard import Caller, HeardCall, call
from bench.load.mix import Dealer
from bench.load.target import Target

log = logging.getLogger("load.lines")

_APART_SECONDS = 4.0
"""Lines open one after the other: callers who all begin in the same second are another matter than callers who are there at once."""
_LEAVES_SECONDS = 60.0
"""What a call may take beyond its script's own bound: to join, to leave, to be measured."""


@dataclass
class Lines:
    """``callers`` by kind; what came of the calls is in ``done``, in the order in which they ended."""

    target: Target
    store: RedisStore
    callers: dict[str, Caller]
    dealer: Dealer
    pause_seconds: float = 2.0
    """From a call's end to the next call of its line."""
    on_call: Callable[[HeardCall], None] = lambda _: None
    done: list[HeardCall] = field(default_factory=list)
    live: int = 0

    async def hold(self, count: int, *, seconds: float, at_least: int = 1) -> list[HeardCall]:
        """Keeps ``count`` lines busy for ``seconds``, and until ``at_least`` calls have begun; calls that go on then are waited
        for. The calls that began in this time."""
        before, until, begun = len(self.done), time.monotonic() + seconds, 0

        async def line(number: int) -> None:
            nonlocal begun
            await asyncio.sleep(number * _APART_SECONDS)
            while time.monotonic() < until or begun < at_least:
                begun += 1
                await self._one()
                await asyncio.sleep(self.pause_seconds)

        async with asyncio.TaskGroup() as lines:
            for number in range(count):
                lines.create_task(line(number))
        return self.done[before:]

    async def _one(self) -> None:
        self.live += 1
        caller, began = self.callers[self.dealer.next()], time.monotonic()
        try:
            async with asyncio.timeout(caller.script.timeout_seconds + _LEAVES_SECONDS):
                heard = await call(caller, self.target, self.store)
        except Exception as error:  # one call that breaks the caller's own code must not end an hour of others
            log.exception("a call broke its caller")
            failure = f"the caller broke: {type(error).__name__}"
            heard = HeardCall(caller.kind, "", began, time.monotonic() - began, failures=(failure,))
        finally:
            self.live -= 1
        self.done.append(heard)
        self.on_call(heard)
