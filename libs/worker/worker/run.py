"""Composition root of a worker: what is made in which order, and how it stops.

Boot:  settings -> metrics -> store -> health (live at once, not ready) -> gRPC (offers are declined until LiveKit knows us)
       -> are Redis and LiveKit there? -> LiveKit worker. Ready means: registered with LiveKit, with a free place.
Drain: SIGTERM -> admission says no, LiveKit is told we are full -> running calls finish (bounded) -> gRPC, health, store close.
Health comes early so that a boot that hangs can be seen; gRPC stops after the calls, so that givers hear "no" and not a
broken line. What is wrong at boot is said in one line each, with the variable to mend. What goes away later is waited for.

Exit codes: 0 drained, 2 the settings are unusable, 3 a port or the surroundings are, 4 the LiveKit worker broke.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import json
import logging
import math
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from importlib import metadata

from aiohttp import ClientWebSocketResponse, web
from handoff.directory import DIRECTORY
from handoff.redis_store import RedisStore
from handoff.taker import Taker, serve
from livekit.agents import AgentServer, JobRequest

from worker import health, surroundings
from worker.admission import Admission
from worker.job import PRELOAD, job
from worker.observe import Metrics
from worker.service import Service
from worker.settings import Settings, SettingsError

log = logging.getLogger("voicemesh.run")

_BELOW_STOCK_TARGET = 0.69
"""LiveKit's agents.target_load is 0.7 unless configured: a worker with a free place must report less."""


class _JsonLines(logging.Formatter):
    """One JSON object a line; only fields that were chosen, so that no caller's word slips in."""

    _FIELDS = ("call_id", "handoff_id")

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": round(record.created, 3),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in self._FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class _BootFailed(Exception):
    """Why this worker cannot begin, one line a problem."""


class _LiveKitWorker(AgentServer):
    """LiveKit's worker, which also tells when its connection is lost: then no call can come, whoever accepts one."""

    on_disconnected: Callable[[], None] = staticmethod(lambda: None)

    async def _run_ws(self, ws: ClientWebSocketResponse) -> None:
        try:
            await super()._run_ws(ws)
        finally:
            self.on_disconnected()


def run(service: Service) -> None:
    """Runs a service until SIGTERM and exits; the codes are above."""
    try:
        settings = Settings.of_this_process()
    except SettingsError as e:
        print(f"{service.name}: {e}", file=sys.stderr)
        raise SystemExit(2) from None
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    raise SystemExit(asyncio.run(_Worker(service, settings).main()))


