"""Stands for a cluster: an API server over TLS with the two requests that scale-down makes, and pods with a health port.

What it asks of a request (the token, the media type, the selector, the uid) is what the real one asks; the tests on a real
cluster are elsewhere.
"""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

COST = "controller.kubernetes.io/pod-deletion-cost"
HOST = "127.0.0.1"
NAMESPACE = "calls"


@dataclass
class Worker:
    """A pod, and the health server in it. Its address is one of loopback's."""

    name: str
    address: str
    calls: int = 0
    status: int = 200
    annotations: dict[str, str] = field(default_factory=dict)
    phase: str = "Running"
    is_ready: bool = True
    uid: str = ""
    hangs: asyncio.Event | None = None
    """While it is there and not set, no answer comes."""
    body: bytes | None = None
    """What it answers instead of how many calls it holds."""

    def listed(self) -> dict[str, Any]:
        """As an item of a PodList."""
        ready = {"type": "Ready", "status": "True" if self.is_ready else "False"}
        return {
            "metadata": {
                "name": self.name,
                "uid": self.uid or f"uid-{self.name}",
                "annotations": dict(self.annotations),
            },
            "status": {"phase": self.phase, "podIP": self.address, "conditions": [ready]},
        }

    async def ready(self, _: web.Request) -> web.Response:
        """GET /health/ready"""
        if self.hangs is not None:
            await self.hangs.wait()
        if self.body is not None:
            return web.Response(body=self.body)
        return web.json_response({"active_sessions": self.calls, "capacity": 10}, status=self.status)


@dataclass
class Patch:
    """A patch that the server did."""

    pod: str
    body: dict[str, Any]
    content_type: str

    @property
    def cost(self) -> str:
        cost: str = self.body["metadata"]["annotations"][COST]
        return cost


class Cluster:
    """The API server and its pods, all on loopback. ``folder`` becomes a ServiceAccount's volume."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = "token-1"
        self.forbidden: set[str] = set()
        """Verbs that the ServiceAccount may not do."""
        self.gone: dict[str, int] = {}
        """Pods that are listed, and patched in vain: the status of the refusal."""
        self.workers: list[Worker] = []
        self.patches: list[Patch] = []
        self.queries: list[dict[str, str]] = []
        self.lists = 0
        self._news = asyncio.Event()
        self._tls = _certificates(folder)
        self._site: web.BaseSite | None = None
        self._runners: list[web.AppRunner] = []
        app = web.Application()
        pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
        app.add_routes([web.get(pods, self._list), web.patch(pods + "/{name}", self._patch)])
        self._app = app
        self.port, self.pod_port = free_port(HOST), 0
        self.mount("token-1")
        (folder / "namespace").write_text(NAMESPACE)

    def mount(self, token: str) -> None:
        """As the kubelet renews it."""
        (self.folder / "token").write_text(token)

    async def add(self, *workers: Worker) -> None:
        """Pods whose health servers listen. They share one port, as all workers do."""
        self.pod_port = self.pod_port or free_port(*(worker.address for worker in workers))
        for worker in workers:
            app = web.Application()
            app.add_routes([web.get("/health/ready", worker.ready)])
            await web.TCPSite(await self._running(app), worker.address, self.pod_port).start()
            self.workers.append(worker)

    async def open(self) -> None:
        """The API server answers from now on."""
        runner = web.AppRunner(self._app, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        self._server = runner
        await web.TCPSite(runner, HOST, self.port, ssl_context=self._tls, reuse_address=True).start()

    async def shut(self) -> None:
        """It is away."""
        self._runners.remove(self._server)
        await self._server.cleanup()

    async def aclose(self) -> None:
        for worker in self.workers:
            if worker.hangs is not None:
                worker.hangs.set()
        for runner in self._runners:
            await runner.cleanup()

    async def until(self, is_so: Any) -> None:
        """Waits for a request after which ``is_so()``."""
        while not is_so():
            self._news.clear()
            await self._news.wait()

    def costs(self) -> dict[str, str | None]:
        """What stands on each pod."""
        return {worker.name: worker.annotations.get(COST) for worker in self.workers}

    async def _running(self, app: web.Application) -> web.AppRunner:
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        return runner

    def _refusal(self, request: web.Request, verb: str) -> web.Response | None:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _status(401, "Unauthorized")
        if verb in self.forbidden:
            return _status(403, f'pods is forbidden: User "scale-down" cannot {verb} resource "pods"')
        return None

    async def _list(self, request: web.Request) -> web.Response:
        self.lists += 1
        self.queries.append(dict(request.query))
        self._news.set()
        if refusal := self._refusal(request, "list"):
            return refusal
        return web.json_response({"kind": "PodList", "items": [worker.listed() for worker in self.workers]})

    async def _patch(self, request: web.Request) -> web.Response:
        self._news.set()
        if refusal := self._refusal(request, "patch"):
            return refusal
        if request.content_type != "application/merge-patch+json":
            return _status(415, "the body of the request was in an unknown format")
        name, body = request.match_info["name"], json.loads(await request.read())
        if name in self.gone:
            return _status(self.gone[name], f'pods "{name}" not found')
        worker = next(worker for worker in self.workers if worker.name == name)
        if body["metadata"].get("uid") != worker.listed()["metadata"]["uid"]:
            return _status(422, "metadata.uid: field is immutable")
        worker.annotations |= body["metadata"]["annotations"]
        self.patches.append(Patch(name, body, request.content_type))
        return web.json_response(worker.listed())


@asynccontextmanager
async def cluster(folder: Path, *workers: Worker) -> AsyncIterator[Cluster]:
    """One whose API server answers, with these pods."""
    made = Cluster(folder)
    try:
        await made.add(*workers)
        await made.open()
        yield made
    finally:
        await made.aclose()


def _status(code: int, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "status": "Failure", "message": message, "code": code}, status=code)


def free_port(*addresses: str) -> int:
    """Free on all of them."""
    while True:
        with socket.socket() as first:
            first.bind((addresses[0], 0))
            port = int(first.getsockname()[1])
            others = [socket.socket() for _ in addresses[1:]]
            try:
                for other, address in zip(others, addresses[1:], strict=True):
                    other.bind((address, port))
                return port
            except OSError:
                continue
            finally:
                for other in others:
                    other.close()


def _certificates(folder: Path) -> ssl.SSLContext:
    """The API server's; ``ca.crt`` goes into the folder, as a ServiceAccount has it."""
    authority, ca = _signed("a cluster", None, None)
    key, certificate = _signed("kube-apiserver", authority, ca)
    (folder / "ca.crt").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    private = folder / "apiserver.pem"
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(private)
    return context


def _signed(
    name: str, issuer_key: ec.EllipticCurvePrivateKey | None, issuer: x509.Certificate | None
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """A key and its certificate: an authority's own without an issuer, else a server's for loopback. Without the identifiers of
    keys that Python 3.13 asks for by default: the authorities of many clusters have none."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
        builder = builder.add_extension(names, critical=False)
    return key, builder.sign(issuer_key or key, hashes.SHA256())
