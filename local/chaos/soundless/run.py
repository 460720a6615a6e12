"""Thousands of handoffs with a fault in every tenth, and what must be true afterwards: see ``Outcome.problems``."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from handoff.call import Ending
from handoff.redis_store import RedisStore
from worker.settings import Settings

from local.chaos.soundless.faults import KINDS
from local.chaos.soundless.rooms import Room
from local.chaos.soundless.worker import Worker
from local.chaos.soundless.world import EVERY, World
from local.chaos.table import spread

WORKERS = {"triage": 2, "billing": 2, "technical": 2, "sales": 2, "escalation": 1}
AT_ONCE = 16
"""Calls that go on at the same time."""
_WISHES = 4
"""Handoffs in a call that nothing strikes; the protocol allows six services."""
LONGEST_SILENCE_SECONDS = 45.0
"""From a strike to the next voice. An agent that died with its worker before it had opened its call is
listed for 21 s more, and followed at the next round."""
_TURNS_OF_A_KIND = 8
CALL_SECONDS = 90.0
"""Longest that a call may take; struck again and again, each recovery takes some seconds."""
_TELL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    seed: int
    handoffs: int
    calls: int
    seconds: float
    struck: Mapping[str, int]
    stayed: Mapping[str, int]
    """Handoffs that did not happen, by reason; the giver went on."""
    endings: Mapping[str, int]
    silences_ms: Mapping[str, float] | None
    """From a strike to the next voice that begins: median, p95, max."""
    recoveries: int
    given_up_wishes: int
    """Services that a caller was told he cannot have now, after three tries."""
    problems: tuple[str, ...]


async def under_fire(
    redis_url: str, *, handoffs: int, seed: int, every: int = EVERY, say: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Runs until so many handoffs were offered, and all their calls have ended."""
    began = time.monotonic()
    # Struck agents are what this is about; they are told of at length.
    logging.getLogger("voicemesh").setLevel(logging.ERROR)
    world = World(random.Random(seed), every=every)
    await _start(world, redis_url)
    store = RedisStore.connect(redis_url)
    rooms: list[Room] = []
    teller = asyncio.create_task(_tell(world, handoffs, say))
    try:
        await _place_calls(world, handoffs, rooms)
        await world.settle()
        return await _judged(world, store, rooms, seed, began)
    finally:
        teller.cancel()
        await asyncio.gather(*(worker.die() for worker in world.workers), return_exceptions=True)
        await store.aclose()


async def _start(world: World, redis_url: str) -> None:
    settings = Settings.from_env(
        {
            "LIVEKIT_URL": "ws://127.0.0.1:1",
            "LIVEKIT_API_KEY": "key",
            "LIVEKIT_API_SECRET": "secret",
            "REDIS_URL": redis_url,
            "VOICEMESH_SPEECH_URL": "http://127.0.0.1:1/v1",
            # All processes of this mesh share one, and with it one core: half a second would measure the machine.
            "VOICEMESH_OFFER_TIMEOUT_SECONDS": "3",
        }
    )
    for service, count in WORKERS.items():
        for _ in range(count):
            worker = Worker(world, service, settings)
            await worker.start()
            world.workers.append(worker)
    for worker in world.workers:
        worker.knows(world.addresses())


async def _place_calls(world: World, handoffs: int, rooms: list[Room]) -> None:
    running: set[asyncio.Task[None]] = set()
    while len(world.handoffs) < handoffs:
        room = Room(f"call-{len(rooms):06}", _wishes(world.chance))
        rooms.append(room)
        running.add(asyncio.create_task(_call(world, room)))
        if len(running) >= AT_ONCE:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    await asyncio.gather(*running)


def _wishes(chance: random.Random) -> tuple[str, ...]:
    """Services one after the other, never the same twice in a row."""
    wishes = ["triage"]
    while len(wishes) <= _WISHES:
        wishes.append(chance.choice([service for service in WORKERS if service not in (wishes[-1], "escalation")]))
    return tuple(wishes[1:])


