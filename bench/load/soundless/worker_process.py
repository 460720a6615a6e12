"""`python -m bench.load.soundless.worker_process`: one worker of the soundless tier in a process of its own.

It is told everything in one JSON object, its only argument (see ``Told``), and lives until its hub is gone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from handoff.lifecycle import State
from handoff.redis_store import RedisStore
from livekit import rtc
from worker.settings import Settings

from bench.load.soundless.far import FarLiveKit, FarRoom, FarSeat
from bench.load.soundless.histogram import Histogram
from bench.load.soundless.pipe import LONGEST_LINE, Pipe
from bench.load.soundless.timed import Timed
from local.chaos.soundless.pace import Pace
from local.chaos.soundless.rooms import Agent, Room
from local.chaos.soundless.worker import Worker

_LAG_EVERY_SECONDS = 0.1
_STEPS = (State.OFFERED, State.ACCEPTED, State.DISPATCHED, State.READY, State.TAKEN, State.SPOKEN)


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker's process is started with."""

    name: str
    service: str
    port: int
    places: int
    hub: str
    """Path of its socket."""
    redis_url: str
    addresses: dict[str, list[str]]
    """Where the workers of each service listen."""
    lease_seconds: float
    sentence_seconds: float
    join_seconds: float


class FarWorld:
    """See Around: the same for one worker, whose rooms are the hub's."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.livekit = FarLiveKit()
        self.broken: list[str] = []
        self.stayed: Counter[str] = Counter()
        self.given_up_wishes = 0
        self.times: defaultdict[str, Histogram] = defaultdict(Histogram)
        """The store's answers, by question."""
        self.steps: defaultdict[str, Histogram] = defaultdict(Histogram)
        self.lag = Histogram()
        self.moved = 0

    def seat(self, room: Room, me: Agent) -> FarSeat:
        """See Around."""
        assert isinstance(room, FarRoom)
        return FarSeat(room, me)

    def stored(self, name: str, args: tuple[Any, ...], answer: Any) -> None:
        """See Around: the taker's last step has the times of all of them, by Redis's clock."""
        if name == "move" and args[1] is State.SPOKEN:
            self.moved += 1
            moved_at = answer.moved_at
            for before, after in pairwise(_STEPS):
                if before in moved_at and after in moved_at:
                    self.steps[after].add((moved_at[after] - moved_at[before]) * 1000)

    def delivered(self, handoff_id: str) -> None:
        """See Around."""

    def resumed(self, call_id: str, epoch: int) -> None:
        """See Around."""
        self.livekit.pipe.tell("resumed", room=call_id)

    def taken_stats(self) -> dict[str, Any]:
        """Everything since the last time."""
        told = {
            "store": {name: times.as_data() for name, times in self.times.items()},
            "steps": {name: times.as_data() for name, times in self.steps.items()},
            "lag": self.lag.as_data(),
            "moved": self.moved,
            "stayed": dict(self.stayed),
            "broken": self.broken[:5],
            "given_up": self.given_up_wishes,
            "tasks": len(asyncio.all_tasks()),
        }
        for each in self.times, self.steps, self.stayed, self.broken:
            each.clear()
        self.lag, self.moved, self.given_up_wishes = Histogram(), 0, 0
        return told


class LoadWorker(Worker):
    """See Worker: its store is timed, and its rooms are far."""

    world: FarWorld

    def connect(self) -> Any:
        """See Worker. The histograms are looked up at each question: they are new after each look."""
        return Timed(RedisStore.connect(self.settings.redis_url), self.world.times)

    async def launch(self, room: str, *, agent_id: str, name: str, attributes: dict[str, str]) -> None:
        """See LiveKitWorker."""
        if await self.world.livekit.fetch(room) is not None:
            await super().launch(room, agent_id=agent_id, name=name, attributes=attributes)
            self.tell_load()

    def job_ended(self, job: Any, exit_code: int) -> None:
        """See Worker."""
        super().job_ended(job, exit_code)
        self.tell_load()

    def tell_load(self) -> None:
        """To LiveKit."""
        self.world.livekit.pipe.tell("holds", load=self.load)


async def serve(told: Told) -> None:
    """Until the hub is gone."""
    pace = Pace(join_seconds=told.join_seconds, sentence_seconds=told.sentence_seconds)
    world = FarWorld(pace)
    worker = LoadWorker(world, told.service, settings(told), port=told.port, places=told.places)
    kit = world.livekit

    async def offered(room: str, wishes: list[str], attributes: dict[str, str]) -> bool:
        is_new = room not in kit.rooms
        takes = await worker.offered(kit.known(room, wishes), attributes)
        if is_new and not takes:
            kit.rooms.pop(room, None)
        return takes

    async def rpc(room: str, identity: str, sender: str, method: str, payload: str) -> str:
        agent = kit.rooms[room].agents[identity]
        return await agent.methods[method](rtc.RpcInvocationData("1", sender, payload, 10.0))

    async def stats() -> dict[str, Any]:
        return world.taken_stats()

    def state(room: str, agents: list[str], wishes: list[str]) -> None:
        if (found := kit.rooms.get(room)) is not None:
            found.is_now(agents, wishes)

    def words(room: str, identity: str, words: str) -> None:
        if (found := kit.rooms.get(room)) is not None:
            found.hears(identity, words)

    def put_out(room: str, identity: str) -> None:
        if (found := kit.rooms.get(room)) is not None:
            found.is_put_out(identity)

    reader, writer = await asyncio.open_unix_connection(told.hub, limit=LONGEST_LINE)
    kit.pipe = Pipe(
        reader,
        writer,
        asked={"offered": offered, "rpc": rpc, "stats": stats},
        told={"state": state, "words": words, "put_out": put_out, "closed": lambda room: kit.closed(room)},
    )
    await worker.start()
    worker.knows({service: tuple(places) for service, places in told.addresses.items()})
    kit.pipe.tell("hello", service=told.service, name=told.name)
    worker.background(_lag(world))
    await kit.pipe.run()


async def _lag(world: FarWorld) -> None:
    """How late this process's loop is: the sign of a busy process, before anything else is slow."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(_LAG_EVERY_SECONDS)
        world.lag.add(max(0.0, time.perf_counter() - began - _LAG_EVERY_SECONDS) * 1000)


def settings(told: Told) -> Settings:
    """As a worker has them; nothing of this tier asks for LiveKit or speech."""
    return Settings.from_env(
        {
            "LIVEKIT_URL": "ws://127.0.0.1:1",
            "LIVEKIT_API_KEY": "key",
            "LIVEKIT_API_SECRET": "secret",
            "REDIS_URL": told.redis_url,
            "VOICEMESH_SPEECH_URL": "http://127.0.0.1:1/v1",
            "VOICEMESH_LEASE_SECONDS": f"{told.lease_seconds:g}",
            # Its jobs share one process and one core with each other, which real ones do not.
            "VOICEMESH_OFFER_TIMEOUT_SECONDS": "3",
        }
    )


def main() -> None:
    """See above."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(serve(Told(**json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
