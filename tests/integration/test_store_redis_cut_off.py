"""One worker cannot reach Redis, which is well for all others: its call is another agent's, and nothing that it did or does counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from handoff.call import Ending, Floor, Role
from handoff.guardian import Guardian
from handoff.store import Overdue

from local.chaos.wire import Wire
from tests.integration.outage_rig import LEASE, Job, Mesh, away, made_mesh, until

mesh = pytest.fixture(made_mesh)


@dataclass
class Partition:
    """``owner`` reaches Redis by ``wire`` alone; ``successor`` is what a guardian on the other side makes of its call."""

    mesh: Mesh
    wire: Wire
    owner: Job
    seized: list[tuple[Overdue, Floor]]
    watching: asyncio.Task[None]

    async def successor(self) -> Job:
        """Returns when the call was seized, with an agent that goes on with it as the store has it."""
        await until(lambda: bool(self.seized))
        self.watching.cancel()  # on a busy machine the successor would be the next one to be late
        ((_, floor),) = self.seized
        store = self.mesh.connect()
        call = await store.load_call("call-1")
        assert call is not None
        job = self.mesh.job(floor.agent_id, call)
        job.checkpoint.hold(floor)
        return job


@pytest.fixture
async def partition(mesh: Mesh) -> AsyncIterator[Partition]:
    """A call whose owner was cut off after its first words were stored."""
    wire = await Wire.to(mesh.redis.port)
    mesh.closing.push_async_callback(wire.close)
    owner = await mesh.owner(url=f"redis://127.0.0.1:{wire.port}/0")
    owner.checkpoint.note_turn(Role.CALLER, "My account is AC4721.")
    assert await owner.checkpoint.flushed(30)
    seized: list[tuple[Overdue, Floor]] = []

    async def rescue(seen: Overdue, floor: Floor) -> None:
        seized.append((seen, floor))

    guardian = Guardian(mesh.connect(), rescue, poll_seconds=0.02, lease_seconds=30.0)
    watching = asyncio.create_task(guardian.run())
    wire.cut()
    yield Partition(mesh, wire, owner, seized, watching)
    watching.cancel()


async def test_a_call_whose_owner_is_cut_off_is_a_successors_as_far_as_it_was_stored(partition: Partition) -> None:
    await away(partition.owner)
    partition.owner.checkpoint.note_turn(Role.CALLER, "Nobody but you has heard this.")
    successor = await partition.successor()
    assert [seen.agent_id for seen, _ in partition.seized] == ["triage-1"]
    assert successor.checkpoint.call.turns[-1].text == "My account is AC4721."
    assert (await partition.mesh.floor()) == (successor.agent_id, 2)


async def test_an_owner_that_is_cut_off_believes_in_its_floor_only_until_it_can_ask(partition: Partition) -> None:
    """It cannot tell this from an outage for all, in which it has to go on; its successor puts it out of the room."""
    successor = await partition.successor()
    await away(partition.owner)
    assert partition.owner.floor == Floor("call-1", "triage", "triage-1", 1, 0.0)
    partition.wire.mend()
    await until(lambda: partition.owner.lost == ["triage-1"])
    assert partition.owner.floor is None
    assert (await partition.mesh.floor(), successor.lost) == ((successor.agent_id, 2), [])


async def test_nothing_of_what_it_had_sent_into_the_cut_wire_counts_when_it_arrives(partition: Partition) -> None:
    """Renewals, a checkpoint and an ending lie in the wire, and come to Redis after the successor's words."""
    partition.owner.checkpoint.note_turn(Role.CALLER, "Nobody but you has heard this.")
    await away(partition.owner)
    ending = asyncio.create_task(partition.owner.checkpoint.end(Ending.FAILED, "the old owner's"))
    successor = await partition.successor()
    successor.checkpoint.note_turn(Role.AGENT, "Sorry, we were cut off for a moment.")
    assert await successor.checkpoint.flushed(30)
    partition.wire.mend()
    await ending
    await partition.owner.checkpoint.last_written()
    assert partition.owner.checkpoint.has_ended is False, "the call goes on with another agent"
    await asyncio.sleep(2 * LEASE)
    words = await partition.mesh.words()
    assert words[-2:] == ["My account is AC4721.", "Sorry, we were cut off for a moment."]
    assert (await partition.mesh.floor(), successor.lost) == ((successor.agent_id, 2), [])
    assert await partition.mesh.watch().endings() == ()