async def _call(world: World, room: Room) -> None:
    world.livekit.rooms[room.name] = room
    await world.livekit.call_in(room.name, "triage", {})
    try:
        async with asyncio.timeout(CALL_SECONDS):
            await room.is_closed.wait()
    except TimeoutError:
        agents = ", ".join(f"{a.identity} {'well' if a.life.is_well else 'struck'}" for a in room.agents.values())
        room.strikes.append(f"given up after {CALL_SECONDS:g} s with {agents or 'nobody'} in the room")
        world.given_up.append(room.name)
        room.close()


async def _judged(world: World, store: RedisStore, rooms: list[Room], seed: int, began: float) -> Outcome:
    lines = [line async for line in ledger_lines(store)]
    ended = Counter(line.call_id for line in lines)
    problems = [
        f"{room.name} has {ended[room.name]} endings{await _story(store, room)}"
        for room in rooms
        if ended[room.name] != 1
    ]
    problems += [f"{room.name} took longer than {CALL_SECONDS:g} s" for room in rooms if room.name in world.given_up]
    # These callers never hang up, and want nothing that cannot be had.
    problems += [f"{line.call_id} ended as {line.ending}" for line in lines if line.ending is not Ending.RESOLVED]
    problems += [
        f"{silence:.1f} s of silence in {room.name}"
        for room in rooms
        for silence in room.silences
        if silence > LONGEST_SILENCE_SECONDS
    ]
    problems += never_struck(world.struck, handoffs=len(world.handoffs), every=world.every)
    problems += [f"two voices at once in {room.name}: {' and '.join(ids)}" for room in rooms for ids in room.doubles]
    problems += [f"{id_} was delivered {n} times" for id_, n in world.deliveries.items() if n > 1]
    problems += [
        f"{n} successors for epoch {epoch} of {call}" for (call, epoch), n in world.successors.items() if n > 1
    ]
    problems += [f"{agent_id} broke" for agent_id in world.broken]
    problems += too_few_struck(sum(world.struck.values()), handoffs=len(world.handoffs), every=world.every)
    silences = [silence * 1000 for room in rooms for silence in room.silences]
    return Outcome(
        seed=seed,
        handoffs=len(world.handoffs),
        calls=len(rooms),
        seconds=round(time.monotonic() - began, 1),
        struck=dict(sorted(world.struck.items())),
        stayed=dict(world.stayed),
        endings=dict(Counter(str(line.ending) for line in lines)),
        silences_ms=spread([round(silence) for silence in silences]),
        recoveries=sum(world.successors.values()),
        given_up_wishes=world.given_up_wishes,
        problems=tuple(problems),
    )


async def _story(store: RedisStore, room: Room) -> str:
    """What is known of a call that did not end as it should: what struck it, and what the store says of it now."""
    floor = await store.load_floor(room.name)
    call = await store.load_call(room.name)
    holds = "nobody" if floor is None else f"{floor.agent_id} in epoch {floor.epoch}"
    went = "no record" if call is None else f"{' -> '.join(call.services)}, {len(call.attempts)} attempts"
    wishes = ", ".join(room.wishes) or "no wish"
    return f" ({'; '.join(room.strikes) or 'not struck'}; {holds} has the floor; {went}; {wishes} left)"


def never_struck(struck: Mapping[str, int], *, handoffs: int, every: int) -> list[str]:
    """Kinds of faults that a long run has not tried once; some of each miss."""
    if handoffs // every < _TURNS_OF_A_KIND * len(KINDS):
        return []
    return [f"no fault of the kind '{kind}' struck" for kind in map(str, KINDS) if not struck.get(kind)]


def too_few_struck(struck: int, *, handoffs: int, every: int) -> list[str]:
    """A run that was hardly under fire proves nothing. Some faults miss: a handoff that is declined never comes to be READY."""
    planned = handoffs // every
    return [f"only {struck} of {planned} faults struck"] if 2 * struck < planned else []


async def ledger_lines(store: RedisStore) -> Any:
    """The lines of all calls that ended, the first one first."""
    cursor = ""
    while True:
        lines, cursor = await store.ledger_after(cursor, count=500)
        if not lines:
            return
        for line in lines:
            yield line


async def _tell(world: World, handoffs: int, say: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(_TELL_SECONDS)
        doubles = sum(len(room.doubles) for room in world.livekit.rooms.values())
        say(
            f"{len(world.handoffs)} of {handoffs} handoffs, {sum(world.struck.values())} struck, {doubles} double voices"
        )
