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
from local.caller.script import Line
from local.supervisor.mesh import Mesh
from tests.e2e.calls import Live, caller, hangs_up, ring, says
from tests.e2e.processes import has_no_call, job_of
from tests.telephone.softphone import RATE, Softphone
from tests.telephone.stack import make_trunk, needs_telephones, sip_beside

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240), *needs_telephones]

WANTS_A_MANAGER = says("This is ridiculous. I want to speak to a manager.", after="how can I help")
GREETING = "Hello, this is Anna. I have heard everything, and I will put it right."
SERVICES = ("triage", "escalation")
ANNAS_NUMBER = "+15550100007"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def mesh(playbook_mesh: Mesh, run_dirs: Path) -> AsyncIterator[Mesh]:
    settings = {"VOICEMESH_DESK_PHONES": f"Anna={ANNAS_NUMBER}", "VOICEMESH_DESK_RING_SECONDS": "10"}
    async with (
        Mesh(
            run_dirs / "telephone",
            services=SERVICES,
            env_of={"escalation": settings},
            speech_url=playbook_mesh.speech_url,
            keeps_numbers=True,
        ) as mesh,
        sip_beside(mesh),
    ):
        yield mesh


@pytest_asyncio.fixture(loop_scope="session")
async def phone(mesh: Mesh, tmp_path: Path) -> AsyncIterator[Softphone]:
    """Anna's."""
    async with Softphone(tmp_path, mesh.settings.inherited) as phone:
        async with api.LiveKitAPI(mesh.livekit_url, mesh.livekit_api_key, mesh.livekit_api_secret) as livekit:
            await make_trunk(livekit, phone.address)
        yield phone


def leaves(*, after: str) -> Line:
    """The caller hangs up; he is patient: he waits while a telephone rings and its human is briefed."""
    return replace(hangs_up(after=after), timeout_seconds=120)


async def spoken(mesh: Mesh, words: str) -> np.ndarray:
    """A human's line, as his telephone sends it."""
    script = caller(says(words, after="never"))
    audio = (await render(script, speech_url=mesh.speech_url, cache_dir=mesh.settings.cache_dir))[0]
    return np.asarray(soxr.resample(audio, CALLERS_RATE, RATE), dtype=np.int16)


async def takes_the_call(live: Live, phone: Softphone) -> None:
    """He presses the key twice, and has the floor."""
    await phone.until("media", seconds=90)
    await asyncio.sleep(2)
    phone.presses("1")
    await asyncio.sleep(2)
    phone.presses("1")
    await live.call(lambda call: "human" in call.services)


async def test_a_human_is_called_briefed_introduced_and_ends_the_call(mesh: Mesh, phone: Softphone) -> None:
    greeting = await spoken(mesh, GREETING)

    async def anna(live: Live) -> None:
        await takes_the_call(live, phone)
        phone.says(greeting)
        await asyncio.sleep(len(greeting) / RATE + 1)
        phone.hangs_up()

    evidence = await ring(mesh, caller(WANTS_A_MANAGER, leaves(after="never said")), meddle=anna)
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
    evidence = await ring(mesh, caller(WANTS_A_MANAGER, leaves(after="shall I book that")))
    assert evidence.voices == ["triage", "escalation"]
    assert evidence.call.services == SERVICES
    await has_no_call(mesh, *SERVICES)


async def test_a_busy_telephone_costs_the_caller_a_moment(mesh: Mesh, phone: Softphone) -> None:
    phone.answers(486)
    evidence = await ring(mesh, caller(WANTS_A_MANAGER, leaves(after="shall I book that")))
    assert [handoff.reason for handoff in evidence.handoffs if handoff.to_service == "human"] == ["busy"]
    await has_no_call(mesh, *SERVICES)


async def test_a_human_gives_the_call_back_by_a_key(mesh: Mesh, phone: Softphone) -> None:
    greeting = await spoken(mesh, GREETING)

    async def anna(live: Live) -> None:
        await takes_the_call(live, phone)
        phone.says(greeting)
        await asyncio.sleep(len(greeting) / RATE + 1)
        phone.presses("9")
        await phone.until("over")

    evidence = await ring(mesh, caller(WANTS_A_MANAGER, leaves(after="hello again")), meddle=anna)
    assert evidence.voices == ["triage", "escalation", "human", "escalation"]
    assert "cut off" not in evidence.said_by("escalation")
    await has_no_call(mesh, *SERVICES)


async def test_when_the_switchboard_is_killed_the_caller_is_customer_cares_and_the_human_is_hung_up(
    mesh: Mesh, phone: Softphone
) -> None:
    greeting = await spoken(mesh, GREETING)

    async def anna(live: Live) -> None:
        await takes_the_call(live, phone)
        phone.says(greeting)
        await asyncio.sleep(len(greeting) / RATE + 1)
        job_of(mesh, "escalation").kill()
        await phone.until("over")

    evidence = await ring(mesh, caller(WANTS_A_MANAGER, leaves(after="how can I help you now")), meddle=anna)
    assert evidence.voices == ["triage", "escalation", "human", "escalation"]
    assert "my colleague's line was cut off" in evidence.said_by("escalation")
    await has_no_call(mesh, *SERVICES)
