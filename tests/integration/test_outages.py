"""What is around a call goes away, and the call goes on: Redis, a peer, the providers of speech, the disc under the log, the clock.

Real Redis processes, real gRPC, real HTTP on loopback. LiveKit's room is the one thing that is simulated here.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from handoff.call import Ending, Floor, Role
from handoff.errors import PeerUnreachable
from handoff.giver import Giver
from handoff.guardian import Guardian
from handoff.lifecycle import State
from handoff.seal import Seal
from handoff.store import Overdue
from handoff.testing import make_context
from livekit import rtc
from worker.handover import by_word, sealed_dispatch
from worker.handover.by_word import Taking
from worker.store_clock import StoreClock

from tests.integration.outage_rig import LEASE, PATIENT_SECONDS, SEAL_KEY, Job, Mesh, away, made_mesh, until

mesh = pytest.fixture(made_mesh)


async def test_a_call_outlives_a_redis_that_is_stopped_and_comes_back_empty(mesh: Mesh) -> None:
    job = await mesh.owner()
    await mesh.redis.stop()
    await away(job)
    job.checkpoint.note_turn(Role.CALLER, "Are you still with me?")
    assert job.floor is not None and not job.lost, "nobody has taken the call: the agent goes on"
    await mesh.redis.start()

    async def is_back() -> bool:
        return await mesh.floor() == ("triage-1", 1) and "Are you still with me?" in await mesh.words()

    await until(is_back)
    assert not job.lost


async def test_a_call_that_begins_while_redis_is_away_is_stored_when_it_is_back(mesh: Mesh) -> None:
    await mesh.redis.stop()
    job = await mesh.owner()
    assert job.floor == Floor("call-1", "triage", "triage-1", 1, 0.0)
    job.checkpoint.note_turn(Role.AGENT, "Thanks for calling.")
    await mesh.redis.start()

    async def is_stored() -> bool:
        return await mesh.floor() == ("triage-1", 1) and "Thanks for calling." in await mesh.words()

    await until(is_stored)


async def test_an_ending_in_an_outage_is_in_the_ledger_afterwards(mesh: Mesh) -> None:
    job = await mesh.owner()
    await mesh.redis.stop()
    await away(job)
    await job.checkpoint.end(Ending.RESOLVED, "helped")
    await mesh.redis.start()
    await job.checkpoint.last_written()
    assert [(line.call_id, line.ending) for line in await mesh.watch().endings()] == [("call-1", Ending.RESOLVED)]


async def test_a_redis_that_hangs_and_wakes_up_finds_the_same_owner(mesh: Mesh) -> None:
    """It holds everything, and every lease in it has passed: guardians must give the living a moment."""
    job = await mesh.owner()
    seized: list[Overdue] = []

    async def rescue(seen: Overdue, floor: Floor) -> None:
        seized.append(seen)

    guardian = Guardian(mesh.connect(), rescue, poll_seconds=0.02, lease_seconds=4.0)
    watching = asyncio.create_task(guardian.run())
    mesh.redis.freeze()
    await away(job)
    await asyncio.sleep(2 * LEASE)
    mesh.redis.thaw()
    await until(lambda: not job.store.is_away and job.floor is not None and job.floor.lease_until > 0)
    for _ in range(3):
        await asyncio.sleep(LEASE)
        assert await mesh.floor() == ("triage-1", 1)
    watching.cancel()
    await guardian.settle(0)
    assert (seized, job.lost) == ([], [])


# --- a handoff while Redis is away ----------------------------------------------------------------------------------------
@dataclass
class Room:
    """What giver and taker see of one room: each other, and RPC between them."""

    methods: dict[tuple[str, str], Callable[[Any], Any]] = field(default_factory=dict)

    def of(self, identity: str, *others: str) -> Any:
        return _View(self, identity, others)


class _View:
    def __init__(self, room: Room, identity: str, others: tuple[str, ...]) -> None:
        self._room = room
        self.identity = identity
        self.local_participant = self
        self.kind = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        self.remote_participants = dict.fromkeys(others, self)

    def register_rpc_method(self, name: str, handler: Callable[[Any], Any]) -> None:
        self._room.methods[self.identity, name] = handler

    async def perform_rpc(self, *, destination_identity: str, method: str, payload: str) -> str:
        return str(
            await self._room.methods[destination_identity, method](
                rtc.RpcInvocationData("1", self.identity, payload, 1.0)
            )
        )

    def on(self, event: str, told: Callable[[Any], None]) -> None:
        """Nobody leaves."""


async def handed_over_by_word(mesh: Mesh, giver: Job, *, takers_clock: StoreClock | None = None) -> Job:
    """Billing takes triage's call while nobody can be asked: dispatch, READY, floor, first word."""
    room = Room()
    now = await giver.store.now()
    context = make_context("h1", call=giver.checkpoint.call, epoch=giver.checkpoint.epoch, now=now)
    giving = by_word.begin(
        room.of("triage-1", "billing-h1"),
        Seal(SEAL_KEY),
        context,
        to_service="billing",
        now=giver.store.clock,
        again=lambda: context,
    )
    assert giving is not None
    giver.store.goes_by(giving)
    clock = takers_clock or StoreClock()
    attributes = giving.attributes | {"handoff_id": "h1", "epoch": str(context.epoch)}
    brought = sealed_dispatch.opened(Seal(SEAL_KEY), attributes, call_id="call-1", service="billing", now=clock())
    taker = mesh.job("billing-h1", sealed_dispatch.call_of(brought.context), clock=clock)
    taking = Taking(room.of("billing-h1", "triage-1"), brought, service="billing", seal=Seal(SEAL_KEY), clock=clock)
    taker.store.goes_by(taking, taker.checkpoint.call)
    await taker.store.move("h1", State.READY, taker_id="billing-h1")
    giver.checkpoint.let_go()
    floor = await giver.store.pass_floor("h1", epoch=1, lease_seconds=LEASE)
    taker.checkpoint.hold(floor)
    await taker.store.move("h1", State.SPOKEN)
    return taker


