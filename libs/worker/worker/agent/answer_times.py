"""Where the time of each answer went, by this agent's own clock: one line in the log, without a word of what was said.

All of it counts from the last sound that the voice detector took for the caller's. What a caller waits besides (the way here and
back, the soft end of his last word) only his own ear can tell: see `bench/talking`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from livekit.agents import AgentSession, ChatMessage
from livekit.agents.voice.events import ConversationItemAddedEvent
from telemetry import measure, tracing

log = logging.getLogger("voicemesh.answer_times")


class AnswerTimes:
    """Follows a session's turns."""

    def __init__(self, session: AgentSession[Any], call_id: str, *, brain: str = "playbook") -> None:
        """``brain``: model, or playbook."""
        self._call_id = call_id
        self._brain = brain
        self._turn: Mapping[str, Any] = {}
        """LiveKit's figures for the caller's turn that waits for an answer."""
        session.on("conversation_item_added", self._added)

    def _added(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, ChatMessage):
            return
        if item.role == "assistant" and item.interrupted:
            measure.count("voicemesh_interruptions_total", {"kind": "interrupted"}, call_id=self._call_id)
        if item.role == "user":
            self._turn = item.metrics
            if item.transcript_confidence is not None:
                how_sure = item.transcript_confidence
                measure.observe("voicemesh_recognition_confidence", how_sure, call_id=self._call_id)
        elif item.role == "assistant" and self._turn:
            turn, self._turn = self._turn, {}
            if times := times_ms(turn, item.metrics):
                log.info("answered", extra={"call_id": self._call_id, "answer_ms": times})
                self._measure(turn, item.metrics, was_interrupted=item.interrupted)

    def _measure(self, turn: Mapping[str, Any], answer: Mapping[str, Any], *, was_interrupted: bool) -> None:
        taken: dict[str, float] = {
            "response": answer["e2e_latency"],
            "turn_detection": turn["end_of_turn_delay"],
            "transcription": turn["transcription_delay"],
        }
        if "tts_node_ttfb" in answer:
            taken["voice"] = answer["tts_node_ttfb"]
        for name, seconds in taken.items():
            measure.observe(f"voicemesh_{name}_seconds", seconds, call_id=self._call_id)
        if "llm_node_ttft" in answer:
            first_token: float = answer["llm_node_ttft"]
            measure.observe("voicemesh_model_seconds", first_token, {"brain": self._brain}, call_id=self._call_id)
            taken["first_token"] = first_token
        heard_until = turn.get("stopped_speaking_at")
        if heard_until is not None:
            attributes = {f"voicemesh.{name}_ms": round(s * 1000) for name, s in taken.items() if name != "response"}
            attributes["voicemesh.was_interrupted"] = was_interrupted
            span = tracing.begin("turn", attributes, call_id=self._call_id, started_at=heard_until)
            tracing.end(span, ended_at=heard_until + taken["response"])


def times_ms(turn: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, int]:
    """Milliseconds after the caller's last sound: ``heard`` (the words are there), ``over`` (the turn is), ``noted`` (what was said),
    ``spoken`` (the answer's first frame is handed over); ``voice`` is how long that first frame took to be made, as part of it.
    Empty when LiveKit could not tell."""
    heard, over = turn.get("transcription_delay"), turn.get("end_of_turn_delay")
    spoken = answer.get("e2e_latency")
    if heard is None or over is None or spoken is None:
        return {}
    noted = over + turn.get("on_user_turn_completed_delay", 0.0)
    seconds = {
        "heard": heard,
        "over": over,
        "noted": noted,
        "spoken": spoken,
        "voice": answer.get("tts_node_ttfb", 0.0),
    }
    return {name: round(value * 1000) for name, value in seconds.items()}
