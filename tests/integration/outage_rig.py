"""A Redis that can go away, and jobs that keep a call in it: what the tests of outages stand on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from handoff.call import Call, Floor
from handoff.errors import StoreUnavailable
from handoff.redis_store import RedisStore
from handoff.testing import make_call
from worker.checkpoint import Checkpoint
from worker.handover.without_store import SteadyStore
from worker.store_clock import StoreClock

from tests.integration.mortal_redis import MortalRedis
from tests.integration.redis_farm import Cluster, Watched

PATIENT_SECONDS = 30.0
"""Only bounds a test that hangs; nothing is measured."""
LEASE = 0.4
SEAL_KEY = "a-secret-of-the-whole-mesh-in-tests-1"


async def until(met: Callable[[], Awaitable[bool]] | Callable[[], bool]) -> None:
    """Asks until it is so."""
    async with asyncio.timeout(PATIENT_SECONDS):
        while True:
            answer = met()
            if await answer if isinstance(answer, Awaitable) else answer:
                return
            await asyncio.sleep(0.02)


@dataclass
class Job:
    """One agent's side of a call: its store, its record."""

    agent_id: str
    store: SteadyStore
    checkpoint: Checkpoint
    lost: list[str] = field(default_factory=list)

    @property
    def floor(self) -> Floor | None:
        return self.checkpoint.floor


@dataclass
class Mesh:
    """One Redis, the jobs that use it, and a look into it from outside."""

    redis: MortalRedis | Cluster | Watched
    closing: AsyncExitStack

    def connect(self, url: str = "", *, answer_seconds: float = 0.2) -> RedisStore:
        """``url``: another way to the same Redis. An agent does not wait long for it."""
        store = RedisStore.connect(
            url or self.redis.url,
            connect_timeout_seconds=0.2,
            answer_timeout_seconds=answer_seconds,
            reread_seconds=0.05,
        )
        self.closing.push_async_callback(store.aclose)
        return store

    def watch(self) -> RedisStore:
        """For a test that looks from outside: a busy machine is no outage to it."""
        return self.connect(answer_seconds=PATIENT_SECONDS / 3)

    def job(self, agent_id: str, call: Call, *, clock: StoreClock | None = None, url: str = "") -> Job:
        service = agent_id.split("-")[0]
        store = SteadyStore(
            self.connect(url),
            service=service,
            agent_id=lambda: agent_id,
            lease_seconds=LEASE,
            clock=clock or StoreClock(),
        )
        lost: list[str] = []
        checkpoint = Checkpoint(
            store.as_store,
            call,
            service=service,
            lease_seconds=LEASE,
            on_floor_lost=lambda: lost.append(agent_id),
        )
        self.closing.callback(checkpoint.let_go)
        return Job(agent_id, store, checkpoint, lost)

    async def owner(self, call: Call | None = None, agent_id: str = "triage-1", *, url: str = "") -> Job:
        """A job that has answered a call, and holds it."""
        job = self.job(agent_id, call or make_call(services=("triage",)), url=url)
        await job.store.open_call(job.checkpoint.call)
        job.checkpoint.hold(
            await job.store.take_floor("call-1", service="triage", agent_id=agent_id, lease_seconds=LEASE)
        )
        return job

    async def floor(self) -> tuple[str, int] | None:
        """Who holds the call as Redis has it."""
        try:
            found = await self.watch().load_floor("call-1")
        except StoreUnavailable:
            return None
        return (found.agent_id, found.epoch) if found else None

    async def words(self) -> list[str]:
        """What was said, as Redis has it."""
        try:
            call = await self.watch().load_call("call-1")
        except StoreUnavailable:
            return []
        return [turn.text for turn in call.turns] if call else []


async def made_mesh(tmp_path: Path) -> AsyncIterator[Mesh]:
    redis = MortalRedis(tmp_path)
    async with AsyncExitStack() as closing:
        closing.push_async_callback(redis.stop)
        await redis.start()
        yield Mesh(redis, closing)


async def away(job: Job) -> None:
    """Returns when the job has noticed that Redis is away."""
    await until(lambda: job.store.is_away)
