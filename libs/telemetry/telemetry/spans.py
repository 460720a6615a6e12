"""Every span of a call's trace, and every attribute that a span may have."""

from __future__ import annotations

from collections.abc import Mapping

SPANS: Mapping[str, str] = {
    "call": "A call, from its record's first moment to its ending. Written by the ledger, when it writes the ending: a call that goes on has no root yet.",
    "gateway.token": "The gateway let a web caller in.",
    "agent": "One agent in one call, from its job's start to its leaving. With status `lost` it was killed, and written by who found it; its successor's span links to it.",
    "turn": "From the end of the caller's voice to the agent's first sound.",
    "tool": "A tool of the back office, as the agent waited for it.",
    "mcp.tool": "The same, as the back office worked on it.",
    "handoff": "A handoff, from the decision to the taker's first word, as its giver saw it.",
    "handoff.offer": "The offer: gRPC, until it was accepted or refused.",
    "handoff.answer": "The offer, as the taker's main process examined and stored it.",
    "handoff.announce": "The giver tells the caller who comes.",
    "handoff.ready": "From the dispatch until the taker was READY, beside the announcement.",
    "handoff.caller_done": "Waiting for the caller to end his sentence.",
    "handoff.pass": "The floor passes: one atomic step in Redis, and the word to the taker.",
    "handoff.first_word": "From the floor's passing to the taker's first frame.",
    "handoff.join": "The taker's job: from its start to being in the room with the context.",
    "handoff.prepare": "The taker gets ready: its agent, its tools, its first sentence as audio.",
    "handoff.wait_for_floor": "The taker is READY and waits for the floor.",
    "recovery": "A guardian, or the job's own main process, brings a call back whose agent was lost.",
}
"""Name -> what it covers."""

WRITTEN: Mapping[str, tuple[str, str]] = {
    "call": ("the ledger", ""),
    "gateway.token": ("the gateway", "call"),
    "agent": ("the agent's job; of a lost one its main process, or a guardian", "call"),
    "turn": ("the agent's job", "agent"),
    "tool": ("the agent's job", "agent"),
    "mcp.tool": ("the back office", "tool"),
    "handoff": ("the giver's job", "agent"),
    "handoff.offer": ("the giver's job", "handoff"),
    "handoff.answer": ("the taker's main process", "handoff.offer"),
    "handoff.announce": ("the giver's job", "handoff"),
    "handoff.ready": ("the giver's job", "handoff"),
    "handoff.caller_done": ("the giver's job", "handoff"),
    "handoff.pass": ("the giver's job", "handoff"),
    "handoff.first_word": ("the giver's job", "handoff"),
    "handoff.join": ("the taker's job", "handoff"),
    "handoff.prepare": ("the taker's job", "handoff"),
    "handoff.wait_for_floor": ("the taker's job", "handoff"),
    "recovery": ("the main process of the worker that won the call", "call"),
}
"""Name -> who writes it, and under which span; the root stands under none."""

ATTRIBUTES: Mapping[str, str] = {
    "voicemesh.call_id": "The call",
    "voicemesh.handoff_id": "The handoff",
    "voicemesh.agent_id": "The agent's identity in the room",
    "voicemesh.service": "The service that the span is about",
    "voicemesh.from": "The giver's service",
    "voicemesh.to": "The taker's service, or desk",
    "voicemesh.how": "How an agent came into the call: greeting, handoff, move, resume",
    "voicemesh.outcome": "What came of it: a word of the metric that counts the same",
    "voicemesh.ending": "How the call ended",
    "voicemesh.epoch": "The floor's epoch",
    "voicemesh.channel": "phone or web",
    "voicemesh.detector": "What found the call without a living owner: parent or lease",
    "voicemesh.exit_code": "Of a job's process; negative for a signal",
    "voicemesh.tool": "The tool's name",
    "voicemesh.refused": "Whether the back office said no for a reason of its own",
    "voicemesh.transcription_ms": "From the end of the caller's voice to its last transcript",
    "voicemesh.turn_detection_ms": "From the end of the caller's voice to the decision that his turn is over",
    "voicemesh.first_token_ms": "From the decision to the brain's first token",
    "voicemesh.voice_ms": "From the text to its first sound",
    "voicemesh.was_interrupted": "Whether the caller interrupted the answer",
    "voicemesh.gap_ms": "From the giver's last word to the taker's first frame",
}
"""Name -> what it holds: numbers, flags, and plain names without spaces. Anything else is left out at the source."""
