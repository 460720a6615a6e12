"""One whole call with a language model as the brain, whose caller talks over the announcement: what the model was shown, and when.

The model is a script on loopback; the agents cannot know that it is none.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from handoff.call import Ending
from handoff.context import HandoffContext
from handoff.lifecycle import State

from local import report
from local.caller import load_script
from local.supervisor.mesh import Mesh
from local.versions import versions
from tests.e2e.calls import CHARGED_TWICE, Evidence, Live, caller, hangs_up, ring
from tests.e2e.scripted_model import Request, ScriptedModel

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass(frozen=True, slots=True)
class ModelCall:
    """The call, its report, what differs from its script's expectations, and all that the model was asked."""

    evidence: Evidence
    report: dict[str, Any]
    failures: list[str]
    requests: tuple[Request, ...]
    model: ScriptedModel
    """Still there, as the mesh is."""

    @property
    def billings(self) -> list[Request]:
        """What billing asked the model."""
        return [request for request in self.requests if request.service == "billing"]

    @property
    def floor_passed_at(self) -> float:
        """Seconds since the epoch; the store's clock is this machine's."""
        (handoff,) = self.evidence.handoffs
        assert handoff.state is State.SPOKEN
        return handoff.moved_at[State.TAKEN]

    @property
    def context(self) -> HandoffContext:
        """What crossed."""
        (handoff,) = self.evidence.handoffs
        return handoff.context


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def call(playbook_mesh: Mesh, run_dirs: Path, repo_root: Path) -> AsyncIterator[ModelCall]:
    script = load_script(repo_root / "local" / "callers" / "talk_over.yaml")
    folder = run_dirs / "model"
    async with (
        ScriptedModel() as model,
        Mesh(
            folder,
            services=("triage", "billing"),
            brain={"OPENAI_BASE_URL": model.base_url},
            speech_url=playbook_mesh.speech_url,
        ) as mesh,
    ):
        evidence = await ring(mesh, script)
        failures = await report.write(
            evidence.recording,
            evidence.call,
            evidence.handoffs,
            folder=folder,
            script=script,
            speech_url=mesh.speech_url,
            versions=versions(mesh.livekit_version),
        )
        written = json.loads((folder / "report.json").read_text())
        yield ModelCall(evidence, written, failures, tuple(model.requests), model)


async def test_the_call_goes_as_its_script_expects(call: ModelCall) -> None:
    assert call.failures == []
    assert call.evidence.ending is Ending.RESOLVED


async def test_the_model_works_with_the_tools_and_refunds_once(call: ModelCall) -> None:
    messages = call.billings[-1].body["messages"]
    called = [c["function"]["name"] for message in messages for c in message.get("tool_calls") or []]
    expected = ["find_account", "verify_identity", "check_refund_eligibility", "process_refund"]
    assert called == [*expected, *called[4:]]
    assert called.count("process_refund") == 1
    (effect,) = call.evidence.call.effects
    assert effect.startswith("process_refund RF-")


async def test_billings_model_is_not_asked_before_billing_has_the_floor(call: ModelCall) -> None:
    assert call.billings
    assert min(request.asked_at for request in call.billings) > call.floor_passed_at


async def test_billings_model_is_told_what_crossed(call: ModelCall) -> None:
    first = call.billings[0]
    assert call.context.summary in first.instructions
    assert [(fact.name, fact.value) for fact in call.context.facts] == [("date", "March")]
    assert "date: March" in first.instructions
    assert "charged twice" in first.conversation


async def test_what_was_said_over_the_announcement_is_in_billings_first_question_to_the_model(call: ModelCall) -> None:
    announced, said = _spoken(call, "I'm connecting you"), call.evidence.recording.spoken[1]
    assert said.start_ms < announced["end_ms"], "the caller did talk over it"
    assert "account" in call.billings[0].conversation.lower()
    assert "could you tell me your account" not in call.evidence.said_by("billing").lower()


async def test_billings_first_sentence_is_heard_whole_and_alone(call: ModelCall) -> None:
    (handoff,) = call.report["handoffs"]
    assert handoff["clipped_ms"] is not None, "it could be compared with the whole sentence"
    assert handoff["clipped_ms"] <= 20
    assert handoff["overlap_ms"] == 0


async def test_no_request_to_the_model_holds_livekits_secret(call: ModelCall) -> None:
    everything = json.dumps([astuple(request) for request in call.requests])
    assert "process_refund" in everything
    assert call.evidence.mesh.livekit_api_secret not in everything
    assert call.evidence.mesh.livekit_api_key not in everything


async def test_a_model_whose_handoff_failed_is_told_so_last_and_stays_with_the_caller(call: ModelCall) -> None:
    mesh = call.evidence.mesh
    asked_before = len(call.model.requests)

    async def kill_it(live: Live) -> None:
        await live.handoff(State.READY)
        mesh.process("billing").kill()

    evidence = await ring(mesh, caller(CHARGED_TWICE, hangs_up(after="not available right now")), meddle=kill_it)
    assert evidence.voices == ["triage"]
    asked = call.model.requests[asked_before:]
    assert [request.service for request in asked] == ["triage", "triage"]
    last = asked[-1].body["messages"][-1]
    assert (last["role"], last["content"].split(":")[0]) == ("tool", "Nobody took the call")


def _spoken(call: ModelCall, beginning: str) -> dict[str, Any]:
    """The turn, as it was heard, that begins so."""
    return next(turn for turn in call.report["turns"] if turn["text"].startswith(beginning))
