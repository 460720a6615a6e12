"""What calls tell of themselves: numbers by name, spans under the call, whom a successor follows. Never a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from handoff.call import Sentiment
from handoff.outcome import Refusal
from livekit import rtc
from livekit.agents import ChatMessage
from livekit.agents.llm import ToolError
from livekit.agents.voice.events import ConversationItemAddedEvent
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from telemetry import measure, tracing
from telemetry.names import agent_span_id, root_span_id
from worker.agent.answer_times import AnswerTimes
from worker.agent.mood import told_of_mood
from worker.agent.tool_use import told_of_tool
from worker.job.telling import Telling, how
from worker.testing.jumping_time import without_waiting
from worker.testing.recovery import Scene
from worker.testing.text_call import make_settings, paper_service
from worker.testing.transfer import DecliningTaker, SilentTaker, Stage, WillingTaker


class Told:
    """What was observed, in order."""

    def __init__(self) -> None:
        self.all: list[tuple[str, float, dict[str, str]]] = []

    def take(self, name: str, value: float, labels: Mapping[str, str], call_id: str) -> None:
        self.all.append((name, value, dict(labels)))

    def labels(self, name: str) -> list[dict[str, str]]:
        return [labels for observed, _, labels in self.all if observed == name]


@pytest.fixture
def told() -> Iterator[Told]:
    sink = Told()
    measure.into(sink, service="triage")
    yield sink
    measure.into(None)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.start("triage", processor=SimpleSpanProcessor(exporter))
    yield exporter
    tracing.stop()


# --- handoffs ---------------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_handoff_is_counted_with_its_steps_and_its_gap(told: Told) -> None:
    await Stage(WillingTaker()).hand_over()
    assert told.labels("voicemesh_handoffs_total") == [{"from": "triage", "to": "billing", "outcome": "moved"}]
    steps = [labels["step"] for labels in told.labels("voicemesh_handoff_step_seconds")]
    assert steps == ["offer", "announce", "ready", "caller_done", "pass", "first_word"]
    assert told.labels("voicemesh_handoff_gap_seconds") == [{"to": "billing"}]


@without_waiting
async def test_a_handoff_that_did_not_happen_is_counted_by_its_reason_and_has_no_gap(told: Told) -> None:
    await Stage(DecliningTaker(Refusal.AT_CAPACITY)).hand_over()
    await Stage(SilentTaker()).hand_over()
    outcomes = [labels["outcome"] for labels in told.labels("voicemesh_handoffs_total")]
    assert outcomes == ["at_capacity", "silent"]
    assert told.labels("voicemesh_handoff_gap_seconds") == []


@without_waiting
async def test_the_steps_of_a_handoff_are_spans_under_it_and_the_taker_is_told_of_it(
    spans: InMemorySpanExporter,
) -> None:
    stage = Stage(WillingTaker())
    await stage.hand_over()
    made = {span.name: span for span in spans.get_finished_spans()}
    assert "voicemesh.gap_ms" in (made["handoff"].attributes or {})
    handoff = made.pop("handoff")
    assert set(made) == {
        f"handoff.{step}" for step in ("offer", "announce", "ready", "caller_done", "pass", "first_word")
    }
    assert {span.parent.span_id for span in made.values() if span.parent} == {handoff.context.span_id}
    assert handoff.parent is not None and handoff.parent.span_id == root_span_id("call-1")
    assert handoff.attributes is not None and handoff.attributes["voicemesh.outcome"] == "moved"


# --- tools and moods --------------------------------------------------------------------------------------------------
def test_a_tool_is_told_by_what_came_of_it(told: Told) -> None:
    with told_of_tool("find_charges", "call-1"):
        pass
    with told_of_tool("find_charges", "call-1") as use:
        use.refused = True
    for is_late in (False, True):
        with pytest.raises(ToolError), told_of_tool("find_charges", "call-1") as use:
            use.is_late = is_late
            raise ToolError("AC4721 was charged twice")
    outcomes = [labels["outcome"] for labels in told.labels("voicemesh_tool_seconds")]
    assert outcomes == ["ok", "refused", "error", "timeout"]


@pytest.mark.parametrize(("trend", "word"), [(-0.5, "falling"), (0.1, "steady"), (0.5, "rising")])
def test_a_mood_is_told_as_a_share_and_where_it_goes(told: Told, trend: float, word: str) -> None:
    told_of_mood(Sentiment(score=-0.5, trend=trend), "call-1")
    assert told.all == [
        ("voicemesh_sentiment", 0.25, {"service": "triage"}),
        ("voicemesh_sentiment_trend_total", 1, {"trend": word, "service": "triage"}),
    ]


# --- jobs -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("attributes", "word"),
    [
        ({}, "greeting"),
        ({"handoff_id": "h1"}, "handoff"),
        ({"handoff_id": "m1", "silent": "1"}, "move"),
        ({"resume": "2", "agent_id": "triage-r2"}, "resume"),
    ],
)
def test_how_an_agent_comes_into_a_call(attributes: dict[str, str], word: str) -> None:
    assert how(attributes) == word


async def test_a_successor_s_span_links_to_the_agent_that_was_lost(spans: InMemorySpanExporter, tmp_path: Path) -> None:
    attributes = {"resume": "2", "agent_id": "triage-r2", "lost_agent": "triage-1"}
    telling = Telling(paper_service(tmp_path), make_settings(), attributes)
    telling.begin("call-1", "triage-r2-own")
    with tracing.span("turn"):
        pass
    await telling.end("call ended")
    turn, agent = spans.get_finished_spans()
    assert [link.context.span_id for link in agent.links] == [agent_span_id("call-1", "triage-1")]
    assert agent.context.span_id == agent_span_id("call-1", "triage-r2-own")
    assert turn.parent is not None and turn.parent.span_id == agent.context.span_id
    assert dict(agent.attributes or {})["voicemesh.outcome"] == "call_ended"


@without_waiting
async def test_the_parent_of_a_job_that_died_writes_the_span_that_the_job_could_not(
    spans: InMemorySpanExporter,
) -> None:
    scene = Scene()
    await scene.held()
    await scene.died()
    made: dict[str, Any] = {span.name: span for span in spans.get_finished_spans()}
    lost, recovery = made["agent"], made["recovery"]
    assert (lost.context.span_id, lost.status.description) == (agent_span_id("call-1", "billing-1"), "lost")
    assert lost.attributes["voicemesh.exit_code"] == -9
    assert recovery.attributes["voicemesh.outcome"] == "relaunched"
    assert scene.pool.launched[0][1]["lost_agent"] == "billing-1"


@without_waiting
async def test_a_guardian_writes_the_span_of_an_agent_whose_whole_worker_is_gone(spans: InMemorySpanExporter) -> None:
    scene = Scene()
    await scene.held()
    await scene.overdue()
    lost = next(span for span in spans.get_finished_spans() if span.name == "agent")
    assert lost.context.span_id == agent_span_id("call-1", "billing-1")
    assert dict(lost.attributes or {})["voicemesh.detector"] == "lease"


# --- turns ------------------------------------------------------------------------------------------------------------
def test_an_answer_is_told_in_its_parts_and_as_a_span_from_the_end_of_the_caller_s_voice(
    told: Told, spans: InMemorySpanExporter
) -> None:
    session = rtc.EventEmitter()
    AnswerTimes(session, "call-1", brain="model")  # type: ignore[arg-type]
    heard = {"transcription_delay": 0.35, "end_of_turn_delay": 0.5, "stopped_speaking_at": 100.0}
    answered = {"tts_node_ttfb": 0.06, "llm_node_ttft": 0.02, "e2e_latency": 0.62}
    for item in (
        ChatMessage(role="user", content=["AC4721"], metrics=heard, transcript_confidence=0.9),  # type: ignore[arg-type]
        ChatMessage(role="assistant", content=["Hi Sarah"], metrics=answered, interrupted=True),  # type: ignore[arg-type]
    ):
        session.emit("conversation_item_added", ConversationItemAddedEvent(item=item))
    assert {name: value for name, value, _ in told.all} == {
        "voicemesh_recognition_confidence": 0.9,
        "voicemesh_interruptions_total": 1,
        "voicemesh_response_seconds": 0.62,
        "voicemesh_turn_detection_seconds": 0.5,
        "voicemesh_transcription_seconds": 0.35,
        "voicemesh_voice_seconds": 0.06,
        "voicemesh_model_seconds": 0.02,
    }
    (turn,) = spans.get_finished_spans()
    assert (turn.start_time, turn.end_time) == (100_000_000_000, 100_620_000_000)
    assert "AC4721" not in turn.to_json()
    assert "Sarah" not in turn.to_json()
