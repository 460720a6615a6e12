"""What a measurement needs running: a mesh whose billing is the worker under load, the stub in place of providers, and the crowd."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from bench.density import crowd, meter
from local.caller import Access, new_access
from local.settings import LocalSettings
from local.supervisor.mesh import ROOT, Mesh
from local.supervisor.ports import HOST, Ports
from local.supervisor.probes import http_ok
from local.supervisor.process import Process, Spec
from local.supervisor.supervisor import Say, Supervisor

PROCESS, THREAD = "process", "thread"
STUB, EMBEDDED = "stub", "embedded"
UNDER_LOAD = "billing"
_GIVES_UP_SECONDS = 60.0


class CrowdDied(Exception):
    """The process of the callers is gone, or does not get a caller into its room."""


class _MeshUnderLoad(Mesh):
    """Its billing may run its calls in threads."""

    executor = PROCESS

    def _worker(self, worker: str) -> Spec:
        spec = super()._worker(worker)
        if worker != UNDER_LOAD or self.executor == PROCESS:
            return spec
        return replace(spec, command=(sys.executable, "-m", "bench.density.threaded"))


class Stage:
    """``async with Stage(run_dir, ...) as stage``: everything is up inside, and gone afterwards. Raises MeshError."""

    def __init__(
        self, run_dir: Path, *, executor: str, speech: str, most_calls: int, env: Mapping[str, str], say: Say
    ) -> None:
        self._settings = LocalSettings.from_env()
        self._ports = Ports()
        self._port = self._ports.pick()
        self._beside = Supervisor(run_dir / "logs", cwd=ROOT, say=say)
        self._crowd: asyncio.subprocess.Process | None = None
        self._joined = 0
        self.speech = speech
        remote = {"VOICEMESH_SPEECH_URL": ""} if speech == STUB else {}
        self.mesh = _MeshUnderLoad(
            run_dir,
            services=("triage", UNDER_LOAD),
            without=("speech",) if speech == STUB else (),
            brain={"OPENAI_BASE_URL": self._stub_url},
            # The recording must not be kept where the machine's meshes keep their agents' real sentences.
            # And the lease is a deployment's: three renewals a second are part of what a call costs.
            env_overrides={**remote, "VOICEMESH_CLIPS_DIR": str(run_dir / "clips"), "VOICEMESH_LEASE_SECONDS": "1"},
            env_of={UNDER_LOAD: {"VOICEMESH_MAX_SESSIONS": str(most_calls), **env}},
            settings=self._settings,
            say=say,
        )
        self.mesh.executor = executor

    @property
    def _stub_url(self) -> str:
        return f"http://{HOST}:{self._port}/v1"

    @property
    def worker(self) -> Process:
        """The main process of the worker under load."""
        return self.mesh.process(UNDER_LOAD)

    @property
    def joined(self) -> int:
        """Callers of the crowd so far."""
        return self._joined

    def beside(self) -> dict[str, meter.Reading]:
        """Everything else that runs for these calls, by name."""
        found = {name: self.mesh.process(name).pid for name in self.mesh.started if name != UNDER_LOAD}
        found |= {"stub": self._beside.processes["stub"].pid}
        if self._crowd is not None:
            found["callers"] = self._crowd.pid
        return {name: meter.read(pid, is_worker=False) for name, pid in found.items()}

    def access(self, service: str = UNDER_LOAD) -> Access:
        """One more call's door."""
        key, secret = self.mesh.livekit_api_key, self.mesh.livekit_api_secret
        return new_access(self.mesh.livekit_url, api_key=key, api_secret=secret, service=service)

    async def call(self, calls: int, *, every_seconds: float) -> None:
        """Lets callers join the crowd until it has ``calls``, one after the other. Raises CrowdDied."""
        if self._crowd is None:
            self._crowd = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bench.density.crowd"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                cwd=ROOT,
                env=dict(self._settings.inherited),
            )
        assert self._crowd.stdin is not None and self._crowd.stdout is not None
        while self._joined < calls:
            access = self.access()
            # Spread by the golden section: however many there are, no two speak at the same moment.
            after = 3.0 + self._joined * 0.618 % 1 * (crowd.PERIOD_SECONDS - 4.0)
            told = {"url": access.url, "token": access.token, "after": after}
            self._crowd.stdin.write(json.dumps(told).encode() + b"\n")
            try:
                async with asyncio.timeout(_GIVES_UP_SECONDS):
                    joined = await self._crowd.stdout.readline()
            except TimeoutError:
                joined = b""
            if not joined:
                raise CrowdDied(f"caller {self._joined + 1} could not join")
            self._joined += 1
            await asyncio.sleep(every_seconds)

    async def __aenter__(self) -> Stage:
        try:
            await self._beside.start([self._stub()])
            await self.mesh.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stops all; the callers first."""
        if self._crowd is not None and self._crowd.returncode is None:
            self._crowd.kill()
            await self._crowd.wait()
        await self.mesh.stop()
        await self._beside.stop()
        self._ports.release()

    def kill_all(self) -> None:
        """SIGKILL to everything at once."""
        if self._crowd is not None and self._crowd.returncode is None:
            self._crowd.kill()
        self._beside.kill_all()
        self.mesh.kill_all()

    def _stub(self) -> Spec:
        return Spec(
            name="stub",
            command=(sys.executable, "-m", "bench.density.stub", "--port", str(self._port)),
            env={**self._settings.inherited, "PYTHONUNBUFFERED": "1"},
            probe=http_ok(f"http://{HOST}:{self._port}/health/ready"),
            ready_seconds=60,
        )
