"""The whole mesh as one object: the demo's process table, for the demo itself, the end-to-end tests and the benchmarks.

async with Mesh(run_dir) as mesh:
    ...  # mesh.livekit_url, mesh.redis_url, mesh.process("billing").kill()
"""

from __future__ import annotations

import base64
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

from handoff.directory import DIRECTORY

from local.settings import LocalSettings
from local.supervisor import livekit, redis, sip
from local.supervisor.errors import MeshError, ProcessDied
from local.supervisor.ports import HOST, Ports
from local.supervisor.probes import http_ok
from local.supervisor.process import Process, Spec
from local.supervisor.replicas import all_workers, canaries_of, peers, service_of_worker
from local.supervisor.supervisor import Say, Supervisor, silent
from local.supervisor.temp_dir import make_temp_dir

ROOT = Path(__file__).resolve().parents[2]
"""The repository: where `python -m local.speech` is found."""
SERVICES = tuple(DIRECTORY)
"""All that exist. Each is given every other's address, whether that one is started or not."""
BACK_OFFICES = {service: f"{service}_mcp" for service in SERVICES if service != "triage"}
"""Which service has an MCP server, and its module."""
GATEWAY = "gateway"
"""The front door for browsers, and its module."""
LEDGER = "ledger"
"""The process that keeps endings and callbacks beyond Redis, and its module."""
_TEMP_DIRS = Path(".run/tmp")
_WORKER_STOP_SECONDS = 8.0


