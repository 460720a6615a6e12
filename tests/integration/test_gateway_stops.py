"""A gateway that is told to stop, as every deploy does, while somebody looks at the console."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import aiohttp

from local.supervisor.mesh import Mesh

_SOON_SECONDS = 20.0
"""Only bounds a test that hangs."""


async def test_a_console_that_is_open_keeps_no_gateway_from_stopping_in_order(tmp_path: Path) -> None:
    async with Mesh(tmp_path / "run", services=(), without=("livekit", "speech"), for_browsers=True) as mesh:
        gateway, site = mesh.process("gateway"), mesh.page_url.rstrip("/")
        # A cookie of an address without a name is kept only by an unsafe jar.
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar, headers={"origin": site}) as browser:
            await browser.post(f"{site}/api/console/session", json={"secret": mesh.staff_secret})
            async with asyncio.timeout(_SOON_SECONDS), browser.get(f"{site}/api/console/events") as events:
                assert (await events.content.readline()).startswith(b"data: ")
                gateway.send(signal.SIGTERM)
                await events.read()  # to its end, and without a broken line
                assert await gateway.wait_exit() == 0
        printed = gateway.log_tail(1000)
        assert "running task" not in printed, "nobody had to be cancelled"
        assert "Traceback" not in printed
