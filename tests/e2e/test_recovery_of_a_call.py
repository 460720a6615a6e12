"""The agent that has the floor is lost, frozen, or its worker is drained: the caller's conversation goes on, and ends as it should."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import numpy as np
import psutil
import pytest
import pytest_asyncio
from handoff.call import Ending, Role
from handoff.lifecycle import State

from local.caller.ear import audible
from local.supervisor.mesh import Mesh
from tests.e2e.calls import (
    AGREES,
    CHARGED_TWICE,
    GIVES_ACCOUNT,
    IS_DONE,
    Evidence,
    Live,
    caller,
    has_said,
    ring,
    says,
)
from tests.e2e.processes import has_no_call, identities, owner_of, until
from tests.e2e.told_call import DECLINES, GIVES_ACCOUNT_AGAIN, GIVES_ZIP, ToldCall

pytestmark = pytest.mark.asyncio(loop_scope="session")

DANIEL = (
    says("My account ID is A, C, six, one, zero, two.", after="account (ID|number)"),
    says("Nine, eight, zero, five, two.", after="ZIP code"),
)
"""Another customer who was charged twice; he is refunded here, once."""
WORKERS = ("billing", "billing.2")
_SUCCESSOR_SPEAKS_SECONDS = 9.0
"""Longest wait for what it says first; LiveKit's worker kills a job that stands still some 10 s after it was put out."""
"""From the floor's change to the middle of what the successor says: then the frozen one is thawed."""


@pytest_asyncio.fixture(loop_scope="session")
async def mesh(two_billings: Mesh) -> AsyncIterator[Mesh]:
    """All of it running; what a test stopped is started again after it."""
    yield two_billings
    for worker in two_billings.workers:
        if not two_billings.process(worker).is_alive:
            await two_billings.restart(worker)


async def said_by_agents(live: Live) -> list[str]:
    """All that agents have said so far, as the record has it."""
    call = await live.store.load_call(live.call_id)
    return [turn.text for turn in call.turns if turn.role is Role.AGENT] if call is not None else []


def ms_since_start(evidence: Evidence, moment: float) -> int:
    return int((moment - evidence.recording.started_at) * 1000)


def voice_after_ms(evidence: Evidence, moment: float, *, new_agent: bool = True) -> int:
    """From that moment to the first audible frame of an agent that had not been heard before it."""
    at = ms_since_start(evidence, moment) // 10
    firsts = []
    for track in evidence.recording.agents.values():
        frames = np.flatnonzero(audible(track))
        if frames.size and (frames[0] >= at or not new_agent):
            firsts.append(int(frames[frames >= at][0]))
    assert firsts, "nobody was heard after it"
    return (min(firsts) - at) * 10


def times_heard(evidence: Evidence, words: str) -> int:
    return sum(words in caption.text for caption in evidence.recording.captions)


def print_gap(what: str, milliseconds: int) -> None:
    print(f"{what}: {milliseconds} ms")


# --- lost -------------------------------------------------------------------------------------------------------------
@pytest.mark.short
async def test_a_killed_agent_is_followed_by_one_that_apologises_and_goes_on(killed_agents_call: ToldCall) -> None:
    mesh, evidence = killed_agents_call.evidence.mesh, killed_agents_call.evidence
    print_gap("killed to a voice", voice_after_ms(evidence, killed_agents_call.killed_at))
    assert evidence.ending is Ending.RESOLVED
    assert evidence.call.services == ("triage", "billing")
    assert times_heard(evidence, "cut off for a moment") == 1
    assert await evidence.hears("sorry, we were cut off for a moment", service="billing")
    await has_no_call(mesh, "triage", *WORKERS)
    assert await identities(mesh, evidence.call.call_id) == []


async def test_an_agent_killed_behind_the_refund_is_followed_by_one_that_tells_it_and_does_not_repeat_it(
    mesh: Mesh,
) -> None:
    async def kill_it(live: Live) -> None:
        await live.call(lambda call: any(line.startswith("process_refund") for line in call.effects))
        _, job = owner_of(mesh, "billing")
        job.kill()

    evidence = await ring(mesh, caller(CHARGED_TWICE, *DANIEL, AGREES, IS_DONE), service="billing", meddle=kill_it)
    assert evidence.ending is Ending.RESOLVED
    assert sum(line.startswith("process_refund") for line in evidence.call.effects) == 1
    assert "Your reference is" in evidence.said_by("billing")
    assert times_heard(evidence, "cut off for a moment") == 1


