"""The whole mesh as one object: the demo's process table, for the demo itself, the end-to-end tests and the benchmarks.

async with Mesh(run_dir) as mesh:
    ...  # mesh.livekit_url, mesh.redis_url, mesh.process("billing").kill()
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType

import psutil

from local.settings import LocalSettings
from local.supervisor import livekit, redis
from local.supervisor.errors import MeshError, ProcessDied
from local.supervisor.ports import HOST, Ports
from local.supervisor.probes import http_ok
from local.supervisor.process import Process, Spec
from local.supervisor.supervisor import Say, Supervisor, silent

ROOT = Path(__file__).resolve().parents[2]
"""The repository: where `python -m local.speech` is found."""
SERVICES = ("triage", "billing")
"""All that exist. Each is given every other's address, whether that one is started or not."""
BACK_OFFICES = {"billing": "billing_mcp"}
"""Which service has an MCP server, and its module."""
_TEMP_DIRS = Path(".run/tmp")
_LONGEST_TEMP_DIR = 70
"""Python's worker processes make Unix sockets some 35 characters below it, and their paths end at 108."""
_WORKER_STOP_SECONDS = 8.0


class Mesh:
    """Redis, LiveKit, speech, billing's back office and the workers, on free ports of loopback.

    ``services`` are the workers to start; ``without`` names other processes to leave out (``speech``, ``billing_mcp``,
    ``livekit``, ``redis``). ``env_overrides`` is added to every worker's environment, ``env_of[name]`` to one process's.
    ``ports`` fixes some (``livekit``, ``redis``, ``speech``, ``billing_mcp``, ``billing.health`` ...). ``brain`` are the
    variables that select a language model; empty means the playbook, whatever the shell has. ``speech_url`` is a speech server
    that runs already (another mesh's), used instead of one of its own.
    """

    def __init__(
        self,
        run_dir: Path,
        *,
        services: Collection[str] = SERVICES,
        without: Collection[str] = (),
        env_overrides: Mapping[str, str] | None = None,
        env_of: Mapping[str, Mapping[str, str]] | None = None,
        ports: Mapping[str, int] | None = None,
        brain: Mapping[str, str] | None = None,
        speech_url: str = "",
        settings: LocalSettings | None = None,
        say: Say = silent,
    ) -> None:
        self.run_dir = run_dir.resolve()
        self.services = tuple(services)
        self.keys = livekit.Keys.new()
        self.settings = settings or LocalSettings.from_env()
        self._without, self._say = frozenset(without) | ({"speech"} if speech_url else set()), say
        self._speech_url = speech_url
        self._env_overrides, self._env_of = dict(env_overrides or {}), dict(env_of or {})
        self._wanted_ports, self._brain = dict(ports or {}), dict(brain or {})
        self._ports = Ports()
        self._temp_dir = ROOT / _TEMP_DIRS / f"mesh-{os.getpid()}-{secrets.token_hex(2)}"
        self._port: dict[str, int] = {}
        self._specs: dict[str, Spec] = {}
        self._supervisor = Supervisor(self.run_dir / "logs", cwd=ROOT, say=say)
        self.ready_after_seconds = 0.0

    # --- where things are -----------------------------------------------------------------------------------------------
    @property
    def livekit_url(self) -> str:
        """For agents and callers."""
        return f"ws://{HOST}:{self._port['livekit']}"

    @property
    def livekit_api_key(self) -> str:
        """New for each mesh."""
        return self.keys.api_key

    @property
    def livekit_api_secret(self) -> str:
        """New for each mesh."""
        return self.keys.api_secret

    @property
    def redis_url(self) -> str:
        """For RedisStore.connect."""
        return f"redis://{HOST}:{self._port['redis']}/0"

    @property
    def speech_url(self) -> str:
        """Base of the OpenAI-compatible speech API."""
        return self._speech_url or f"http://{HOST}:{self._port['speech']}/v1"

    @property
    def mcp_url(self) -> str:
        """Billing's back office."""
        return f"http://{HOST}:{self._port['billing_mcp']}/mcp"

    @property
    def database_url(self) -> str:
        """The back office's database, for looking at what the tools changed."""
        return f"sqlite:///{self.run_dir / 'billing.db'}"

    def health_url(self, service: str) -> str:
        """Base of a worker's health server."""
        return f"http://{HOST}:{self._port[f'{service}.health']}/health"

    def metrics_url(self, service: str) -> str:
        """What Prometheus would scrape."""
        return f"http://{HOST}:{self._port[f'{service}.metrics']}/metrics"

    def grpc_address(self, service: str) -> str:
        """Where a service takes offers."""
        return f"{HOST}:{self._port[f'{service}.grpc']}"

    def addresses(self) -> dict[str, str]:
        """All of the above that run, for a person to read."""
        urls: dict[str, Callable[[], str]] = {
            "livekit": lambda: self.livekit_url,
            "redis": lambda: self.redis_url,
            "speech": lambda: self.speech_url,
            "billing_mcp": lambda: self.mcp_url,
        }
        found = {name: url() for name, url in urls.items() if name in self._specs}
        return found | {name: f"{self.health_url(name)}/ready" for name in self.services}

    # --- its processes --------------------------------------------------------------------------------------------------
    def process(self, name: str) -> Process:
        """A running process, e.g. ``mesh.process("billing").kill()``. Raises KeyError for one that was not started."""
        return self._supervisor.processes[name]

    async def restart(self, name: str, *, env: Mapping[str, str] | None = None) -> Process:
        """Stops it if it runs and starts it again on its ports, with ``env`` added. Raises StartFailed."""
        if name in self._supervisor.processes:
            await self.process(name).stop()
        spec = self._specs[name]
        if env:
            spec = _with_env(spec, env)
        return await self._supervisor.start_one(spec)

    async def wait_for_death(self) -> ProcessDied:
        """Returns when a process ends that nobody has told to."""
        return await self._supervisor.wait_for_death()

    def kill_all(self) -> None:
        """SIGKILL to everything at once: a person's second Ctrl-C."""
        self._supervisor.kill_all()

    async def start(self) -> None:
        """Starts everything; when it raises (MeshError), everything is stopped again."""
        began = time.monotonic()
        try:
            server = livekit.Server()
            if "livekit" not in self._without:
                server = await livekit.find_server(self.settings, say=self._say)
            self._pick_ports()
            self._make_temp_dir()
            self._specs = {spec.name: spec for spec in self._table(server) if spec.name not in self._without}
            await self._supervisor.start(self._specs.values())
        except BaseException:
            await self.stop()
            raise
        self.ready_after_seconds = time.monotonic() - began

    async def stop(self) -> None:
        """Stops everything: workers first, Redis last. Nothing of it is left afterwards."""
        await self._supervisor.stop()
        self._ports.release()
        shutil.rmtree(self._temp_dir, ignore_errors=True)

    async def __aenter__(self) -> Mesh:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # --- the process table ----------------------------------------------------------------------------------------------
    def _pick_ports(self) -> None:
        names = ["redis", "livekit", "livekit.udp", "speech", *BACK_OFFICES.values()]
        names += [f"{service}.{kind}" for service in SERVICES for kind in ("health", "metrics", "grpc")]
        if unknown := sorted(set(self._wanted_ports) - set(names)):
            raise MeshError(f"no such port: {', '.join(unknown)}", advice=f"there are {', '.join(names)}")
        for name in names:
            udp = name == "livekit.udp"
            wanted = self._wanted_ports.get(name)
            self._port[name] = self._ports.want(wanted, name=name, udp=udp) if wanted else self._ports.pick(udp=udp)

    def _make_temp_dir(self) -> None:
        """One for all processes, so that what a killed one leaves there goes with the mesh."""
        for old in (ROOT / _TEMP_DIRS).glob("mesh-*"):
            if not psutil.pid_exists(int(old.name.split("-")[1])):
                shutil.rmtree(old, ignore_errors=True)  # its mesh was killed
        if len(str(self._temp_dir)) > _LONGEST_TEMP_DIR:
            self._temp_dir = Path(tempfile.mkdtemp(prefix="voice-mesh-"))
        self._temp_dir.mkdir(parents=True, exist_ok=True)

    def _table(self, server: livekit.Server) -> list[Spec]:
        port = self._port
        table = [
            redis.spec(
                server=redis.find_server(self.settings.search_path),
                port=port["redis"],
                data_dir=self.run_dir / "redis",
                env=self._env("redis"),
            )
            if "redis" not in self._without
            else None,
            livekit.spec(
                server=server,
                port=port["livekit"],
                udp_port=port["livekit.udp"],
                keys=self.keys,
                config_path=self.run_dir / "livekit.yaml",
                env=self._env("livekit"),
            )
            if "livekit" not in self._without
            else None,
            self._speech(),
            *(self._back_office(BACK_OFFICES[name]) for name in self.services if name in BACK_OFFICES),
            *(self._worker(name) for name in self.services),
        ]
        return [spec for spec in table if spec is not None]

    def _speech(self) -> Spec:
        return Spec(
            name="speech",
            command=_python("local.speech", "--host", HOST, "--port", str(self._port["speech"])),
            env=self._env("speech"),
            probe=http_ok(f"http://{HOST}:{self._port['speech']}/health/ready"),
            ready_seconds=60,
            advice="run `make setup` again if a model is missing or damaged",
        )

    def _back_office(self, module: str) -> Spec:
        return Spec(
            name=module,
            command=_python(module, "--host", HOST, "--port", str(self._port[module])),
            env=self._env(module, {"DATABASE_URL": self.database_url}),
            probe=http_ok(f"http://{HOST}:{self._port[module]}/health/ready"),
            ready_seconds=30,
        )

    def _worker(self, service: str) -> Spec:
        port = self._port
        env = {
            "LIVEKIT_URL": self.livekit_url,
            "LIVEKIT_API_KEY": self.livekit_api_key,
            "LIVEKIT_API_SECRET": self.livekit_api_secret,
            "REDIS_URL": self.redis_url,
            "VOICEMESH_BIND_HOST": HOST,
            "VOICEMESH_HEALTH_PORT": str(port[f"{service}.health"]),
            "VOICEMESH_METRICS_PORT": str(port[f"{service}.metrics"]),
            "VOICEMESH_GRPC_PORT": str(port[f"{service}.grpc"]),
            "VOICEMESH_PEERS": ",".join(f"{name}={self.grpc_address(name)}" for name in SERVICES),
            # Nobody waits for calls to end when a person stops the mesh.
            "VOICEMESH_DRAIN_SECONDS": "0",
            "VOICEMESH_SPEECH_URL": self.speech_url,
            "VOICEMESH_MCP_URL": self.mcp_url if service in BACK_OFFICES else "",
        }
        return Spec(
            name=service,
            command=_python(service),
            env=self._env(service, env | self._brain | self._env_overrides),
            probe=http_ok(f"{self.health_url(service)}/ready"),
            # It says what is wrong with its surroundings itself; they must be there first.
            after=("redis", "livekit"),
            ready_seconds=60,
            stop_seconds=_WORKER_STOP_SECONDS,
        )

    def _env(self, name: str, own: Mapping[str, str] | None = None) -> dict[str, str]:
        return {
            **self.settings.inherited,
            # Logs are read while their process runs, and after it was killed.
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self._temp_dir),
            **(own or {}),
            **self._env_of.get(name, {}),
        }


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _with_env(spec: Spec, env: Mapping[str, str]) -> Spec:
    return Spec(**{name: getattr(spec, name) for name in Spec.__slots__} | {"env": {**spec.env, **env}})
