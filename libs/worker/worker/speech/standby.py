"""Providers of one thing in the order in which they are asked; one that failed rests, and is tried again beside the conversation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from livekit.agents import APIConnectOptions, APIError, APIStatusError
from telemetry import measure

log = logging.getLogger("voicemesh.standby")

REST_SECONDS = 20.0
"""How long a provider that failed is not tried again. Its next try costs no caller's time: another one answers him meanwhile."""
ONCE = APIConnectOptions(max_retry=0, timeout=2.0)
"""No retry inside a try: the next in line is the retry. ``timeout`` is for the connection alone."""
T = TypeVar("T")


class Standby(Generic[T]):
    """``providers`` in the order of preference; a single one stands in for itself, once: its next try may go well."""

    def __init__(self, what: str, providers: Sequence[T], *, rest_seconds: float = REST_SECONDS) -> None:
        """``what`` it is, for the log."""
        self._what = what
        self._providers = tuple(providers)
        self._rest_seconds = rest_seconds
        self._rests_until: dict[int, float] = {}
        self._probes: dict[int, asyncio.Task[None]] = {}

    @property
    def first(self) -> T:
        """The preferred one."""
        return self._providers[0]

    @property
    def all(self) -> tuple[T, ...]:
        """Every one, the preferred first."""
        return self._providers

    def in_turn(self) -> list[T]:
        """Whom to ask now, in order: who rests comes last."""
        if len(self._providers) == 1:
            return [self.first, self.first]
        return sorted(self._providers, key=lambda provider: id(provider) in self._rests_until)

    def failed(self, provider: T, fault: BaseException) -> None:
        """It did not answer, or refused: it rests. The fault's text may quote what was said, and is not logged."""
        status = f" {fault.status_code}" if isinstance(fault, APIStatusError) else ""
        log.warning("the %s failed: %s%s", self._what, type(fault).__name__, status)
        measure.count("voicemesh_fallbacks_total", {"kind": "voice" if self._what == "voice" else "ears"})
        self._rests_until[id(provider)] = asyncio.get_running_loop().time() + self._rest_seconds

    def served(self, provider: T, again: Callable[[T], Awaitable[Any]]) -> None:
        """It answered. Whoever has rested long enough is asked the same by ``again``, and is back when that goes well."""
        self._rests_until.pop(id(provider), None)
        now = asyncio.get_running_loop().time()
        for other in self._providers:
            known = id(other)
            rested = self._rests_until.get(known, now + 1) <= now
            if rested and (known not in self._probes or self._probes[known].done()):
                self._probes[known] = asyncio.create_task(self._probe(other, again))

    async def _probe(self, provider: T, again: Callable[[T], Awaitable[Any]]) -> None:
        try:
            await again(provider)
        except (APIError, TimeoutError):
            self._rests_until[id(provider)] = asyncio.get_running_loop().time() + self._rest_seconds
        else:
            self._rests_until.pop(id(provider), None)
            log.info("the %s is back", self._what)

    async def aclose(self) -> None:
        """Gives up what it tries in the background."""
        for probe in self._probes.values():
            probe.cancel()
        await asyncio.gather(*self._probes.values(), return_exceptions=True)