@pytest.mark.parametrize("outage", ["stopped", "frozen"])
async def test_a_handoff_in_an_outage_holds_when_redis_is_back_empty_or_as_it_was(mesh: Mesh, outage: str) -> None:
    giver = await mesh.owner()
    await until(lambda: giver.checkpoint._written.is_set())
    if outage == "stopped":
        await mesh.redis.stop()
    else:
        mesh.redis.freeze()
    await away(giver)
    taker = await handed_over_by_word(mesh, giver)
    taker.checkpoint.note_turn(Role.AGENT, "This is billing.")
    if outage == "stopped":
        await mesh.redis.start()
    else:
        mesh.redis.thaw()

    async def is_known() -> bool:
        return await mesh.floor() == ("billing-h1", 2) and "This is billing." in await mesh.words()

    await until(is_known)
    assert not taker.lost
    call = await mesh.connect().load_call("call-1")
    assert call is not None and call.services == ("triage", "billing")


async def test_a_giver_that_still_believes_in_its_floor_is_silenced_when_redis_is_back(mesh: Mesh) -> None:
    giver = await mesh.owner()
    await until(lambda: giver.checkpoint._written.is_set())
    mesh.redis.freeze()
    await away(giver)
    taker = await handed_over_by_word(mesh, giver)
    giver.checkpoint.hold(Floor("call-1", "triage", "triage-1", 1, 0.0))
    mesh.redis.thaw()
    await until(lambda: giver.lost == ["triage-1"])
    await until(lambda: taker.floor is not None and taker.floor.lease_until > 0)
    assert (await mesh.floor(), taker.lost) == (("billing-h1", 2), [])


@pytest.mark.parametrize("jump_seconds", [600.0, -600.0])
async def test_a_taker_whose_machines_clock_jumped_opens_what_was_sealed_for_it(
    mesh: Mesh, jump_seconds: float
) -> None:
    """LiveKit's clock, in the job's token, stands in for the store's that it never heard."""
    giver = await mesh.owner()
    await mesh.redis.stop()
    await away(giver)
    clock = StoreClock(begins_at=time.time(), local=lambda: time.time() + jump_seconds)
    taker = await handed_over_by_word(mesh, giver, takers_clock=clock)
    assert taker.floor is not None and taker.floor.epoch == 2


# --- a peer -----------------------------------------------------------------------------------------------------------
async def test_a_peer_that_accepts_a_connection_and_never_answers_is_unreachable_to_a_watcher_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as black_hole:
        giver = Giver({"billing": f"127.0.0.1:{black_hole.getsockname()[1]}"}, offer_timeout_seconds=0.2)
        async with asyncio.timeout(PATIENT_SECONDS):
            with pytest.raises(PeerUnreachable):
                await giver.pool("billing")
            with pytest.raises(PeerUnreachable):
                await anext(aiter(giver.watch("h1", "billing")))
        await giver.aclose()
