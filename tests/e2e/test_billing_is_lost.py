"""Billing cannot take the call, or is lost while it is about to: triage says so and stays with the caller."""

from __future__ import annotations

import asyncio
import signal
import time

import numpy as np
import pytest
from handoff.call import Ending
from handoff.lifecycle import State

from local.caller.ear import audible
from local.supervisor.mesh import Mesh
from tests.e2e.calls import (
    CHARGED_TWICE,
    IS_DONE,
    Evidence,
    Live,
    caller,
    hangs_up,
    ring,
    says,
    somebody_on_the_line_of,
)
from tests.e2e.processes import has_no_call, health, job_of, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

TRY_AGAIN = says("Yes please.", after="once more")
NO_CALLBACK = says("No, thank you.", after="call you back")
GOES_ON_WITHIN_MS = 5_000
"""What the caller is promised when billing is killed before it has the floor."""


def longest_silence_ms(evidence: Evidence, moment: float) -> int:
    """The longest time without any voice that the caller heard from that moment to triage's last word."""
    from_frame = max(0, int((moment - evidence.recording.started_at) * 100))
    frames = np.flatnonzero(audible(evidence.recording.heard)[from_frame:])
    return int(np.diff(np.concatenate([[0], frames])).max()) * 10


@pytest.mark.parametrize("state", [State.DISPATCHED, pytest.param(State.READY, marks=pytest.mark.short)])
async def test_when_billings_job_is_killed_before_the_floor_passes_triage_goes_on(mesh: Mesh, state: State) -> None:
    killed_at = 0.0

    async def kill_it(live: Live) -> None:
        nonlocal killed_at
        await live.handoff(state, State.READY)
        await until(lambda: has_a_job(mesh), what="a job of billing's")
        job_of(mesh, "billing").kill()
        killed_at = time.time()

    evidence = await ring(mesh, caller(CHARGED_TWICE, hangs_up(after="once more")), meddle=kill_it)
    await assert_triage_went_on(evidence, killed_at)
    assert evidence.ending is Ending.CALLER_HUNG_UP
    await has_no_call(mesh, "triage", "billing")


async def has_a_job(mesh: Mesh) -> bool:
    try:
        job_of(mesh, "billing")
    except AssertionError:
        return False
    return True


async def test_when_billings_worker_is_killed_triage_goes_on_and_says_so_again_when_nobody_is_there(mesh: Mesh) -> None:
    killed_at = 0.0

    async def kill_it(live: Live) -> None:
        nonlocal killed_at
        await live.handoff(State.DISPATCHED, State.READY)
        mesh.process("billing").kill()
        killed_at = time.time()

    evidence = await ring(mesh, caller(CHARGED_TWICE, TRY_AGAIN, NO_CALLBACK, IS_DONE), meddle=kill_it)
    await assert_triage_went_on(evidence, killed_at)
    assert "I still can't reach our billing specialist" in evidence.said_by("triage")
    assert [a.outcome for a in evidence.call.attempts] == ["lost", "unreachable"]
    assert evidence.call.services == ("triage",)
    assert (evidence.ending, evidence.recording.ended_by) == (Ending.FAILED, "mesh"), "nobody could help"
    await has_no_call(mesh, "triage")


async def assert_triage_went_on(evidence: Evidence, killed_at: float) -> None:
    """After billing was lost the caller heard triage say so, soon, and nobody else."""
    from_ms = (killed_at - evidence.recording.started_at) * 1000
    assert await evidence.hears("still here with you", service="triage", from_ms=from_ms)
    assert longest_silence_ms(evidence, killed_at) < GOES_ON_WITHIN_MS
    assert evidence.voices == ["triage"]
    assert evidence.handoffs[0].state in (State.WITHDRAWN, State.SUPERSEDED)


async def test_when_billing_is_full_and_then_draining_triage_says_so_and_stays(mesh: Mesh) -> None:
    billing = mesh.process("billing")

    async def drain_when_it_was_full(live: Live) -> None:
        await live.call(lambda call: [a.outcome for a in call.attempts] == ["at_capacity"])
        billing.send(signal.SIGTERM)

        async def says_so() -> bool:
            return (await health(mesh, "billing"))["reason"] == "draining"

        await until(says_so, what="a draining billing")

    async with somebody_on_the_line_of(mesh, "billing"):
        assert (await health(mesh, "billing"))["reason"] == "at_capacity"
        evidence = await ring(
            mesh, caller(CHARGED_TWICE, TRY_AGAIN, NO_CALLBACK, IS_DONE), meddle=drain_when_it_was_full
        )
        assert (await health(mesh, "billing"))["active_sessions"] == 1, (
            "the call that was there goes on while it drains"
        )
    assert [a.outcome for a in evidence.call.attempts] == ["at_capacity", "draining"]
    assert "can't take your call right now. I'm still here with you" in evidence.said_by("triage")
    assert evidence.voices == ["triage"]
    assert evidence.ending is Ending.FAILED
    async with asyncio.timeout(30):
        assert await billing.wait_exit() == 0, "drained"
