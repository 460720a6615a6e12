"""For the tests of recovery: a worker's main process on paper, on a clock that only waiting moves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from handoff.call import Call, Floor
from handoff.testing import START, OutageStore, make_call
from livekit import api

from worker.main_process.admission import Admission
from worker.main_process.livekit_worker import ClosedJob
from worker.main_process.observe import Metrics
from worker.recovery.recovery import Canary, Recovery
from worker.recovery.rooms import Caller, Present
from worker.testing.jumping_time import everything_ran

RECOVERY_SECONDS = 4.0
ALICE = Caller("caller-1", False)
AWAY = api.TwirpError("unavailable", "LiveKit is away", status=503)


@dataclass
class PaperRooms:
    """LiveKit's rooms as a test wants them; notes what was done to them."""

    callers: tuple[Caller, ...] = (ALICE,)
    agents: tuple[str, ...] = ()
    answers: bool = True
    is_away: bool = False
    takes_dispatches: bool = True
    looks: int = 0
    evicted: list[str] = field(default_factory=list)
    called_in: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    async def present(self, room: str) -> Present:
        self.looks += 1
        if self.is_away:
            raise AWAY
        return Present(self.callers, self.agents)

    async def evict(self, room: str, identity: str) -> None:
        self.evicted.append(identity)

    async def call_in(self, room: str, service: str, attributes: dict[str, str]) -> str:
        if not self.takes_dispatches:
            raise AWAY
        self.called_in.append((service, attributes))
        return f"dispatch-{len(self.called_in)}"

    async def is_answered(self, room: str, dispatch_id: str) -> bool:
        return self.answers

    async def close(self, room: str) -> None:
        self.closed.append(room)


@dataclass
class PaperPool:
    """This worker's job processes."""

    has_warm_process: bool = True
    is_broken: bool = False
    launched: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def launch(self, room: str, *, agent_id: str, name: str, attributes: dict[str, str]) -> None:
        if self.is_broken:
            raise RuntimeError("no process became available")
        self.launched.append((agent_id, attributes))


@dataclass
class PaperPeers:
    """The services that answer."""

    alive: set[str] = field(default_factory=lambda: {"triage", "billing", "escalation"})

    async def pools(self, to_service: str) -> dict[str, object]:
        return {"host:1": "a pool"} if to_service in self.alive else {}


class Scene:
    """A billing worker's recovery, with a call that billing-1 holds on a clock that only waiting moves."""

    def __init__(self, service: str = "billing", *, canary: Canary | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.store = OutageStore(now=lambda: START + loop.time())
        self.rooms, self.pool, self.peers = PaperRooms(), PaperPool(), PaperPeers()
        self.admission = Admission(2, running=lambda: self.running, hold_seconds=4.0, now=loop.time)
        self.running = 0
        self.metrics = Metrics(service, active=lambda: 0, capacity=lambda: 2)
        self.recovery = Recovery(
            service=service,
            store=self.store,
            rooms=self.rooms,  # type: ignore[arg-type]
            peers=self.peers,
            launcher=self.pool,
            admission=self.admission,
            metrics=self.metrics,
            poll_seconds=0.1,
            recovery_seconds=RECOVERY_SECONDS,
            canary=canary,
        )

    async def held(self, *, service: str = "billing", agent_id: str = "billing-1", lease_seconds: float = 1.0) -> Floor:
        await self.store.open_call(make_call())
        return await self.store.take_floor("call-1", service=service, agent_id=agent_id, lease_seconds=lease_seconds)

    async def died(
        self, agent_id: str = "billing-1", *, exit_code: int = -9, handoff_id: str = "", awaited_id: str = ""
    ) -> None:
        """The job's process is gone, and all that follows at once has happened."""
        self.recovery.job_closed(ClosedJob("call-1", agent_id, handoff_id, exit_code, awaited_id))
        await everything_ran()

    async def overdue(self) -> None:
        """The lease passes, and the guardian looks."""
        await asyncio.sleep(1.0)
        await self.recovery.guardian.look()
        await self.recovery.guardian.look()
        await everything_ran()

    async def floor(self) -> Floor:
        found = await self.store.load_floor("call-1")
        assert found is not None
        return found

    async def call(self) -> Call:
        """As the store has it."""
        found = await self.store.load_call("call-1")
        assert found is not None
        return found

    def outcomes(self, detector: str) -> dict[str, float]:
        return {
            f"{s.labels['service']} {s.labels['outcome']}": s.value
            for metric in self.metrics.registry.collect()
            for s in metric.samples
            if s.name == "voicemesh_recoveries_total" and s.labels["detector"] == detector
        }
