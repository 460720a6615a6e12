"""The doors of a worker's main process: metrics, health, and the handoff contract, each on a port of its own."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

from aiohttp import web
from handoff.taker import Listener, Taker, serve
from handoff.tls import Certificates, UnusableCertificates

from worker.main_process import health
from worker.main_process.observe import Metrics
from worker.settings import Settings


class BootFailed(Exception):
    """Why this worker cannot begin, one line a problem."""


async def open_all(
    closing: AsyncExitStack,
    settings: Settings,
    *,
    metrics: Metrics,
    readiness: health.Readiness,
    taker: Taker,
    certificates: Certificates | None = None,
) -> None:
    """Opens all of them; ``closing`` closes them in reverse order. Raises BootFailed, naming the variable to mend."""
    host = settings.bind_host
    with listening("VOICEMESH_METRICS_PORT", host, settings.metrics_port):
        closing.callback(metrics.serve(host=host, port=settings.metrics_port).shutdown)
    runner = web.AppRunner(health.application(readiness), access_log=None)
    await runner.setup()
    closing.push_async_callback(runner.cleanup)
    with listening("VOICEMESH_HEALTH_PORT", host, settings.health_port):
        await web.TCPSite(runner, host, settings.health_port).start()
    with listening("VOICEMESH_GRPC_PORT", host, settings.grpc_port):
        grpc_server = await _serve(taker, settings, certificates)
    closing.push_async_callback(grpc_server.stop, 0.5)


async def _serve(taker: Taker, settings: Settings, certificates: Certificates | None) -> Listener:
    try:
        return await serve(taker, host=settings.bind_host, port=settings.grpc_port, certificates=certificates)
    except UnusableCertificates as e:
        raise BootFailed(f"VOICEMESH_TLS_DIR: {e}; mend the file, or leave the variable empty everywhere") from None


@contextmanager
def listening(variable: str, host: str, port: int) -> Iterator[None]:
    """Turns an OSError of a port into a BootFailed that a person can act on."""
    try:
        yield
    except OSError as e:
        if e.errno == errno.EADDRINUSE:
            raise BootFailed(f"{variable}: port {port} is in use; free it, or set {variable} to a free one") from None
        where, why = f"{host}:{port}", e.strerror or type(e).__name__
        raise BootFailed(f"{variable}: cannot listen on {where} ({why}); mend it or VOICEMESH_BIND_HOST") from None
