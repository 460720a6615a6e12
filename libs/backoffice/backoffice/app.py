"""The HTTP side: /mcp for the agents, /health/live and /health/ready for whoever watches the process."""

from __future__ import annotations

from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from backoffice.database import Database
from backoffice.office import BackOffice


def app(office: BackOffice, database: Database, *, host: str) -> Starlette:
    """The application to serve on ``host``. Bound to loopback, it answers to loopback names only (DNS rebinding)."""

    async def live(request: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(request: Request) -> Response:
        if await run_in_threadpool(database.ping):
            return JSONResponse({"status": "ready", "reason": ""})
        return JSONResponse({"status": "not_ready", "reason": "database_unreachable"}, status_code=503)

    is_loopback = host in ("127.0.0.1", "localhost", "::1")
    application = office.streamable_http_app(
        streamable_http_path="/mcp",
        host=host,
        # Elsewhere (a sidecar bound to all interfaces) the names under which it is reached are not known here.
        transport_security=None if is_loopback else TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    application.routes.extend([Route("/health/live", live), Route("/health/ready", ready)])
    return application
