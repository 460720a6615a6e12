"""Composition root of a worker: what is made in which order, and how it stops.

Boot:  settings -> metrics -> health (live at once, not ready) -> gRPC (offers are declined until LiveKit knows us) -> are Redis
       and LiveKit there? -> LiveKit worker, guardian. Ready means: registered with LiveKit, with a free place.
Drain: SIGTERM -> admission says no, LiveKit is told we are full -> running calls are moved to other workers, or finish (bounded)
       -> what is still here is seized and sent on -> gRPC, health, store close.
Health comes early so that a boot that hangs can be seen; gRPC stops after the calls, so that givers hear "no" and not a
broken line. The guardian stops before the jobs are closed: whatever it seized then it could not bring to an end.
What is wrong at boot is said in one line each, with the variable to mend. What goes away later is waited for.

Exit codes: 0 drained, 2 the settings are unusable, 3 a port or the surroundings are, 4 the LiveKit worker broke.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import math
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from importlib import metadata

from handoff.agent_ids import agent_id_of, awaited_taker
from handoff.directory import DIRECTORY
from handoff.giver import Giver
from handoff.outcome import Refusal
from handoff.redis_store import RedisStore
from handoff.store import Store
from handoff.taker import Taker
from handoff.tls import Certificates, UnusableCertificates
from livekit.agents import AgentServer, JobRequest
from telemetry import measure, tracing
from telemetry.log_lines import JsonLines
from telemetry.relay import Receiver, new_address

from worker.job.entry import job, preload, prewarm
from worker.main_process import doors, draining, health, surroundings
from worker.main_process.admission import Admission
from worker.main_process.canary_beat import CanaryBeat
from worker.main_process.doors import BootFailed
from worker.main_process.heartbeat import Heartbeat
from worker.main_process.livekit_worker import LiveKitWorker
from worker.main_process.observe import Metrics
from worker.main_process.steady_log import SteadyHandler
from worker.main_process.stopped import StoppedJobs
from worker.recovery.recovery import Recovery
from worker.recovery.rooms import Rooms
from worker.recovery.rounds import Rounds
from worker.service import Service
from worker.settings import Settings, SettingsError
from worker.telephone.phone import masked

log = logging.getLogger("voicemesh.run")

_LOOK_SECONDS = 0.1
_BELOW_STOCK_TARGET = 0.69
"""LiveKit's agents.target_load is 0.7 unless configured: a worker with a free place must report less."""
_SETTLE_SECONDS = 2.0
"""How long the process stays to send on the calls whose jobs it closed."""


class _JsonLines(JsonLines):
    """As everybody's, and no calling number whole."""

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


_TALKATIVE = ("mcp", "openai", "httpx", "httpx2", "httpcore", "httpcore2")
"""At DEBUG these write whole requests into their messages: what a caller said, what a tool answered."""


def run(service: Service) -> None:
    """Runs a service until SIGTERM and exits; the codes are above."""
    try:
        settings = Settings.of_this_process()
    except SettingsError as e:
        print(f"{service.name}: {e}", file=sys.stderr)
        raise SystemExit(2) from None
    _log_at(settings.log_level)
    raise SystemExit(asyncio.run(_Worker(service, settings).main()))


def _log_at(level: str) -> None:
    writer = logging.StreamHandler()
    writer.setFormatter(_JsonLines())
    logging.basicConfig(level=level, handlers=[SteadyHandler(writer)], force=True)
    for name in _TALKATIVE:  # job processes copy the level of every logger that is known here
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLogger().level))


def _identity(service: str, told: Mapping[str, str], job_id: str) -> str:
    """How a job is called in the room. Who is sent under a name of his own keeps it; for a successor's, or a handoff, two may come."""
    sent_as, handoff_id = told.get("agent_id", ""), told.get("handoff_id", "")
    if sent_as and "resume" not in told:
        return sent_as
    return agent_id_of(sent_as or (awaited_taker(service, handoff_id) if handoff_id else service), job_id)


