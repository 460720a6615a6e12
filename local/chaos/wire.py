"""A wire between a worker and what it leans on, that can be cut: what is sent stays in it, and arrives when it is mended.

Of LiveKit only the signalling runs through it (and the API); the media of a call is UDP and finds its own way. A partition of that kind
is what a broken load balancer or a full connection table makes.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

_HOST = "127.0.0.1"
_CHUNK = 65_536


class Wire:
    """A TCP proxy on loopback; ``close`` it."""

    def __init__(self, server: asyncio.Server, whole: asyncio.Event, pumps: set[asyncio.Task[None]]) -> None:
        self._server, self._whole, self._pumps = server, whole, pumps

    @classmethod
    async def to(cls, port: int, *, at: int = 0) -> Wire:
        """Leads to that port; begins ``at`` one that is free, any when 0."""
        whole, pumps = asyncio.Event(), set[asyncio.Task[None]]()
        whole.set()

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while data := await reader.read(_CHUNK):
                    await whole.wait()
                    writer.write(data)
                    await writer.drain()
            except (ConnectionError, OSError):
                pass
            finally:
                writer.close()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await whole.wait()
            try:
                far_reader, far_writer = await asyncio.open_connection(_HOST, port)
            except OSError:
                writer.close()
                return
            for task in (
                asyncio.create_task(carry(reader, far_writer)),
                asyncio.create_task(carry(far_reader, writer)),
            ):
                pumps.add(task)
                task.add_done_callback(pumps.discard)

        return cls(await asyncio.start_server(connected, _HOST, at), whole, pumps)

    @property
    def port(self) -> int:
        """Where it begins."""
        return int(self._server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Nothing comes through, and nobody is told."""
        self._whole.clear()

    def mend(self) -> None:
        """What was sent meanwhile arrives."""
        self._whole.set()

    async def close(self) -> None:
        """Its connections break."""
        self._server.close()
        for task in self._pumps:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._pumps, return_exceptions=True)
