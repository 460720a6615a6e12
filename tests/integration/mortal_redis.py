"""A real Redis that a test stops, freezes, and starts again at the same address; it keeps nothing on disk."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path

from redis.asyncio import Redis

from tests.integration.conftest import _answers, _free_port, _redis_server

_CATCHES_UP_SECONDS = 30.0
"""Only bounds a test that hangs."""


class MortalRedis:
    """``start`` it first; ``url`` stays the same for its whole life."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Comes up, and is empty."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        options += ["--repl-diskless-sync-delay", "0"]  # a test has one replica, and waits for it
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_redis_server(), *options, "--dir", str(self._folder)], stdout=log, stderr=subprocess.STDOUT
            )
        assert await asyncio.to_thread(_answers, self._process, self.port), "Redis did not start"

    async def stop(self) -> None:
        """Gone, with all that it held; connections are refused."""
        if self._process is not None:
            self._signal(signal.SIGCONT)
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
            self._process = None

    def freeze(self) -> None:
        """Accepts connections and answers nothing; what it holds stays."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Goes on where it was."""
        self._signal(signal.SIGCONT)

    async def follow(self, master: MortalRedis | None) -> None:
        """Is a replica of that one, and has caught up with it; or a master."""
        async with Redis(port=self.port, decode_responses=True) as client:
            if master is None:
                await client.replicaof("NO", "ONE")
                return
            await client.replicaof("127.0.0.1", str(master.port))
            async with asyncio.timeout(_CATCHES_UP_SECONDS):
                while (await client.info("replication"))["master_link_status"] != "up":
                    await asyncio.sleep(0.02)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)


class Address:
    """One port that leads to whichever Redis it is told, as that of a service or a proxy that follows a failover does. A connection
    that stands goes on leading to where it was made. ``open`` it, and ``close`` it."""

    def __init__(self) -> None:
        self.leads_to = 0
        """The port of that Redis."""
        self.connections = 0
        """How many were made so far."""
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()

    async def open(self, redis: MortalRedis) -> None:
        """Leads to that one."""
        self.leads_to = redis.port
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)

    @property
    def url(self) -> str:
        """It stays the same, wherever it leads to."""
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    async def hang_up(self) -> None:
        """Its connections are closed; whoever asks for one gets it."""
        for task in self._pumps:
            task.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def close(self) -> None:
        """No connection is made any more, and those that stand break."""
        if self._server is not None:
            self._server.close()
        await self.hang_up()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.leads_to)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(_carried(source, sink))
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)


async def _carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
