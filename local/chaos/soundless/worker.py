"""A made-up worker: the real taker on real gRPC, the real recovery with its guardian and its rounds, and a pool of made-up jobs."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from handoff.agent_ids import agent_id_of, awaited_taker
from handoff.giver import Giver, PoolStatus
from handoff.redis_store import RedisStore
from handoff.taker import Listener, Taker, serve
from worker.main_process.admission import Admission
from worker.main_process.livekit_worker import ClosedJob
from worker.main_process.observe import Metrics
from worker.recovery.recovery import Recovery
from worker.recovery.rounds import Rounds
from worker.settings import Settings

from local.chaos.soundless.agent import Around, Job
from local.chaos.soundless.mortal import Life, Mortal
from local.chaos.soundless.rooms import Room

_HOST = "127.0.0.1"
_PLACES = 200
_NOTICES_SECONDS = 0.03
"""After which the main process knows that a job of its own is gone; 20-60 ms were measured."""
_numbers = itertools.count(1)


class Worker:
    """One process of a service. ``start`` it again after it died: it keeps its port."""

    def __init__(
        self, world: Around, service: str, settings: Settings, *, port: int = 0, places: int = _PLACES
    ) -> None:
        self.world, self.service, self.settings = world, service, settings
        self.port, self.places = port, places
        self.redis: Any
        self.giver: Giver
        self.life = Life()
        self.jobs: set[Job] = set()
        self._admission: Admission
        self._recovery: Recovery
        self._listener: Listener
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def load(self) -> int:
        """Calls here."""
        return len(self.jobs)

    @property
    def has_warm_process(self) -> bool:
        """See LiveKitWorker."""
        return self.life.is_well

    async def start(self) -> None:
        """Boots: listens, looks for calls without an owner, is known to LiveKit."""
        self.life, self.jobs = Life(), set()
        life = self.life
        self.redis = self.connect()
        store: Any = Mortal(self.redis, life, told=self.world.stored)
        self._admission = Admission(self.places, running=lambda: len(self.jobs), hold_seconds=4.0)
        metrics = Metrics(self.service, active=lambda: self.load, capacity=lambda: self.places)
        livekit: Any = Mortal(self.world.livekit, life)
        self._recovery = Recovery(
            service=self.service,
            store=store,
            rooms=livekit,
            peers=self,
            launcher=self,
            admission=self._admission,
            metrics=metrics,
            poll_seconds=self.settings.guardian_poll_seconds,
            recovery_seconds=self.settings.recovery_seconds,
        )
        taker = Taker(self.service, "1", store=store, admission=self._admission)
        self._listener = await serve(taker, host=_HOST, port=self.port)
        self.port = self._listener.port
        self.background(self._recovery.guardian.run())
        self.background(Rounds(store, livekit, metrics).run())
        self.world.livekit.workers.append(self)

    def connect(self) -> Any:
        """The store."""
        return RedisStore.connect(self.settings.redis_url)

    def knows(self, addresses: dict[str, tuple[str, ...]]) -> None:
        """Where its peers listen. Once all are started."""
        self.giver = Giver(addresses, offer_timeout_seconds=self.settings.offer_timeout_seconds)

    async def pools(self, to_service: str) -> dict[str, PoolStatus]:
        """See Giver: which workers of a service answer."""
        await self.life.gate()
        return await self.giver.pools(to_service)

    @property
    def address(self) -> str:
        """Where it takes offers."""
        return f"{_HOST}:{self.port}"

    # --- jobs ---------------------------------------------------------------------------------------------------------
    async def offered(self, room: Room, attributes: dict[str, str]) -> bool:
        """LiveKit offers a job; as the real main process answers it."""
        handoff_id = attributes.get("handoff_id", "")
        if not self.life.is_well or self._admission.refuse_job(handoff_id) is not None:
            return False
        taker = awaited_taker(self.service, handoff_id) if handoff_id else self.service
        agent_id = agent_id_of(attributes.get("agent_id", "") or taker, f"AJ_{next(_numbers)}")
        self.jobs.add(Job(self, room, agent_id, attributes))
        self._admission.release(handoff_id)
        return True

    async def launch(self, room: str, *, agent_id: str, name: str, attributes: dict[str, str]) -> None:
        """See LiveKitWorker: a successor in this process's own pool."""
        found = self.world.livekit.rooms.get(room)
        if found is not None and not self.life.is_dead:
            self.jobs.add(Job(self, found, agent_id, attributes))

    def job_ended(self, job: Job, exit_code: int) -> None:
        """A job's process is gone; the main process hears of it a moment later."""
        self.jobs.discard(job)

        async def noticed() -> None:
            await asyncio.sleep(_NOTICES_SECONDS)
            await self.life.gate()
            awaited_id = job.attributes.get("agent_id", "")
            closed = ClosedJob(job.room.name, job.agent_id, job.handoff_id, exit_code, awaited_id)
            self._recovery.job_closed(closed)

        self.background(noticed())

    # --- the end ------------------------------------------------------------------------------------------------------
    async def die(self) -> None:
        """SIGKILL to the main process: its jobs go with it, its connections break."""
        self.life.die()
        with suppress(ValueError):
            self.world.livekit.workers.remove(self)
        for job in list(self.jobs):
            job.kill()
        await self._end()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._listener.stop(0)
        await self._recovery.settle(0)
        await self.giver.aclose()
        await self.redis.aclose()

    def background(self, doing: Coroutine[Any, Any, Any]) -> None:
        """A task of this process."""
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
