"""What a benchmark needs running: the mesh, the stand-in providers, and the baseline's worker beside it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from local.settings import LocalSettings
from local.supervisor.errors import ProcessDied
from local.supervisor.mesh import ROOT, Mesh
from local.supervisor.ports import HOST, Ports
from local.supervisor.probes import http_ok
from local.supervisor.process import Spec
from local.supervisor.supervisor import Say, Supervisor


class Stage:
    """``async with Stage(run_dir, tones=True) as stage``: everything is up inside, and gone afterwards. Raises MeshError."""

    def __init__(self, run_dir: Path, *, tones: bool, say: Say) -> None:
        self._tones, self._say = tones, say
        self._settings = LocalSettings.from_env()
        self._ports = Ports()
        self._stand_ins_port = self._ports.pick()
        self._beside = Supervisor(run_dir / "logs", cwd=ROOT, say=say)
        self.mesh = Mesh(
            run_dir,
            services=("triage", "billing"),
            without=("speech",) if tones else (),
            brain={"OPENAI_BASE_URL": self._stand_ins_url},
            env_overrides={"VOICEMESH_SPEECH_URL": self._stand_ins_url} if tones else {},
            settings=self._settings,
            say=say,
        )

    @property
    def speech_url(self) -> str:
        """Whose voice the agents have: the embedded one's, or the tones'."""
        return self._stand_ins_url if self._tones else self.mesh.speech_url

    @property
    def _stand_ins_url(self) -> str:
        return f"http://{HOST}:{self._stand_ins_port}/v1"

    async def __aenter__(self) -> Stage:
        try:
            await self._beside.start([self._stand_ins()])
            await self.mesh.start()
            await self._beside.start_one(self._inprocess())
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stops all; the baseline's worker before the LiveKit that it is registered with."""
        await self._beside.stop()
        await self.mesh.stop()
        self._ports.release()

    def kill_all(self) -> None:
        """SIGKILL to everything at once."""
        self._beside.kill_all()
        self.mesh.kill_all()

    async def wait_for_death(self) -> ProcessDied:
        """Returns when a process ends that nobody has told to."""
        waits = [asyncio.ensure_future(s.wait_for_death()) for s in (self._beside, self.mesh)]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for task in waits:
                task.cancel()

    def _stand_ins(self) -> Spec:
        port = self._stand_ins_port
        return self._spec("stand_ins", "bench.handoff.stand_ins", {}, port=port, arguments=("--port", str(port)))

    def _inprocess(self) -> Spec:
        port = self._ports.pick()
        env = {
            "LIVEKIT_URL": self.mesh.livekit_url,
            "LIVEKIT_API_KEY": self.mesh.livekit_api_key,
            "LIVEKIT_API_SECRET": self.mesh.livekit_api_secret,
            "REDIS_URL": self.mesh.redis_url,
            "OPENAI_BASE_URL": self._stand_ins_url,
            "VOICEMESH_SPEECH_URL": self.speech_url,
            "VOICEMESH_BIND_HOST": HOST,
            "VOICEMESH_HEALTH_PORT": str(port),
        }
        return self._spec("inprocess", "bench.inprocess_worker", env, port=port)

    def _spec(
        self, name: str, module: str, env: Mapping[str, str], *, port: int, arguments: tuple[str, ...] = ()
    ) -> Spec:
        return Spec(
            name=name,
            command=(sys.executable, "-m", module, *arguments),
            env={**self._settings.inherited, "PYTHONUNBUFFERED": "1", **env},
            probe=http_ok(f"http://{HOST}:{port}/health/ready"),
            ready_seconds=60,
        )
