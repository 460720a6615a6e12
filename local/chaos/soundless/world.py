"""The whole made-up mesh: its workers, its rooms, what happened in it, and the faults that strike it at a step of a handoff."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from handoff.agent_ids import awaited_taker, came_as
from handoff.lifecycle import State
from handoff.store import Handoff

from local.chaos.soundless.agent import Job
from local.chaos.soundless.faults import KINDS, Strike
from local.chaos.soundless.livekit import LiveKit
from local.chaos.soundless.pace import Pace
from local.chaos.soundless.rooms import Agent, Room, Seat
from local.chaos.soundless.worker import Worker

EVERY = 10
"""Every tenth handoff is struck."""
_FROZEN_SECONDS = (0.5, 3.0)
"""Shorter and longer than a lease."""
_RESTART_SECONDS = 1.0
_LOOK_SECONDS, _WAITS = 0.002, 1500


class World:
    """One run's. ``chance`` decides which handoff is struck how."""

    def __init__(self, chance: random.Random, *, every: int = EVERY) -> None:
        self.chance, self.every, self.pace = chance, every, Pace()
        self.livekit = LiveKit()
        self.workers: list[Worker] = []
        self.handoffs: dict[str, Handoff] = {}
        """All that were offered, by id."""
        self.struck: Counter[str] = Counter()
        self.stayed: Counter[str] = Counter()
        self.broken: list[str] = []
        """Jobs that ended by an error that nobody expects."""
        self.given_up_wishes = 0
        self.deliveries: Counter[str] = Counter()
        self.successors: Counter[tuple[str, int]] = Counter()
        self.given_up: list[str] = []
        """Calls that took too long; whatever their record says in the end, their callers were not served."""
        self._deck: list[Strike] = []
        self._planned: dict[str, Strike] = {}
        self._losing: set[str] = set()
        self._doubling: set[str] = set()
        self._later: set[asyncio.Task[Any]] = set()

    # --- what happens -------------------------------------------------------------------------------------------------
    def stored(self, name: str, args: tuple[Any, ...], answer: Any) -> None:
        """The store has done something for somebody: the moment at which a handoff is struck."""
        if name == "offer" and answer.context.handoff_id not in self.handoffs:
            handoff_id = answer.context.handoff_id
            self.handoffs[handoff_id] = answer
            if len(self.handoffs) % self.every == 0:
                self._planned[handoff_id] = self._next_kind()
            self._reached(handoff_id, State.OFFERED)
        elif name == "move":
            self._reached(args[0], args[1])
        elif name == "pass_floor":
            self._reached(args[0], State.TAKEN)

    def delivered(self, handoff_id: str) -> None:
        """A taker speaks with the context of that handoff."""
        self.deliveries[handoff_id] += 1

    def resumed(self, call_id: str, epoch: int) -> None:
        """A successor goes on under that epoch."""
        self.successors[call_id, epoch] += 1

    def seat(self, room: Room, me: Agent) -> Seat:
        """The room as one agent has it; some of its words are lost, or come twice."""
        return Seat(
            room, me, lose_word=lambda: self.loses_word(room.name), say_twice=lambda: self.says_twice(room.name)
        )

    def loses_word(self, room: str) -> bool:
        """Whether the next word in that room is lost; once."""
        return self._once(self._losing, room)

    def says_twice(self, room: str) -> bool:
        """Whether it comes twice; once."""
        return self._once(self._doubling, room)

    @staticmethod
    def _once(among: set[str], room: str) -> bool:
        if room in among:
            among.discard(room)
            return True
        return False

    def _next_kind(self) -> Strike:
        """Each kind once, in an order of chance, before any comes again."""
        if not self._deck:
            self._deck = self.chance.sample(KINDS, len(KINDS))
        return self._deck.pop()

    # --- strikes ------------------------------------------------------------------------------------------------------
    def _reached(self, handoff_id: str, state: State) -> None:
        strike = self._planned.get(handoff_id)
        if strike is None or strike.state is not state:
            return
        handoff = self.handoffs[handoff_id]
        room = self.livekit.rooms.get(handoff.context.call_id)
        if room is None:
            return
        if strike.what == "word lost":
            self._losing.add(room.name)
        elif strike.what == "word twice":
            self._doubling.add(room.name)
        elif strike.what == "dispatch twice":
            self.livekit.doubled.add(room.name)
        elif (job := self._job(room.name, handoff, strike.whom)) is None:
            return  # it is not there yet, or no longer: the next handoff that is struck will be
        else:
            self._hit(job, strike.what)
            room.struck_at = time.monotonic()
        room.strikes.append(str(strike))
        del self._planned[handoff_id]
        self.struck[str(strike)] += 1

    def _job(self, room: str, handoff: Handoff, whom: str) -> Job | None:
        service = handoff.from_service if whom == "giver" else handoff.to_service
        awaited_id = awaited_taker(handoff.to_service, handoff.context.handoff_id)
        for worker in self.workers:
            for job in worker.jobs:
                is_taker = came_as(job.agent_id, awaited_id)
                if job.room.name == room and job.service == service and is_taker == (whom == "taker"):
                    return job if job.life.is_well else None
        return None

    def _hit(self, job: Job, what: str) -> None:
        worker = job.worker
        if what == "killed":
            job.kill()
            worker.job_ended(job, -9)
        elif what == "frozen":
            job.life.freeze()
            self.later(self._thaw(job))
        elif what == "worker killed":
            self.later(self._restart(worker))
        elif what == "worker frozen":
            worker.life.freeze()
            self.later(self._thaw_worker(worker))

    async def _thaw(self, job: Job) -> None:
        """At the worst moment: in the middle of somebody else's sentence, if there is one soon."""
        await asyncio.sleep(self.chance.uniform(*_FROZEN_SECONDS))
        for _ in range(_WAITS):
            if job.room.is_closed.is_set() or any(agent.is_audible for agent in job.room.agents.values()):
                break
            await asyncio.sleep(_LOOK_SECONDS)
        job.life.thaw()
        job.room.listen()

    async def _thaw_worker(self, worker: Worker) -> None:
        await asyncio.sleep(self.chance.uniform(*_FROZEN_SECONDS))
        worker.life.thaw()

    async def _restart(self, worker: Worker) -> None:
        if worker.life.is_dead:
            return
        await worker.die()
        await asyncio.sleep(_RESTART_SECONDS)
        await worker.start()
        worker.knows(self.addresses())

    def addresses(self) -> dict[str, tuple[str, ...]]:
        """Where the workers of each service listen."""
        found: dict[str, tuple[str, ...]] = {}
        for worker in self.workers:
            found[worker.service] = (*found.get(worker.service, ()), worker.address)
        return found

    def later(self, doing: Coroutine[Any, Any, Any]) -> None:
        """Something that happens meanwhile."""
        task = asyncio.create_task(doing)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def settle(self) -> None:
        """Waits for thaws and restarts; raises what went wrong with them."""
        while self._later:
            await asyncio.gather(*self._later)
