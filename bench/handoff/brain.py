"""The language model of a benchmark call, by script: triage hands over at once, billing hangs up once it has said its opening.

It decides at once, so that a call takes no longer than its sentences; what it decides is what a model would.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

Message = Mapping[str, Any]
SUMMARY = "The caller was charged twice for the March invoice and wants it looked into."


def reply(messages: Sequence[Message]) -> tuple[str, tuple[str, dict[str, Any]] | None]:
    """Words, and a tool's name with its arguments or None."""
    if "front desk" not in _text(messages[0]):
        return "", ("end_call", {"outcome": "resolved"})
    if messages[-1]["role"] == "tool":
        # Nobody took the call. The bench counts it as failed, so it need not last.
        return "Nobody is free right now. Goodbye.", ("end_call", {"outcome": "failed"})
    return "", ("transfer_call", {"service": "billing", "summary": SUMMARY})


def chunks(messages: Sequence[Message], model: str) -> list[str]:
    """The reply as the data lines of OpenAI's streaming chat API."""
    text, call = reply(messages)
    head = {"id": f"chatcmpl-{uuid.uuid4().hex[:8]}", "object": "chat.completion.chunk", "created": 0, "model": model}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        return json.dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    lines = [chunk({"role": "assistant", "content": text})]
    if call is not None:
        function = {"name": call[0], "arguments": json.dumps(call[1])}
        tool = {"index": 0, "id": f"call_{uuid.uuid4().hex[:8]}", "type": "function", "function": function}
        lines.append(chunk({"tool_calls": [tool]}))
    lines.append(chunk({}, "tool_calls" if call is not None else "stop"))
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return [*lines, json.dumps({**head, "choices": [], "usage": usage}), "[DONE]"]


def _text(message: Message) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)
