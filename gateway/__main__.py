"""`python -m gateway`: serves the call page until SIGTERM. Exit codes: 0 stopped, 2 the settings are not usable."""

from __future__ import annotations

import asyncio
import sys

import uvicorn
from handoff.redis_store import RedisStore

from gateway.app import application
from gateway.settings import Settings, SettingsError


def main() -> int:
    """Runs until it is told to stop."""
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 2
    return asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    store = RedisStore.connect(settings.redis_url)
    config = uvicorn.Config(
        application(settings, store),
        host=settings.bind_host,
        port=settings.http_port,
        access_log=False,  # who called is nobody's business
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )
    try:
        await uvicorn.Server(config).serve()
    finally:
        await store.aclose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
