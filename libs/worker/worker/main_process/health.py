"""What Kubernetes and people ask a worker: is it alive, may it get calls, how many has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aiohttp import web


class Load(Protocol):
    """How full a worker is."""

    @property
    def capacity(self) -> int: ...
    @property
    def active(self) -> int: ...
    @property
    def draining(self) -> bool: ...


@dataclass(slots=True)
class Readiness:
    """What the worker knows about itself; run.py keeps it current."""

    load: Load
    initialized: bool = False
    registered: bool = False

    @property
    def away(self) -> str:
        """Why no call can come here now, however few are here; empty when one can."""
        if not self.initialized:
            return "worker_not_initialized"
        if self.load.draining:
            return "draining"
        return "" if self.registered else "livekit_disconnected"

    @property
    def reason(self) -> str:
        """Why no call should come here now; empty when one may."""
        if away := self.away:
            return away
        return "at_capacity" if self.load.active >= self.load.capacity else ""


def application(readiness: Readiness) -> web.Application:
    """``/health/live`` is 200 while the event loop turns; ``/health/ready`` is 200, or 503 with the reason; ``/health/serving`` is the
    same, but for a full worker: Kubernetes must go on showing it to those who offer calls, and hear its "full" as a word of its own."""

    def body(reason: str) -> dict[str, object]:
        return {
            "status": "not_ready" if reason else "ready",
            "reason": reason,
            "active_sessions": readiness.load.active,
            "capacity": readiness.load.capacity,
        }

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def ready(_: web.Request) -> web.Response:
        reason = readiness.reason
        return web.json_response(body(reason), status=503 if reason else 200)

    async def serving(_: web.Request) -> web.Response:
        away = readiness.away
        return web.json_response(body(away), status=503 if away else 200)

    app = web.Application()
    app.add_routes(
        [web.get("/health/live", live), web.get("/health/ready", ready), web.get("/health/serving", serving)]
    )
    return app