async def test_when_the_whole_worker_is_killed_the_other_one_goes_on(mesh: Mesh) -> None:
    killed_at = 0.0

    async def kill_it(live: Live) -> None:
        nonlocal killed_at
        await live.call(has_said("billing", "account ID"))
        worker, _ = owner_of(mesh, "billing")
        mesh.process(worker).kill()
        killed_at = time.time()

    evidence = await ring(
        mesh,
        caller(CHARGED_TWICE, GIVES_ACCOUNT_AGAIN, GIVES_ZIP, DECLINES, IS_DONE),
        service="billing",
        meddle=kill_it,
    )
    print_gap("worker killed to a voice", voice_after_ms(evidence, killed_at))
    assert evidence.ending is Ending.RESOLVED
    assert evidence.call.services == ("billing",)


# --- frozen -----------------------------------------------------------------------------------------------------------
async def test_a_frozen_agent_is_replaced_and_when_it_thaws_it_is_never_heard(mesh: Mesh) -> None:
    frozen_at = thawed_at = 0.0
    frozen = ""

    async def freeze_and_thaw(live: Live) -> None:
        nonlocal frozen_at, thawed_at, frozen
        await live.call(has_said("billing", "account ID"))
        _, job = owner_of(mesh, "billing")
        floor = await live.store.load_floor(live.call_id)
        assert floor is not None
        frozen = floor.agent_id
        job.suspend()
        frozen_at = time.time()
        try:
            said = len(await said_by_agents(live))
            with suppress(TimeoutError):
                async with asyncio.timeout(_SUCCESSOR_SPEAKS_SECONDS):
                    while len(await said_by_agents(live)) <= said:
                        await asyncio.sleep(0.05)
        finally:
            job.resume()  # its worker would kill it some 10 s after LiveKit has put it out
            thawed_at = time.time()

        async def it_is_gone() -> bool:
            with suppress(psutil.NoSuchProcess):
                return job.status() == psutil.STATUS_ZOMBIE
            return True

        await until(it_is_gone, what="the thawed agent gone by itself")

    evidence = await ring(
        mesh,
        caller(CHARGED_TWICE, GIVES_ACCOUNT_AGAIN, GIVES_ZIP, DECLINES, IS_DONE),
        service="billing",
        meddle=freeze_and_thaw,
    )
    print_gap("frozen to a voice", voice_after_ms(evidence, frozen_at))
    assert evidence.ending is Ending.RESOLVED
    (track,) = [track for identity, track in evidence.recording.agents.items() if identity == frozen]
    heard = np.flatnonzero(audible(track))
    assert not heard.size or heard[-1] * 10 < ms_since_start(evidence, frozen_at) + 500
    assert voice_after_ms(evidence, frozen_at) < ms_since_start(evidence, thawed_at) - ms_since_start(
        evidence, frozen_at
    )
    await has_no_call(mesh, "triage", *WORKERS)


# --- moved ------------------------------------------------------------------------------------------------------------
@pytest.mark.short
async def test_a_drained_worker_s_call_moves_to_the_other_one_and_the_caller_hears_nothing_special(mesh: Mesh) -> None:
    drained = ""

    async def drain(live: Live) -> None:
        nonlocal drained
        await live.call(has_said("billing", "account ID"))
        drained, _ = owner_of(mesh, "billing")
        os.kill(mesh.process(drained).pid, signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await mesh.process(drained).wait_exit() == 0

    evidence = await ring(
        mesh, caller(CHARGED_TWICE, GIVES_ACCOUNT, GIVES_ZIP, DECLINES, IS_DONE), service="billing", meddle=drain
    )
    assert evidence.ending is Ending.RESOLVED
    assert evidence.call.services == ("billing",)
    moved = [handoff for handoff in evidence.handoffs if handoff.from_service == handoff.to_service == "billing"]
    assert [handoff.state for handoff in moved] == [State.SPOKEN]
    assert times_heard(evidence, "cut off") == 0
    assert len({identity for identity in evidence.recording.agents if identity.startswith("billing-")}) == 2
