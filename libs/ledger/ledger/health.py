"""What Kubernetes and people ask: does the process live, and is every ending written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web


def application(reason: Callable[[], str]) -> web.Application:
    """``/health/live`` is 200 while the event loop turns; ``/health/ready`` is 200, or 503 with the reason. ``reason`` may
    block: it is asked in a thread."""

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def ready(_: web.Request) -> web.Response:
        found = await asyncio.to_thread(reason)
        body = {"status": "not_ready" if found else "ready", "reason": found}
        return web.json_response(body, status=503 if found else 200)

    app = web.Application()
    app.add_routes([web.get("/health/live", live), web.get("/health/ready", ready)])
    return app
