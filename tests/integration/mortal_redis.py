"""A real Redis that a test stops, freezes, and starts again at the same address; it keeps nothing on disk."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from pathlib import Path

from tests.integration.conftest import _answers, _free_port, _redis_server


class MortalRedis:
    """``start`` it first; ``url`` stays the same for its whole life."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    async def start(self) -> None:
        """Comes up, and is empty."""
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_redis_server(), *options, "--dir", str(self._folder)], stdout=log, stderr=subprocess.STDOUT
            )
        assert await asyncio.to_thread(_answers, self._process, self._port), "Redis did not start"

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

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)
