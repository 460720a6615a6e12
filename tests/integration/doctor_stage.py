"""A small mesh on loopback for `make doctor` to look at: real Redis, LiveKit, gRPC, databases and certificates, no worker that thinks.

All is well with it; each mistake (doctor_mistakes.py) spoils one thing, really.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import shutil
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from handoff.redis_store import RedisStore
from handoff.store import WorkerStatus
from handoff.taker import Taker, serve
from handoff.tls import Certificates
from ledger.database import LedgerDatabase
from ledger.settings import Settings as LedgerSettings

from local.settings import LocalSettings
from local.supervisor import livekit
from local.supervisor.ports import HOST, Ports
from local.supervisor.supervisor import Supervisor, silent
from tests.integration.billing_service import Places
from tests.integration.certificates import Authority, mount
from tests.integration.redis_farm import Node
from tools.doctor.target import SERVICES, Kind, Target
from tools.house import ROOT

WELL = ("--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "noeviction")
"""What Redis is started with in production, as far as one check looks at it."""
_WORKER_SECONDS = 600.0
PROMETHEUS = shutil.which("prometheus")


@dataclass
class Stage:
    """``target()`` is well. ``closing`` ends what was started."""

    folder: Path
    closing: AsyncExitStack
    redis: Node
    livekit_url: str
    keys: livekit.Keys
    authority: Authority
    env: dict[str, str] = field(default_factory=dict)
    ledger_env: dict[str, str] = field(default_factory=dict)

    def target(self, *, only: str = "", **changed: str) -> Target:
        """Its settings, with some changed (of one process: ``only``)."""
        variables: dict[str, Mapping[str, str]] = {
            service: {**self.env, **(changed if only in ("", service) else {})} for service in SERVICES
        }
        variables["ledger"] = {**self.ledger_env, **{k: v for k, v in changed.items() if k in self.ledger_env}}
        return Target(kind=Kind.OWN, home=".env", variables=variables, grace_seconds=90)

    def certified(self, service: str, *names: str, days: float = 60) -> Path:
        """A folder with a certificate of these names, good for so many days from now; renewed when it is there."""
        return mount(self.folder / f"tls-{service}", self.authority.issue(*names, days=days))

    async def redis_with(self, name: str, *options: str) -> Node:
        """Another Redis, that ends with the stage."""
        node = Node(self.folder / name, *options)
        node.start()
        self.closing.callback(node.kill)
        return node

    async def answers_as(self, service: str, *, certificates: Path | None = None) -> int:
        """A worker's gRPC door that says that it is of this service; its port."""
        store = RedisStore.connect(f"redis://{HOST}:{self.redis.port}/0")
        self.closing.push_async_callback(store.aclose)
        taker = Taker(service, "0.1.0", store=store, admission=Places(capacity=1))
        found = Certificates(certificates) if certificates else None
        listener = await serve(taker, host=HOST, port=0, certificates=found)
        self.closing.push_async_callback(listener.stop)
        return listener.port

    async def note(self, *services: str, away: str = "") -> None:
        """Workers that have told of themselves."""
        async with _store(self.redis) as store:
            for service in services:
                status = WorkerStatus(f"{service}-1", service, capacity=1, taken=0, away=away, version="0.1.0")
                await store.note_worker(status, seconds=_WORKER_SECONDS)

    async def forget(self, service: str) -> None:
        """As if its last worker had gone."""
        async with _store(self.redis) as store:
            await store.note_worker(WorkerStatus(f"{service}-1", service, capacity=1, taken=0), seconds=0)

    async def provider(self, *, status: int = 200, models: tuple[str, ...] = ()) -> str:
        """An OpenAI-compatible provider that answers so; its base address."""

        async def told(request: web.Request) -> web.Response:
            return web.json_response({"data": [{"id": each} for each in models]}, status=status)

        app = web.Application()
        app.router.add_get("/v1/models", told)
        runner = web.AppRunner(app)
        await runner.setup()
        self.closing.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, HOST, 0).start()
        return f"http://{HOST}:{runner.addresses[0][1]}/v1"

    async def tls_end(self, *names: str, days: float = 60) -> tuple[int, Path]:
        """A door behind TLS with a certificate of these names; its port, and the file of its authority."""
        folder = mount(self.folder / f"door-{secrets.token_hex(3)}", self.authority.issue(*names, days=days))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "tls.crt", folder / "tls.key")

        async def closes(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(closes, "localhost", 0, ssl=context)
        self.closing.callback(server.close)
        return int(server.sockets[0].getsockname()[1]), folder / "ca.crt"

    async def prometheus(self, rules: Path) -> str:
        """A real one with these rules; its address."""
        assert PROMETHEUS
        ports = Ports()
        self.closing.callback(ports.release)
        port, folder = ports.pick(), self.folder / f"prometheus-{secrets.token_hex(3)}"
        folder.mkdir()
        (folder / "prometheus.yml").write_text(yaml.safe_dump({"rule_files": [str(rules / "*.yaml")]}))
        command = [PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*command, f"--web.listen-address={HOST}:{port}"], stdout=log, stderr=subprocess.STDOUT
            )
        self.closing.callback(process.wait)
        self.closing.callback(process.kill)
        url, until = f"http://{HOST}:{port}", time.monotonic() + 30
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < until:
                try:
                    async with session.get(f"{url}/-/ready") as response:
                        if response.status == 200:
                            return url
                except aiohttp.ClientError:
                    pass
        raise TimeoutError((folder / "log").read_text()[-2000:])


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    """Starts it; ends all of it."""
    async with AsyncExitStack() as closing:
        redis = Node(folder / "redis", *WELL)
        redis.start()
        closing.callback(redis.kill)
        keys = livekit.Keys.new()
        url = await _livekit(folder, closing, keys, redis)
        stage = Stage(folder, closing, redis, url, keys, Authority())
        database = f"sqlite:///{folder / 'ledger.db'}"
        prepared = LedgerDatabase(LedgerSettings(database_url=database))
        prepared.prepare()
        prepared.close()
        folders = {service: stage.certified(service, service) for service in SERVICES}
        doors = {service: await stage.answers_as(service, certificates=folders[service]) for service in SERVICES}
        await stage.note(*SERVICES)
        stage.env = {
            "LIVEKIT_URL": url,
            "LIVEKIT_API_KEY": keys.api_key,
            "LIVEKIT_API_SECRET": keys.api_secret,
            "REDIS_URL": f"redis://{HOST}:{redis.port}/0",
            "VOICEMESH_SPEECH_URL": await stage.provider(),
            "VOICEMESH_SEAL_KEY": secrets.token_urlsafe(36),
            "VOICEMESH_MAX_SESSIONS": "1",
            "VOICEMESH_PEERS": ",".join(f"{service}={HOST}:{port}" for service, port in doors.items()),
        }
        stage.ledger_env = {"REDIS_URL": stage.env["REDIS_URL"], "DATABASE_URL": database}
        yield stage


