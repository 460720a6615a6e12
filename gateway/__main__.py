"""`python -m gateway`: serves the call page until SIGTERM.

Exit codes: 0 stopped, 1 a port cannot be listened on, 2 the settings are not usable.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import uvicorn
from handoff.redis_store import RedisStore
from telemetry import tracing

from gateway import metrics
from gateway.app import application
from gateway.finished_rooms import FinishedRooms
from gateway.log_lines import log_as_lines
from gateway.rooms import LiveKitRooms
from gateway.settings import Settings, SettingsError


def main() -> int:
    """Runs until it is told to stop."""
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 2
    log_as_lines()
    try:
        shown = metrics.serve(host=settings.bind_host, port=settings.metrics_port)
    except OSError as error:
        print(
            f"gateway: cannot listen on VOICEMESH_METRICS_PORT {settings.metrics_port} of {settings.bind_host}"
            f" ({error.strerror or type(error).__name__}): give a free one",
            file=sys.stderr,
        )
        return 1
    tracing.start("gateway", endpoint=settings.otlp_endpoint)
    try:
        return asyncio.run(_serve(settings))
    finally:
        shown.shutdown()
        tracing.stop()


async def _serve(settings: Settings) -> int:
    store, rooms = RedisStore.connect(settings.redis_url), LiveKitRooms(settings)
    app = application(settings, store, rooms)
    config = uvicorn.Config(
        app,
        host=settings.bind_host,
        port=settings.http_port,
        access_log=False,  # who called is nobody's business
        server_header=False,
        proxy_headers=False,  # whom a proxy is believed to have seen is a setting of ours (VOICEMESH_PROXIES)
        log_config=None,  # as all others: see log_as_lines
        timeout_graceful_shutdown=5,
    )
    looking = asyncio.create_task(FinishedRooms(store, rooms).run())
    try:
        await _Server(config, end_streams=app.state.end_streams).serve()
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        await store.aclose()
    return 0


class _Server(uvicorn.Server):
    """Told to stop, it first ends what would not end by itself; told again, it waits for nobody."""

    def __init__(self, config: uvicorn.Config, *, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn's own would raise the signal once more when it has shut down, and SIGTERM ends a process before its store is closed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_stop)
        yield

    def _told_to_stop(self) -> None:
        self.force_exit, self.should_exit = self.should_exit, True
        self._end_streams()


if __name__ == "__main__":
    sys.exit(main())
