"""What a job tells of itself: its numbers to its main process, its spans to the collector, from its first moment to its last.

The span `agent` has an id that others can compute (docs/adr/0013): when this process is killed, its main process or a guardian writes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib import metadata

from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span
from telemetry import measure, tracing
from telemetry.names import agent_span_id
from telemetry.relay import Sender

from worker.handover.moving import SILENT
from worker.main_process.livekit_worker import LOST_AGENT
from worker.service import Service
from worker.settings import Settings


def how(told: Mapping[str, str]) -> str:
    """How this agent comes into the call: greeting, handoff, move, or resume."""
    if told.get("resume"):
        return "resume"
    if told.get("handoff_id"):
        return "move" if told.get(SILENT) == "1" else "handoff"
    return "greeting"


class Telling:
    """One per job, made in its process: the exporter has a thread."""

    def __init__(self, service: Service, settings: Settings, told: Mapping[str, str], *, metrics_at: str = "") -> None:
        self._service = service.name
        self._told = told
        self._agent: Span = INVALID_SPAN
        self._call_id = ""
        self._sender = Sender(metrics_at) if metrics_at else None
        if self._sender is not None:
            measure.into(self._sender, service=service.name)
        if settings.otlp_endpoint:
            version = settings.version or metadata.version(f"voicemesh-{service.name}")
            tracing.start(service.name, version=version, endpoint=settings.otlp_endpoint)

    def begin(self, call_id: str, agent_id: str) -> None:
        """This agent, by its identity in the room, is on its way into this call."""
        self._call_id = call_id
        lost = self._told.get(LOST_AGENT, "")
        self._agent = tracing.begin(
            "agent",
            {"voicemesh.service": self._service, "voicemesh.agent_id": agent_id, "voicemesh.how": how(self._told)},
            call_id=call_id,
            parent=tracing.of_call(call_id),
            span_id=agent_span_id(call_id, agent_id),
            links=(agent_span_id(call_id, lost),) if lost else (),
        )
        tracing.live_in(self._agent)

    @property
    def handoff(self) -> Context:
        """The giver's span, under which a taker's steps stand."""
        return tracing.told(self._told, self._call_id)

    def joined(self) -> None:
        """The call is this agent's: it has the floor."""
        measure.count("voicemesh_calls_joined_total", {"how": how(self._told)}, call_id=self._call_id)

    async def end(self, reason: str) -> None:
        """The job is over; what waits is sent, for a second at most."""
        tracing.end(self._agent, {"voicemesh.outcome": reason.replace(" ", "_")})
        await asyncio.to_thread(tracing.stop)
