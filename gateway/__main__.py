"""`python -m gateway`: serves the call page until SIGTERM. Exit codes: 0 stopped, 2 the settings are not usable."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

import uvicorn
from handoff.redis_store import RedisStore

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
    return asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    store, rooms = RedisStore.connect(settings.redis_url), LiveKitRooms(settings)
    config = uvicorn.Config(
        application(settings, store, rooms),
        host=settings.bind_host,
        port=settings.http_port,
        access_log=False,  # who called is nobody's business
        server_header=False,
        log_config=None,  # as all others: see log_as_lines
        timeout_graceful_shutdown=5,
    )
    looking = asyncio.create_task(FinishedRooms(store, rooms).run())
    try:
        await uvicorn.Server(config).serve()
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        await store.aclose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