def with_certificates(stage: Stage, target: Target) -> Target:
    """Each service's own folder, as VOICEMESH_TLS_DIR."""
    variables = dict(target.variables)
    for service in SERVICES:
        variables[service] = {**variables[service], "VOICEMESH_TLS_DIR": str(stage.folder / f"tls-{service}")}
    return replace(target, variables=variables)


async def _livekit(folder: Path, closing: AsyncExitStack, keys: livekit.Keys, redis: Node) -> str:
    settings, ports = LocalSettings.from_env(), Ports()
    closing.callback(ports.release)
    port = ports.pick()
    spec = livekit.spec(
        server=await livekit.find_server(settings, say=silent),
        port=port,
        udp_port=ports.pick(udp=True),
        keys=keys,
        config_path=folder / "livekit.yaml",
        env=settings.inherited,
        redis_address=f"{HOST}:{redis.port}",
    )
    supervisor = Supervisor(folder / "logs", cwd=ROOT, say=silent)
    closing.push_async_callback(supervisor.stop)
    await supervisor.start([replace(spec, after=())])
    return f"ws://{HOST}:{port}"


@asynccontextmanager
async def _store(redis: Node) -> AsyncIterator[RedisStore]:
    store = RedisStore.connect(f"redis://{HOST}:{redis.port}/0")
    try:
        yield store
    finally:
        await store.aclose()


# --- a cluster --------------------------------------------------------------------------------------------------------
class Recorded:
    """kubectl's answers about a release: what the charts render, as the API server would tell it, with pods that are ready."""

    def __init__(self, objects: list[dict[str, Any]], inside: dict[str, Any]) -> None:
        self.objects, self.inside = objects, inside
        self.authority = Authority()
        self.certificates = {each: self.authority.issue(each, days=60)["tls.crt"] for each in SERVICES}
        self.secrets = {
            (reference["name"], reference["key"]): 64
            for each in self._of("Deployment")
            for kind in ("initContainers", "containers")
            for container in each["spec"]["template"]["spec"].get(kind, ())
            for variable in container.get("env", ())
            if (reference := variable.get("valueFrom", {}).get("secretKeyRef"))
        }
        for each in self._of("Deployment"):
            each["spec"]["replicas"] = 3
            each["status"] = {"readyReplicas": 3}

    async def __call__(self, *arguments: str, input: str = "") -> str:
        match arguments:
            case ("exec", *_):
                return json.dumps(self.inside)
            case ("get", "secret", name, *_):
                return base64.b64encode(self.certificates[name.removesuffix("-tls")]).decode()
            case ("get", "secrets", *_):
                rows = [f"{name} {key} {length} {'sample' if length == 0 else 'own'}" for (name, key), length in self.secrets.items()]  # fmt: skip
                return "\n".join(rows)
            case ("get", kinds, *_):
                wanted = {each.rstrip("s") for each in kinds.split(",")}
                items = [each for each in self.objects if each["kind"].lower() in wanted]
                return json.dumps({"items": items})
        raise AssertionError(arguments)

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.objects if each["kind"] == kind]

    def deployment(self, service: str) -> dict[str, Any]:
        """Of a service's workers; to be spoiled."""
        return next(each for each in self._of("Deployment") if each["metadata"]["name"] == service)

    def worker(self, service: str) -> dict[str, Any]:
        """Its container."""
        containers = self.deployment(service)["spec"]["template"]["spec"]["containers"]
        return next(each for each in containers if each["name"] == "worker")  # type: ignore[no-any-return]

    def scaler(self, service: str) -> dict[str, Any]:
        """Its autoscaler."""
        return next(each for each in self._of("HorizontalPodAutoscaler") if each["metadata"]["name"] == service)


def recorded() -> Recorded:
    """The production render of the charts, for a namespace in which all is well."""
    text = (ROOT / "tests" / "charts" / "golden" / "production.yaml").read_text()
    objects = [each for each in yaml.safe_load_all(text) if each]
    told = [[f"{service}-1", service, 8, 0, "", False, "0.1.0"] for service in SERVICES]
    redis = {"redis_version": "7.2.4", "aof_enabled": 1, "maxmemory_policy": "noeviction", "offset": 0.0}
    inside = {"problems": [], "place": "redis:6379", "redis": redis, "workers": told, "live": 0}
    return Recorded(objects, inside)
