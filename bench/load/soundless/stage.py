"""What a soundless run needs: a Redis of its own, a process for each worker, and the hub with its made-up rooms."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.load.soundless.hub import Hub
from bench.load.soundless.pipe import PipeClosed
from bench.load.soundless.worker_process import Told
from local.chaos.soundless.run import WORKERS
from local.settings import LocalSettings
from local.supervisor.mesh import ROOT, Mesh
from local.supervisor.ports import HOST, Ports
from local.supervisor.process import Spec
from local.supervisor.supervisor import Say
from local.supervisor.temp_dir import make_temp_dir

_STATS_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Setting:
    """How the workers are."""

    lease_seconds: float = 1.0
    sentence_seconds: float = 2.5
    join_seconds: float = 0.3
    """A dispatch takes LiveKit 210 ms, and a job joins in as much."""
    places: int = 5000
    """Of each worker: what is measured is the machine's end, not a number in a setting."""


class Stage:
    """``async with Stage(...) as stage``: all is up inside, and gone afterwards. Raises MeshError."""

    def __init__(self, run_dir: Path, setting: Setting, *, say: Say, on_mesh: Callable[[Mesh], None]) -> None:
        self._settings = LocalSettings.from_env()
        self.mesh = Mesh(run_dir, services=(), without=("speech", "livekit"), settings=self._settings, say=say)
        on_mesh(self.mesh)
        self._setting, self._ports = setting, Ports()
        # A socket's path may have no more than some hundred characters.
        self._socket = make_temp_dir(ROOT / ".run" / "tmp") / "hub"
        self.hub = Hub(self._socket)
        self._specs: dict[str, Spec] = {}

    @property
    def workers(self) -> tuple[str, ...]:
        """Names of the worker processes."""
        return tuple(self._specs)

    def processes(self) -> Mapping[str, int]:
        """Process ids of the system under load, by name."""
        names = ["redis", *self._specs]
        return {name: self.mesh.process(name).pid for name in names if self.mesh.process(name).is_alive}

    async def __aenter__(self) -> Stage:
        await self.hub.__aenter__()
        try:
            await self.mesh.start()
            names = [f"{service}.{number}" for service, count in WORKERS.items() for number in range(1, count + 1)]
            ports = {name: self._ports.pick() for name in names}
            addresses: dict[str, list[str]] = {}
            for name, port in ports.items():
                addresses.setdefault(name.partition(".")[0], []).append(f"{HOST}:{port}")
            self._specs = {name: self._spec(name, port, addresses) for name, port in ports.items()}
            await asyncio.gather(*(self.mesh.start_beside(spec) for spec in self._specs.values()))
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stops all."""
        await self.mesh.stop()
        await self.hub.__aexit__(None, None, None)
        self._ports.release()
        shutil.rmtree(self._socket.parent, ignore_errors=True)

    async def kill(self, name: str) -> None:
        """SIGKILL; it is there again a moment later, as an orchestrator would have it."""
        process = self.mesh.process(name)
        process.kill()
        await process.wait_exit()
        await self.mesh.start_beside(self._specs[name])

    async def stats(self) -> list[dict[str, Any]]:
        """What each worker counted since the last time; of those that answer."""

        async def ask(worker: Any) -> dict[str, Any] | None:
            try:
                async with asyncio.timeout(_STATS_SECONDS):
                    return dict(await worker.pipe.ask("stats"))
            except (PipeClosed, TimeoutError):
                return None

        told = await asyncio.gather(*(ask(worker) for worker in list(self.hub.workers.values())))
        return [one for one in told if one is not None]

    def _spec(self, name: str, port: int, addresses: dict[str, list[str]]) -> Spec:
        setting = self._setting
        told = Told(
            name=name,
            service=name.partition(".")[0],
            port=port,
            places=setting.places,
            hub=str(self._socket),
            redis_url=self.mesh.redis_url,
            addresses=addresses,
            lease_seconds=setting.lease_seconds,
            sentence_seconds=setting.sentence_seconds,
            join_seconds=setting.join_seconds,
        )

        async def probe() -> str:
            return "" if name in self.hub.workers else "it has not come to its hub"

        return Spec(
            name=name,
            command=(sys.executable, "-m", "bench.load.soundless.worker_process", json.dumps(asdict(told))),
            env={**self._settings.inherited, "PYTHONUNBUFFERED": "1"},
            probe=probe,
            after=("redis",),
            ready_seconds=120,
        )
