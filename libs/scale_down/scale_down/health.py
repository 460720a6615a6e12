"""What Kubernetes and people ask: does the process live, and do its rounds succeed."""

from __future__ import annotations

import time
from collections.abc import Callable

from aiohttp import web

FAILING_SECONDS = 30.0
"""Rounds may fail for so long, as while an API server is upgraded, before we say that we are not ready."""


class Readiness:
    """Ready after the first good round; not ready when none has been good for FAILING_SECONDS."""

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began_at = now()
        self._good_at: float | None = None

    def good_round(self) -> None:
        """One has just ended."""
        self._good_at = self._now()

    @property
    def lag_seconds(self) -> float:
        """Since the last good round; before the first one, since the start."""
        return self._now() - (self._began_at if self._good_at is None else self._good_at)

    @property
    def reason(self) -> str:
        """Why costs are not kept now; empty when they are."""
        if self._good_at is None:
            return "no_round_yet"
        return "rounds_fail" if self.lag_seconds > FAILING_SECONDS else ""


def application(readiness: Readiness) -> web.Application:
    """``/health/live`` is 200 while the event loop turns; ``/health/ready`` is 200, or 503 with the reason."""

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def ready(_: web.Request) -> web.Response:
        reason = readiness.reason
        body = {"status": "not_ready" if reason else "ready", "reason": reason}
        return web.json_response(body, status=503 if reason else 200)

    app = web.Application()
    app.add_routes([web.get("/health/live", live), web.get("/health/ready", ready)])
    return app