class _Worker:
    def __init__(self, service: Service, settings: Settings) -> None:
        self._service = service
        self._settings = settings
        self._admission = Admission(
            settings.max_sessions,
            running=lambda: len(self._server.active_jobs) if self._is_running else 0,
            hold_seconds=settings.ready_timeout_seconds,
        )
        self._readiness = health.Readiness(self._admission)
        self._metrics = Metrics(
            service.name, active=lambda: self._admission.active, capacity=lambda: self._admission.capacity
        )
        self._is_running = False
        self._server = _LiveKitWorker(
            load_fnc=self._load,
            # Calls are counted here (admission). With a finite threshold, LiveKit's own guess of a launching job's load
            # makes a worker with one idle process look full for up to 2.5 s, and a dispatch in that time is lost.
            load_threshold=math.inf,
            num_idle_processes=settings.idle_processes,
            drain_timeout=settings.drain_seconds,
            max_retry=sys.maxsize,  # LiveKit may be away for long; giving up would end the calls that still run
            host="127.0.0.1",
            port=0,  # LiveKit's own health page stays green while draining; ours is on health_port
            ws_url=settings.livekit_url,
            api_key=settings.livekit_api_key,
            api_secret=settings.livekit_api_secret,
            preload_modules=PRELOAD,
            log_level=settings.log_level,
        )
        self._server.rtc_session(
            functools.partial(job, service=service, settings=settings),
            agent_name=service.name,
            on_request=self._on_request,
        )
        self._server.on("worker_started", self._started)
        self._server.on("worker_registered", self._registered)
        self._server.on_disconnected = self._disconnected
        self._admission.is_connected = False

    def _started(self) -> None:
        self._is_running = True
        self._readiness.initialized = True

    def _registered(self, *_: object) -> None:
        self._readiness.registered = self._admission.is_connected = True
        log.info("registered with LiveKit as %s", self._service.name)

    def _disconnected(self) -> None:
        self._readiness.registered = self._admission.is_connected = False

    def _load(self, server: AgentServer) -> float:
        """By calls, not by LiveKit's default, the machine's CPU. A stock server asks nobody at 0.7 or above."""
        share = len(server.active_jobs) / self._settings.max_sessions
        return 1.0 if share >= 1 else share * _BELOW_STOCK_TARGET

    async def _on_request(self, request: JobRequest) -> None:
        """Answers LiveKit in well under a millisecond: no I/O here."""
        handoff_id = request.job.attributes.get("handoff_id", "")
        if not handoff_id and self._admission.taken >= self._admission.capacity:
            self._metrics.job_answered("full")
            await request.reject(terminate=False)
            return
        self._metrics.job_answered("accepted")
        identity = f"{self._service.name}-{handoff_id or request.id}"
        await request.accept(name=DIRECTORY[self._service.name].spoken_name, identity=identity)
        self._admission.release(handoff_id)

    async def main(self) -> int:
        """Boots, serves, drains; the process's exit code."""
        async with AsyncExitStack() as closing:
            try:
                await self._open(closing)
            except _BootFailed as e:
                for problem in e.args:
                    print(f"{self._service.name}: {problem}", file=sys.stderr)
                return 3
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            for sig in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(sig, stop.set)
            return await self._serve_until(stop)

    async def _open(self, closing: AsyncExitStack) -> None:
        """Everything up to LiveKit; closed in reverse order. Raises _BootFailed."""
        s = self._settings
        with _listening("VOICEMESH_METRICS_PORT", s.bind_host, s.metrics_port):
            closing.callback(self._metrics.serve(host=s.bind_host, port=s.metrics_port).shutdown)
        store = RedisStore.connect(
            s.redis_url, call_ttl_seconds=s.call_ttl_seconds, handoff_ttl_seconds=s.handoff_ttl_seconds
        )
        closing.push_async_callback(store.aclose)
        runner = web.AppRunner(health.application(self._readiness), access_log=None)
        await runner.setup()
        closing.push_async_callback(runner.cleanup)
        with _listening("VOICEMESH_HEALTH_PORT", s.bind_host, s.health_port):
            await web.TCPSite(runner, s.bind_host, s.health_port).start()
        taker = Taker(
            service=self._service.name,
            version=metadata.version(f"voicemesh-{self._service.name}"),
            store=store,
            admission=self._admission,
            directory=DIRECTORY,
        )
        with _listening("VOICEMESH_GRPC_PORT", s.bind_host, s.grpc_port):
            grpc_server = await serve(taker, host=s.bind_host, port=s.grpc_port)
        closing.push_async_callback(grpc_server.stop, 0.5)
        if problems := await surroundings.problems(s, store):
            raise _BootFailed(*problems)

    async def _serve_until(self, stop: asyncio.Event) -> int:
        running = asyncio.create_task(self._server.run())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            stopping.cancel()
            log.error("the LiveKit worker ended: %s", running.exception() or "closed")
            return 4
        self._admission.draining = True
        started_at = time.monotonic()
        try:
            if self._settings.drain_seconds:  # LiveKit reads 0 as "for ever"
                await self._server.drain()
        except TimeoutError:
            log.warning("drain ended with %d calls still here", self._admission.active)
        await self._server.aclose()
        await running
        log.info("drained in %.1f s", time.monotonic() - started_at)
        return 0


@contextmanager
def _listening(variable: str, host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        if e.errno == errno.EADDRINUSE:
            raise _BootFailed(f"{variable}: port {port} is in use; free it, or set {variable} to a free one") from None
        where, why = f"{host}:{port}", e.strerror or type(e).__name__
        raise _BootFailed(f"{variable}: cannot listen on {where} ({why}); mend it or VOICEMESH_BIND_HOST") from None
