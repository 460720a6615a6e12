"""Everything that conversations share in one run: the services, their handoff listeners over real gRPC, the store, the back offices."""

from __future__ import annotations

import importlib
import importlib.util
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from handoff.context import HandoffContext
from handoff.directory import DIRECTORY
from handoff.giver import Giver, PoolStatus
from handoff.memory_store import MemoryStore
from handoff.outcome import Outcome
from handoff.store import Store
from handoff.taker import Taker, serve
from worker.main_process.admission import Admission
from worker.service import Service
from worker.settings import Settings

from local.eval.offices import HOST, Offices

_PATIENT_SECONDS = 20.0
"""For everything that must not fail because the machine is busy: an eval judges words and deeds, not speed."""
_STOP_SECONDS = 0.5
"""Channels that were closed a moment ago may still say goodbye."""
_SILENCE_SECONDS = 600.0
"""The caller of an eval is silent when the eval says so, not when the machine is slow."""


class House:
    """``async with House(folder) as house``. ``model`` are settings of a language model's server; without them the playbook
    answers."""

    def __init__(self, folder: Path, *, model: Mapping[str, Any] | None = None) -> None:
        self.services = find_services()
        self.store: Store = MemoryStore()
        self.offices = Offices(folder)
        self._model = dict(model or {})
        self._open: dict[str, str] = {}
        self._full: dict[str, str] = {}
        self._closing = AsyncExitStack()

    async def __aenter__(self) -> House:
        await self._closing.__aenter__()
        await self._closing.enter_async_context(self.offices)
        for service in self.services:
            self._open[service] = await self._listen(service, capacity=1000)
            self._full[service] = await self._listen(service, capacity=0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._closing.aclose()

    async def _listen(self, service: str, *, capacity: int) -> str:
        admission = Admission(capacity, running=lambda: 0, hold_seconds=_PATIENT_SECONDS)
        listener = await serve(Taker(service, "eval", store=self.store, admission=admission), host=HOST, port=0)
        self._closing.push_async_callback(listener.stop, _STOP_SECONDS)
        return f"{HOST}:{listener.port}"

    def giver(self, full: frozenset[str], *, busy: Mapping[str, int] | None = None) -> NotingGiver:
        """A giver for whom the services of ``full`` have no room, and those of ``busy`` none for so many looks."""
        return NotingGiver(self._open | {name: self._full[name] for name in full if name in self._full}, busy or {})

    def settings(self, *, mcp_url: str, hold_seconds: float = 0.0) -> Settings:
        """A worker's settings: its own defaults, but for addresses and patience."""
        return Settings(
            livekit_url="ws://livekit.invalid:7880",
            livekit_api_key="eval",
            livekit_api_secret="eval" * 8,
            redis_url="redis://redis.invalid:6379/0",
            speech_url="http://speech.invalid/v1",
            mcp_url=mcp_url,
            lease_seconds=60.0,
            hold_seconds=hold_seconds,
            silence_seconds=_SILENCE_SECONDS,
            ready_timeout_seconds=_PATIENT_SECONDS,
            spoken_timeout_seconds=_PATIENT_SECONDS,
            tool_timeout_seconds=_PATIENT_SECONDS,
            **self._model,
        )


class NotingGiver(Giver):
    """A Giver that keeps what it was asked to hand over. ``busy``: how many looks at a service find it full."""

    def __init__(self, peers: Mapping[str, str], busy: Mapping[str, int]) -> None:
        super().__init__(peers, offer_timeout_seconds=_PATIENT_SECONDS)
        self.offered: list[HandoffContext] = []
        self.while_waiting: Callable[[], Awaitable[None]] | None = None
        """What the caller does once he waits in line."""
        self._busy = dict(busy)
        self._looks: Counter[str] = Counter()

    async def offer(self, context: HandoffContext, to_service: str, *, among: str = "") -> Outcome:
        """See Giver.offer."""
        self.offered.append(context)
        return await super().offer(context, to_service, among=among)

    async def pool(self, to_service: str) -> PoolStatus:
        """See Giver.pool. A service that is looked at for the third time is waited for: once before an offer, then in line."""
        self._looks[to_service] += 1
        if self._looks[to_service] > 2 and self.while_waiting is not None:
            happening, self.while_waiting = self.while_waiting, None
            await happening()
        status = await super().pool(to_service)
        is_busy = self._looks[to_service] <= self._busy.get(to_service, 0)
        return replace(status, active=status.capacity) if is_busy else status


def find_services() -> dict[str, Service]:
    """The services of the directory that are installed."""
    names = [name for name in DIRECTORY if _is_there(name) and _is_there(f"{name}.agent")]
    return {name: importlib.import_module(f"{name}.agent").SERVICE for name in names}


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