@dataclass(frozen=True, slots=True)
class _Watch:
    """What looks after calls while the worker runs."""

    rooms: Rooms
    recovery: Recovery
    rounds: Rounds
    stopped: StoppedJobs
    heartbeat: Heartbeat
    canary: CanaryBeat | None = None


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
        self._version = settings.version or metadata.version(f"voicemesh-{service.name}")
        self._is_canary = bool(settings.canary_weight)
        self._metrics = Metrics(
            service.name,
            active=lambda: self._admission.active,
            capacity=lambda: self._admission.capacity,
            version=self._version,
            is_canary=self._is_canary,
        )
        self._is_running = False
        self._server = LiveKitWorker(
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
            preload_modules=preload(service),
            setup_fnc=functools.partial(prewarm, service=service, settings=settings),
            log_level=settings.log_level,
        )
        self._metrics_at = new_address()
        self._server.rtc_session(
            functools.partial(job, service=service, settings=settings, metrics_at=self._metrics_at),
            agent_name=settings.name_of(service.name),
            on_request=self._on_request,
        )
        self._server.on("worker_started", self._started)
        self._server.on("worker_registered", self._registered)
        self._server.on_disconnected = self._disconnected
        self._admission.is_connected = False

    def _started(self) -> None:
        self._is_running = True
        self._server.watch_jobs()

    def _registered(self, *_: object) -> None:
        self._readiness.registered = self._admission.is_connected = True
        log.info("registered with LiveKit as %s", self._settings.name_of(self._service.name))

    def _disconnected(self) -> None:
        self._readiness.registered = self._admission.is_connected = False

    def _load(self, server: AgentServer) -> float:
        """By calls, not by LiveKit's default, the machine's CPU. A stock server asks nobody at 0.7 or above."""
        share = len(server.active_jobs) / self._settings.max_sessions
        return 1.0 if share >= 1 else share * _BELOW_STOCK_TARGET

    async def _on_request(self, request: JobRequest) -> None:
        """Answers LiveKit in well under a millisecond: no I/O here. Who is refused is offered to another worker."""
        told = request.job.attributes
        handoff_id = told.get("handoff_id", "")
        if refusal := self._admission.refuse_job(handoff_id):
            self._metrics.job_answered("draining" if refusal is Refusal.DRAINING else "full")
            await request.reject(terminate=False)
            return
        self._metrics.job_answered("accepted")
        identity = _identity(self._service.name, told, request.id)
        # A process may have to be started for it first: meanwhile its place is nobody else's.
        place = handoff_id or request.id
        self._admission.keep(place)
        try:
            await request.accept(name=DIRECTORY[self._service.name].spoken_name, identity=identity)
        finally:
            self._admission.release(place)

    async def main(self) -> int:
        """Boots, serves, drains; the process's exit code."""
        async with AsyncExitStack() as closing:
            tracing.start(self._service.name, version=self._version, endpoint=self._settings.otlp_endpoint)
            closing.callback(tracing.stop)
            try:
                watch = await self._open(closing)
            except BootFailed as e:
                for problem in e.args:
                    print(f"{self._service.name}: {problem}", file=sys.stderr)
                return 3
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            for sig in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(sig, stop.set)
            return await self._serve_until(stop, watch)

    async def _open(self, closing: AsyncExitStack) -> _Watch:
        """Everything up to LiveKit; closed in reverse order. Raises BootFailed."""
        s = self._settings
        store = RedisStore.connect(
            s.redis_url, call_ttl_seconds=s.call_ttl_seconds, handoff_ttl_seconds=s.handoff_ttl_seconds
        )
        closing.push_async_callback(store.aclose)
        rooms = Rooms.connect(s)
        closing.push_async_callback(rooms.aclose)
        taker = Taker(
            service=self._service.name,
            version=self._version,
            store=store,
            admission=self._admission,
            directory=DIRECTORY,
            agent_name=s.name_of(self._service.name),
        )
        known = Certificates.of(s.tls_dir)
        measure.into(self._metrics.kept, service=self._service.name)
        listening = await Receiver.listen(self._metrics_at, self._metrics.kept, lost=self._metrics.observations_lost)
        closing.callback(listening.close)
        await doors.open_all(
            closing, s, metrics=self._metrics, readiness=self._readiness, taker=taker, certificates=known
        )
        if problems := await surroundings.problems(s, store):
            raise BootFailed(*problems)
        peers = Giver(
            {name: s.addresses(name) for name in DIRECTORY},
            offer_timeout_seconds=s.offer_timeout_seconds,
            certificates=known,
        )
        closing.push_async_callback(peers.aclose)
        canary = self._canary(store)
        recovery = Recovery(
            service=self._service.name,
            store=store,
            rooms=rooms,
            peers=peers,
            launcher=self._server,
            admission=self._admission,
            metrics=self._metrics,
            poll_seconds=s.guardian_poll_seconds,
            recovery_seconds=s.recovery_seconds,
            canary=canary,
        )
        stopped = StoppedJobs(lambda: self._server.job_processes if self._is_running else {}, recovery.job_closed)
        heartbeat = Heartbeat(
            self._service.name,
            store=store,
            admission=self._admission,
            readiness=self._readiness,
            version=self._version,
            is_canary=self._is_canary,
            told=functools.partial(self._beaten, known),
        )
        closing.push_async_callback(heartbeat.leave)
        if canary is not None:
            closing.push_async_callback(canary.leave)
        return _Watch(rooms, recovery, Rounds(store, rooms, self._metrics), stopped, heartbeat, canary)

    def _beaten(self, known: Certificates | None, has_reached: bool) -> None:
        self._metrics.store_answered(has_reached)
        self._metrics.tasks(len(asyncio.all_tasks()))
        if known is not None:
            with suppress(UnusableCertificates):
                self._metrics.certificate_ends(known.pair().ends_at)

    def _canary(self, store: Store) -> CanaryBeat | None:
        """None when this worker is none."""
        if not self._is_canary:
            return None
        return CanaryBeat(
            self._service.name,
            version=self._version,
            weight=self._settings.canary_weight,
            store=store,
            readiness=self._readiness,
            metrics=self._metrics,
        )

    async def _serve_until(self, stop: asyncio.Event, watch: _Watch) -> int:
        self._server.on_job_closed = watch.recovery.job_closed
        running = asyncio.create_task(self._server.run())
        stopping = asyncio.create_task(stop.wait())
        loops = (watch.recovery.guardian, watch.rounds, watch.stopped, watch.heartbeat, watch.canary)
        watching = [asyncio.create_task(loop.run()) for loop in loops if loop is not None]
        watching.append(asyncio.create_task(self._warm()))
        try:
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                log.error("the LiveKit worker ended: %s", running.exception() or "closed")
                return 4
            await self._drain(watch.rooms)
        finally:
            for task in (stopping, *watching):
                task.cancel()
        await self._server.aclose()
        await running
        await watch.recovery.settle(_SETTLE_SECONDS)
        return 0

    async def _warm(self) -> None:
        """Ready means that a call is answered at once. LiveKit waits no more than 12 s for the first job process, and on a busy
        machine that process takes longer: a caller sent here meanwhile would hear nobody."""
        while not self._is_running or (self._settings.idle_processes and not self._server.has_warm_process):
            await asyncio.sleep(_LOOK_SECONDS)
        self._readiness.initialized = True

    async def _drain(self, rooms: Rooms) -> None:
        self._admission.draining = True
        started_at = time.monotonic()
        # LiveKit reads 0 as "for ever"
        if self._settings.drain_seconds and not await draining.drained(self._server, rooms):
            log.warning("drain ended with %d calls still here", self._admission.active)
        log.info("drained in %.1f s", time.monotonic() - started_at)
