"""What is told of a tool: how long the agent waited for it, and what came of that. Never what was asked or answered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from telemetry import measure, tracing


@dataclass(slots=True)
class ToolUse:
    """One use of a tool, while it goes on."""

    refused: bool = False
    """The back office answered, and said no."""
    is_late: bool = False
    """It did not answer in time."""


@contextmanager
def told_of_tool(name: str, call_id: str) -> Iterator[ToolUse]:
    """Around the use of a tool; what is raised through it is a fault of the back office or of the way there."""
    use, began, outcome = ToolUse(), time.monotonic(), "error"
    try:
        with tracing.span("tool", {"voicemesh.tool": name}, call_id=call_id) as span:
            yield use
            tracing.note(span, {"voicemesh.refused": use.refused})
        outcome = "refused" if use.refused else "ok"
    finally:
        labels = {"tool": name, "outcome": "timeout" if use.is_late else outcome}
        measure.observe("voicemesh_tool_seconds", time.monotonic() - began, labels, call_id=call_id)
