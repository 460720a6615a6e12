"""`python -m scale_down`: what is made in which order, and how it stops.

Boot: settings and the ServiceAccount's files -> metrics -> health (live at once, ready after the first good round) -> rounds.
Stop: SIGTERM -> the round in progress ends (bounded) -> health, metrics and connections close. Nothing is kept: whoever comes next
reads from the API server what stands on the pods. Two of them at a time write the same, and do no harm.
Exit codes: 0 stopped, 2 the settings, the ServiceAccount's files or a port are not usable.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack

from aiohttp import ClientSession, DummyCookieJar, web

from scale_down import health
from scale_down.api import KubernetesApi
from scale_down.log_lines import log_as_lines
from scale_down.metrics import Metrics
from scale_down.rounds import Rounds
from scale_down.settings import Settings, SettingsError

log = logging.getLogger("scale_down.run")

_FINISH_SECONDS = 3.0
"""More than a round takes while the API server answers."""


def run() -> int:
    """Runs until SIGTERM or Ctrl-C; returns the exit code."""
    try:
        settings = Settings.from_env()
    except SettingsError as e:
        print(f"scale-down: {e}", file=sys.stderr)
        return 2
    log_as_lines(settings.log_level)
    return asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    readiness = health.Readiness()
    metrics = Metrics(lag=lambda: readiness.lag_seconds)
    async with AsyncExitStack() as closing:
        try:
            await _listen(settings, readiness, metrics, closing)
        except OSError as e:
            print(
                f"scale-down: cannot listen on VOICEMESH_METRICS_PORT {settings.metrics_port} or VOICEMESH_HEALTH_PORT"
                f" {settings.health_port} of {settings.bind_host} ({e.strerror or type(e).__name__}): give free ones",
                file=sys.stderr,
            )
            return 2
        session = await closing.enter_async_context(client())
        api = KubernetesApi(settings, session)
        rounds = Rounds(api, session, pod_port=settings.pod_port, metrics=metrics, readiness=readiness)
        running = asyncio.create_task(rounds.run(stop, every_seconds=settings.round_seconds))
        log.info("deletion costs of namespace %s are kept", settings.namespace)
        await stop.wait()
        await asyncio.wait({running}, timeout=_FINISH_SECONDS)
        running.cancel()
        await asyncio.wait({running})
    return 0


def client() -> ClientSession:
    """For the API server and the pods: nothing of one answer is carried into another, and nothing is unpacked."""
    return ClientSession(
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        headers={"User-Agent": "voicemesh-scale-down", "Accept-Encoding": "identity"},
    )


async def _listen(settings: Settings, readiness: health.Readiness, metrics: Metrics, closing: AsyncExitStack) -> None:
    server = metrics.serve(host=settings.bind_host, port=settings.metrics_port)
    closing.callback(server.shutdown)
    runner = web.AppRunner(health.application(readiness), access_log=None)
    await runner.setup()
    closing.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, settings.bind_host, settings.health_port).start()
