"""A caller wants a person, nobody is at the desk, and one of ours is called by telephone: real LiveKit, livekit/sip and SIP user agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
import soxr
from handoff.call import Ending
from livekit import api

from local.caller import render
from local.caller.band import RATE as CALLERS_RATE
from local.caller.script import Script
from local.supervisor.mesh import Mesh
from tests.e2e.calls import Live, caller, hangs_up, ring, says
from tests.e2e.processes import has_no_call, job_of, until
from tests.telephone.softphone import RATE, Softphone
from tests.telephone.stack import BRIDGE, make_trunk, needs_telephones

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(480), *needs_telephones]

WANTS_A_MANAGER = says("This is ridiculous. I want to speak to a manager.", after="how can I help")
GREETING = "Hello, this is Anna. I have heard everything, and I will put it right."
SERVICES = ("triage", "escalation")
ANNAS_NUMBER = "+15550100007"
CALL_SECONDS = 240.0
"""Longest that a call may take in which a telephone rings and its human is told a story, twice if need be."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def mesh(playbook_mesh: Mesh, run_dirs: Path) -> AsyncIterator[Mesh]:
    settings = {"VOICEMESH_DESK_PHONES": f"Anna={ANNAS_NUMBER}", "VOICEMESH_DESK_RING_SECONDS": "10"}
    async with Mesh(
        run_dirs / "telephone",
        services=SERVICES,
        env_of={"escalation": settings},
        speech_url=playbook_mesh.speech_url,
        bridge=BRIDGE,
    ) as mesh:
        yield mesh


@pytest_asyncio.fixture(loop_scope="session")
async def phone(mesh: Mesh, tmp_path: Path) -> AsyncIterator[Softphone]:
    """Anna's."""
    async with Softphone(tmp_path, mesh.settings.inherited) as phone:
        async with api.LiveKitAPI(mesh.livekit_url, mesh.livekit_api_key, mesh.livekit_api_secret) as livekit:
            await make_trunk(livekit, phone.address)
        yield phone


def patient(*, leaves_after: str) -> Script:
    """A caller who wants a manager, waits while a telephone rings and its human is briefed, and hangs up when he has heard that."""
    leaves = replace(hangs_up(after=leaves_after), timeout_seconds=CALL_SECONDS)
    return replace(caller(WANTS_A_MANAGER, leaves), timeout_seconds=CALL_SECONDS)


async def spoken(mesh: Mesh, words: str) -> np.ndarray:
    """A human's line, as his telephone sends it."""
    script = caller(says(words, after="never"))
    audio = (await render(script, speech_url=mesh.speech_url, cache_dir=mesh.settings.cache_dir))[0]
    return np.asarray(soxr.resample(audio, CALLERS_RATE, RATE), dtype=np.int16)


async def takes_the_call(live: Live, phone: Softphone) -> None:
    """He hears who calls and presses the key, hears what it is about and presses it again, and has the floor."""
    await phone.until("media", seconds=120)
    for _ in ("the opening", "the briefing"):
        await phone.told()
        phone.presses("1")
    await live.call(lambda call: "human" in call.services)


async def speaks(phone: Softphone, words: np.ndarray) -> None:
    """Returns when it is said."""
    phone.says(words)
    await asyncio.sleep(len(words) / RATE + 1)


async def test_a_human_is_called_briefed_introduced_and_ends_the_call(mesh: Mesh, phone: Softphone) -> None:
    greeting = await spoken(mesh, GREETING)

    async def anna(live: Live) -> None:
        await takes_the_call(live, phone)
        await speaks(phone, greeting)
        phone.hangs_up()

    evidence = await ring(mesh, patient(leaves_after="never said"), meddle=anna)
    assert evidence.voices == ["triage", "escalation", "human"]
    assert "I'm calling a colleague" in evidence.said_by("escalation")
    assert "Anna from our team is here" in evidence.said_by("escalation")
    assert await evidence.hears("I have heard everything", service="human")
    assert (evidence.ending, evidence.recording.ended_by) == (Ending.TRANSFERRED_TO_HUMAN, "mesh")
    logs = "".join((mesh.run_dir / "logs" / f"{name}.log").read_text("utf-8", "replace") for name in mesh.workers)
    assert "a human has the call" in logs
    assert ANNAS_NUMBER not in logs
    await has_no_call(mesh, *SERVICES)


async def test_a_voicemail_gets_no_caller_and_a_managers_call_is_offered_as_ever(mesh: Mesh, phone: Softphone) -> None:
    machine = await spoken(mesh, "You have reached the voicemail of Anna. Please leave a message after the tone.")
    phone.says(machine, again=True)
    evidence = await ring(mesh, patient(leaves_after="shall I book that"))
    assert evidence.voices == ["triage", "escalation"]
    assert evidence.call.services == SERVICES
    await has_no_call(mesh, *SERVICES)


async def test_a_busy_telephone_costs_the_caller_a_moment(mesh: Mesh, phone: Softphone) -> None:
    phone.answers(486)
    evidence = await ring(mesh, patient(leaves_after="shall I book that"))
    assert [handoff.reason for handoff in evidence.handoffs if handoff.to_service == "human"] == ["busy"]
    await has_no_call(mesh, *SERVICES)


async def test_a_human_gives_the_call_back_by_a_key(mesh: Mesh, phone: Softphone) -> None:
    greeting = await spoken(mesh, GREETING)

    async def anna(live: Live) -> None:
        await takes_the_call(live, phone)
        await speaks(phone, greeting)
        phone.presses("9")
        await phone.until("over")

    evidence = await ring(mesh, patient(leaves_after="hello again"), meddle=anna)
    assert evidence.voices == ["triage", "escalation", "human", "escalation"]
    assert "cut off" not in evidence.said_by("escalation")
    await has_no_call(mesh, *SERVICES)


async def has_one_job(mesh: Mesh) -> bool:
    try:
        job_of(mesh, "escalation")
    except AssertionError:
        return False
    return True


async def test_when_the_switchboard_is_killed_the_caller_is_customer_cares_and_the_human_is_hung_up(
    mesh: Mesh, phone: Softphone
) -> None:
    greeting = await spoken(mesh, GREETING)

    async def anna(live: Live) -> None:
        await takes_the_call(live, phone)
        await speaks(phone, greeting)
        await until(lambda: has_one_job(mesh), what="customer care's agent gone, and the switchboard alone")
        job_of(mesh, "escalation").kill()
        await phone.until("over")

    evidence = await ring(mesh, patient(leaves_after="how can I help you now"), meddle=anna)
    assert evidence.voices == ["triage", "escalation", "human", "escalation"]
    assert "my colleague's line was cut off" in evidence.said_by("escalation")
    await has_no_call(mesh, *SERVICES)