class Mesh:
    """Redis, LiveKit, speech, the back offices and the workers, on free ports of loopback.

    ``services`` are those to start, with one worker each, or as many as ``replicas`` says: ``{"billing": 2}`` starts ``billing``
    and ``billing.2``; ``spares`` are those of them that are only started by ``restart``. ``without`` names other processes to leave out (``speech``, ``billing_mcp``, ``livekit``, ``redis``).
    ``env_overrides`` is added to every worker's environment, ``env_of[name]`` to one process's.
    ``ports`` fixes some (``livekit``, ``redis``, ``speech``, ``billing_mcp``, ``billing.health`` ...). ``brain`` are the
    variables that select a language model; empty means the playbook, whatever the shell has. ``speech_url`` is a speech server
    that runs already (another mesh's), used instead of one of its own. ``for_browsers`` starts the gateway, with its call page;
    with ``bridge`` LiveKit has the mesh's Redis, in which it keeps telephone numbers; they can be dialled if the bridge is there.
    """

    def __init__(
        self,
        run_dir: Path,
        *,
        services: Collection[str] = SERVICES,
        replicas: Mapping[str, int] | None = None,
        spares: Collection[str] = (),
        without: Collection[str] = (),
        env_overrides: Mapping[str, str] | None = None,
        env_of: Mapping[str, Mapping[str, str]] | None = None,
        ports: Mapping[str, int] | None = None,
        brain: Mapping[str, str] | None = None,
        speech_url: str = "",
        for_browsers: bool = False,
        bridge: sip.Bridge | None = None,
        settings: LocalSettings | None = None,
        say: Say = silent,
    ) -> None:
        self.run_dir = run_dir.resolve()
        self.services = tuple(services)
        self._replicas = dict(replicas or {})
        self.workers = all_workers(self.services, self._replicas)
        """Names of the worker processes: the services', and ``billing.2`` and so on beside them."""
        self.keys = livekit.Keys.new()
        self.settings = settings or LocalSettings.from_env()
        self._spares = frozenset(spares)
        self._without, self._say = frozenset(without) | ({"speech"} if speech_url else set()), say
        self._speech_url, self._for_browsers, self._bridge = speech_url, for_browsers, bridge
        self._env_overrides, self._env_of = dict(env_overrides or {}), dict(env_of or {})
        self._wanted_ports, self._brain = dict(ports or {}), dict(brain or {})
        self._ports = Ports()
        self._temp_dir: Path | None = None
        self._port: dict[str, int] = {}
        self.staff_secret = secrets.token_urlsafe(24)
        """Opens the console and the desk of a mesh that is for browsers; new for each."""
        self._capability_key = secrets.token_urlsafe(36)
        self._seal_key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        self._specs: dict[str, Spec] = {}
        self._supervisor = Supervisor(self.run_dir / "logs", cwd=ROOT, say=say)
        self.ready_after_seconds = 0.0
        self.livekit_version = ""
        """Of LiveKit's server, once it was found."""

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
    def page_url(self) -> str:
        """The call page, when the mesh is for browsers."""
        return f"http://{HOST}:{self._port[GATEWAY]}/"

    @property
    def sip_address(self) -> str:
        """Where telephones find a mesh that has a bridge."""
        return f"{HOST}:{self._port['sip']}"

    def mcp_url(self, service: str) -> str:
        """A service's back office. Raises KeyError for one that has none."""
        return f"http://{HOST}:{self._port[BACK_OFFICES[service]]}/mcp"

    def database_url(self, service: str) -> str:
        """Its database (the ledger's, too), for looking at what the tools changed."""
        return f"sqlite:///{self.run_dir / service}.db"

    def health_url(self, worker: str) -> str:
        """Base of a worker's health server: ``billing`` is the first of its service, ``billing.2`` the second."""
        return f"http://{HOST}:{self._port[f'{worker}.health']}/health"

    def metrics_url(self, worker: str) -> str:
        """What Prometheus would scrape."""
        return f"http://{HOST}:{self._port[f'{worker}.metrics']}/metrics"

    def grpc_address(self, worker: str) -> str:
        """Where a worker takes offers."""
        return f"{HOST}:{self._port[f'{worker}.grpc']}"

    def addresses(self) -> dict[str, str]:
        """All of the above that run, for a person to read."""
        urls: dict[str, Callable[[], str]] = {
            "livekit": lambda: self.livekit_url,
            "redis": lambda: self.redis_url,
            "speech": lambda: self.speech_url,
            GATEWAY: lambda: self.page_url,
            sip.NAME: lambda: f"sip:{self.sip_address}",
        }
        urls |= {office: lambda service=service: self.mcp_url(service) for service, office in BACK_OFFICES.items()}  # type: ignore[misc]
        found = {name: url() for name, url in urls.items() if name in self._specs}
        return found | {name: f"{self.health_url(name)}/ready" for name in self.workers}

    # --- its processes --------------------------------------------------------------------------------------------------
    @property
    def started(self) -> tuple[str, ...]:
        """Names of all its processes, in the order of the table."""
        return tuple(self._specs)

    def process(self, name: str) -> Process:
        """A running process, e.g. ``mesh.process("billing").kill()``. Raises KeyError for one that was not started."""
        return self._supervisor.processes[name]

    async def restart(
        self, name: str, *, env: Mapping[str, str] | None = None, log_disk_is_full: bool = False
    ) -> Process:
        """Stops it if it runs and starts it again on its ports, with ``env`` added; ``log_disk_is_full``: every line that it
        prints fails to be written. Raises StartFailed."""
        if name in self._supervisor.processes:
            await self.process(name).stop()
        spec = self._specs[name]
        if env:
            spec = replace(spec, env={**spec.env, **env})
        if log_disk_is_full:
            spec = replace(spec, command=("/bin/sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh", *spec.command))
        return await self._supervisor.start_one(spec)

    async def start_beside(self, spec: Spec) -> Process:
        """One more process, not of the table: it stops with the mesh, and whoever wants it again starts it. Raises StartFailed."""
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
                self.livekit_version = server.version
            self._pick_ports()
            self._temp_dir = make_temp_dir(ROOT / _TEMP_DIRS)
            self._specs = {spec.name: spec for spec in self._table(server) if spec.name not in self._without}
            await self._supervisor.start(spec for spec in self._specs.values() if spec.name not in self._spares)
        except BaseException:
            await self.stop()
            raise
        self.ready_after_seconds = time.monotonic() - began

    async def stop(self) -> None:
        """Stops everything: workers first, Redis last. Nothing of it is left afterwards."""
        await self._supervisor.stop()
        self._ports.release()
        if self._temp_dir is not None:
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
        names = ["redis", "livekit", "livekit.udp", "sip", "sip.health", "speech", "ledger.health", "ledger.metrics"]
        names += [*BACK_OFFICES.values(), GATEWAY, "gateway.metrics"]
        workers = dict.fromkeys((*SERVICES, *self.workers))
        names += [f"{worker}.{kind}" for worker in workers for kind in ("health", "metrics", "grpc")]
        if unknown := sorted(set(self._wanted_ports) - set(names)):
            raise MeshError(f"no such port: {', '.join(unknown)}", advice=f"there are {', '.join(names)}")
        for name in names:
            udp = name in ("livekit.udp", "sip")
            wanted = self._wanted_ports.get(name)
            self._port[name] = self._ports.want(wanted, name=name, udp=udp) if wanted else self._ports.pick(udp=udp)

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
                webhook_url=f"{self.page_url}webhooks/livekit" if self._for_browsers else "",
                redis_address=f"{HOST}:{port['redis']}" if self._bridge else "",
            )
            if "livekit" not in self._without
            else None,
            self._sip(self._bridge) if self._bridge and self._bridge.binary else None,
            self._speech(),
            *(self._back_office(name) for name in self.services if name in BACK_OFFICES),
            self._ledger() if self.services and find_spec(LEDGER) is not None else None,
            *(self._worker(name) for name in self.workers),
            self._gateway() if self._for_browsers else None,
        ]
        return [spec for spec in table if spec is not None]

    def _sip(self, bridge: sip.Bridge) -> Spec:
        return bridge.spec(
            port=self._port["sip"],
            health_port=self._port["sip.health"],
            keys=self.keys,
            livekit_url=self.livekit_url,
            redis_address=f"{HOST}:{self._port['redis']}",
            config_path=self.run_dir / "sip.yaml",
            env=self._env(sip.NAME),
        )

    def _speech(self) -> Spec:
        return Spec(
            name="speech",
            command=_python("local.speech", "--host", HOST, "--port", str(self._port["speech"])),
            env=self._env("speech"),
            probe=http_ok(f"http://{HOST}:{self._port['speech']}/health/ready"),
            ready_seconds=150,
            advice="run `make setup` again if a model is missing or damaged",
        )

    def _back_office(self, service: str) -> Spec:
        module = BACK_OFFICES[service]
        # One key for all of them: whom one back office has verified, the others know, within that call.
        own = {"DATABASE_URL": self.database_url(service), "VOICEMESH_CAPABILITY_KEY": self._capability_key}
        return Spec(
            name=module,
            command=_python(module, "--host", HOST, "--port", str(self._port[module])),
            env=self._env(module, own),
            probe=http_ok(f"http://{HOST}:{self._port[module]}/health/ready"),
            ready_seconds=90,
        )

    def _ledger(self) -> Spec:
        port = self._port
        own = {
            "REDIS_URL": self.redis_url,
            "DATABASE_URL": self.database_url(LEDGER),
            "VOICEMESH_BIND_HOST": HOST,
            "VOICEMESH_HEALTH_PORT": str(port["ledger.health"]),
            "VOICEMESH_METRICS_PORT": str(port["ledger.metrics"]),
        }
        return Spec(
            name=LEDGER,
            command=_python(LEDGER, "run"),
            env=self._env(LEDGER, own),
            probe=http_ok(f"http://{HOST}:{port['ledger.health']}/health/ready"),
            after=("redis",),
            ready_seconds=90,
        )

    def _gateway(self) -> Spec:
        own = {
            **self._surroundings(),
            "VOICEMESH_METRICS_PORT": str(self._port["gateway.metrics"]),
            "VOICEMESH_HTTP_PORT": str(self._port[GATEWAY]),
            "VOICEMESH_GATEWAY_SECRET": secrets.token_urlsafe(36),
            # Whoever started the mesh may see and read all of it.
            "VOICEMESH_CONSOLE_READER_SECRET": self.staff_secret,
            "VOICEMESH_DESK_SECRET": self.staff_secret,
        }
        return Spec(
            name=GATEWAY,
            command=_python(GATEWAY),
            env=self._env(GATEWAY, own),
            probe=http_ok(f"http://{HOST}:{self._port[GATEWAY]}/health/live"),
            after=("redis", "livekit"),
        )

    def _worker(self, worker: str) -> Spec:
        port, service = self._port, service_of_worker(worker)
        env = {
            **self._surroundings(),
            "VOICEMESH_HEALTH_PORT": str(port[f"{worker}.health"]),
            "VOICEMESH_METRICS_PORT": str(port[f"{worker}.metrics"]),
            "VOICEMESH_GRPC_PORT": str(port[f"{worker}.grpc"]),
            "VOICEMESH_PEERS": peers(SERVICES, self._replicas, self.grpc_address, canaries_of(self._env_of)),
            "VOICEMESH_SEAL_KEY": self._seal_key,
            # Nobody waits for calls to end when a person stops the mesh.
            "VOICEMESH_DRAIN_SECONDS": "0",
            "VOICEMESH_LEASE_SECONDS": "2",  # on one machine a process that has no turn for a second is busy, not dead
            "VOICEMESH_SPEECH_URL": self.speech_url,
            # Rendered once a machine, not once a mesh: 15 sentences are as much work as the start of all workers.
            "VOICEMESH_CLIPS_DIR": str(self.settings.cache_dir / "clips"),
            "VOICEMESH_MCP_URL": self.mcp_url(service) if service in BACK_OFFICES else "",
        }
        return Spec(
            name=worker,
            command=_python(service),
            env=self._env(worker, env | self._brain | self._env_overrides),
            probe=http_ok(f"{self.health_url(worker)}/ready"),
            # It says what is wrong with its surroundings itself; they must be there first.
            after=("redis", "livekit"),
            ready_seconds=150,
            stop_seconds=_WORKER_STOP_SECONDS,
        )

    def _surroundings(self) -> dict[str, str]:
        where = {"LIVEKIT_URL": self.livekit_url, "REDIS_URL": self.redis_url, "VOICEMESH_BIND_HOST": HOST}
        return where | {"LIVEKIT_API_KEY": self.livekit_api_key, "LIVEKIT_API_SECRET": self.livekit_api_secret}

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
