"""Callers who leave, who say nothing, who come to the wrong moment: each call ends in one way and leaves nobody in its room."""

from __future__ import annotations

from pathlib import Path

import pytest
from handoff.call import Ending, Intent
from handoff.context import build_context
from handoff.directory import DIRECTORY
from handoff.lifecycle import State
from handoff.redis_store import RedisStore
from handoff.store import Handoff

from local.supervisor.mesh import Mesh
from tests.e2e.calls import CHARGED_TWICE, Live, caller, hangs_up, ring, says, stays_silent
from tests.e2e.processes import accepted_jobs, dispatch, has_no_call, identities, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.short
async def test_a_caller_who_hangs_up_in_the_middle_of_a_handoff_leaves_nothing_behind(mesh: Mesh) -> None:
    evidence = await ring(mesh, caller(CHARGED_TWICE, hangs_up(after="connecting you", interrupt=True)))
    assert evidence.ending is Ending.CALLER_HUNG_UP
    (handoff,) = evidence.handoffs
    assert handoff.state in (State.WITHDRAWN, State.SUPERSEDED)
    await has_no_call(mesh, "triage", "billing")
    assert await identities(mesh, evidence.call.call_id) == []


async def test_a_silent_caller_is_asked_twice_and_bidden_goodbye(mesh: Mesh, run_dirs: Path) -> None:
    impatient = {"VOICEMESH_SILENCE_SECONDS": "2"}
    async with Mesh(
        run_dirs / "impatient", services=("triage",), env_overrides=impatient, speech_url=mesh.speech_url
    ) as quick:
        evidence = await ring(quick, caller(stays_silent()))
        hears_goodbye = await evidence.hears("goodbye", service="triage")
        assert await identities(quick, evidence.call.call_id) == []
    said = evidence.said_by("triage")
    assert said.count("Are you still there?") == 2
    assert said.endswith("Goodbye.")
    assert hears_goodbye, "the goodbye is played to its end"
    assert evidence.recording.ended_by == "mesh"
    assert (evidence.ending, evidence.call.ending_detail) == (Ending.CALLER_HUNG_UP, "silent")


async def test_an_agent_that_is_sent_for_a_stale_context_leaves_without_a_word(mesh: Mesh) -> None:
    async def send_two(live: Live) -> None:
        async def is_answered() -> bool:
            return await live.store.load_floor(live.call_id) is not None

        await until(is_answered, what="triage's floor")
        await expired_handoff(live)
        for handoff_id in ("h-expired", "h-never-was"):
            before = await accepted_jobs(mesh, "billing")
            await dispatch(mesh, "billing", live.call_id, {"handoff_id": handoff_id, "epoch": "1"})

            async def it_came(before: int = before) -> bool:
                return await accepted_jobs(mesh, "billing") == before + 1

            await until(it_came, what="a job of billing's")
            await has_no_call(mesh, "billing")
            assert not [who for who in await identities(mesh, live.call_id) if who.startswith("billing-")]

    hours = says("What are your opening hours?", after="how can I help")
    evidence = await ring(mesh, caller(hours, hangs_up(after="anything else")), meddle=send_two)
    assert evidence.voices == ["triage"]
    assert evidence.call.services == ("triage",)
    assert evidence.said_by("billing") == ""


async def expired_handoff(live: Live) -> None:
    """An offer of this call that billing's store knew for half a second."""
    call, now, floor = (
        await live.store.load_call(live.call_id),
        await live.store.now(),
        await live.store.load_floor(live.call_id),
    )
    assert call is not None
    assert floor is not None
    context = build_context(
        call,
        entry=DIRECTORY["billing"],
        handoff_id="h-expired",
        epoch=floor.epoch,
        now=now,
        intent=Intent("billing", 1.0, "keywords"),
        ttl_seconds=0.5,
    )
    short = RedisStore.connect(live.mesh.redis_url, handoff_ttl_seconds=0.5)
    try:
        await short.offer(Handoff(context, "triage", "billing", State.OFFERED))

        async def is_gone() -> bool:
            return await short.load_handoff("h-expired") is None

        await until(is_gone, what="the end of a context's time to live")
    finally:
        await short.aclose()


async def test_a_caller_of_the_direct_line_is_greeted_by_billing(mesh: Mesh) -> None:
    evidence = await ring(mesh, caller(hangs_up(after="help you with your account")), service="billing")
    assert evidence.voices == ["billing"]
    assert evidence.call.services == ("billing",)
    assert evidence.handoffs == ()
    assert evidence.ending is Ending.CALLER_HUNG_UP
    await has_no_call(mesh, "billing")
