"""Billing is busy: the caller waits in line, hears music and his place, is heard himself, and goes through when billing has time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from handoff.call import Ending

from local.supervisor.mesh import Mesh
from tests.e2e.calls import CHARGED_TWICE, IS_DONE, Live, caller, hangs_up, ring, says, somebody_on_the_line_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def patient_mesh(playbook_mesh: Mesh, run_dirs: Path) -> AsyncIterator[Mesh]:
    """Billing has one place, for which a caller of triage's waits up to forty seconds."""
    env_of = {
        "billing": {"VOICEMESH_MAX_SESSIONS": "1", "VOICEMESH_SILENCE_SECONDS": "60"},
        "triage": {"VOICEMESH_HOLD_SECONDS": "40"},
    }
    async with Mesh(
        run_dirs / "patient", services=("triage", "billing"), env_of=env_of, speech_url=playbook_mesh.speech_url
    ) as mesh:
        yield mesh


async def test_a_caller_in_line_is_heard_and_goes_through_when_billing_has_time(patient_mesh: Mesh) -> None:
    gives_account = says("My account ID is A, C, four, seven, two, one.", after="hold the line", interrupt=True)
    async with AsyncExitStack() as line:
        await line.enter_async_context(somebody_on_the_line_of(patient_mesh, "billing"))

        async def the_other_leaves(live: Live) -> None:
            await live.call(lambda call: any("noted that" in turn.text for turn in call.turns))
            await line.aclose()

        evidence = await ring(
            patient_mesh, caller(CHARGED_TWICE, gives_account, hangs_up(after="ZIP")), meddle=the_other_leaves
        )
    assert "You're next in line" in evidence.said_by("triage")
    assert evidence.voices == ["triage", "billing"]
    assert evidence.call.services == ("triage", "billing")
    assert "account ID" not in evidence.said_by("billing"), "it was said on hold"


async def test_a_caller_who_would_rather_be_called_back_gets_a_ticket(patient_mesh: Mesh) -> None:
    call_me = says("Could you please call me back instead?", after="hold the line", interrupt=True)
    async with somebody_on_the_line_of(patient_mesh, "billing"):
        number = says("Five oh three, five five five, oh one four two.", after="On which number can we")
        evidence = await ring(patient_mesh, caller(CHARGED_TWICE, call_me, number, IS_DONE))
    assert "call you on 5 0 3, 5 5 5, 0 1 4 2" in evidence.said_by("triage"), "it is read back"
    assert "Your callback ticket is C T" in evidence.said_by("triage")
    assert evidence.voices == ["triage"]
    assert (evidence.ending, evidence.recording.ended_by) == (Ending.CALLBACK_BOOKED, "mesh")
