"""A language model on loopback that answers every question by rote, and stalls or fails when it is told to: it takes what it is asked
and says nothing, or answers with an error. OpenAI's streaming chat API, as far as livekit-plugins-openai needs it.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from typing import Any

from aiohttp import web

from local.supervisor.ports import HOST

_ANSWER = "I have looked that up, and all is well with it. Is there anything else I can help you with?"
_GOODBYE = "Thank you for calling. Goodbye."
_IS_DONE = re.compile(r"\bno\b|that's all|that is all", re.IGNORECASE)


class Model:
    """``serve`` it, ``close`` it; ``base_url`` is for OPENAI_BASE_URL."""

    def __init__(self) -> None:
        self.base_url = ""
        self.left_waiting = 0
        """How many requests came while it stalled."""
        self.refused = 0
        """How many came while it failed."""
        self._fails = False
        self._answers = asyncio.Event()
        self._answers.set()
        self._runner: web.AppRunner | None = None

    async def serve(self) -> None:
        """On a free port."""
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self.base_url = f"http://{HOST}:{self._runner.addresses[0][1]}/v1"

    def stall(self) -> None:
        """Says nothing from now on, also to those whom it was answering."""
        self._answers.clear()

    def fail(self) -> None:
        """Answers every question with an error from now on."""
        self._fails = True

    def go_on(self) -> None:
        """Answers again, also those who still wait."""
        self._fails = False
        self._answers.set()

    async def close(self) -> None:
        """Its port is free again."""
        self.go_on()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if self._fails:
            self.refused += 1
            return web.json_response({"error": {"message": "overloaded", "type": "server_error"}}, status=503)
        self.left_waiting += not self._answers.is_set()
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        with suppress(ConnectionError):  # who waited has given up
            for chunk in _chunks(body["messages"]):
                await self._answers.wait()
                await stream.write(f"data: {chunk}\n\n".encode())
        return stream


def _chunks(messages: list[dict[str, Any]]) -> list[str]:
    is_done = bool(_IS_DONE.search(_last_words(messages)))
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": _GOODBYE if is_done else _ANSWER}]
    if is_done:
        ending = {"name": "end_call", "arguments": json.dumps({"outcome": "resolved"})}
        deltas.append({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": ending}]})
    finish = "tool_calls" if is_done else "stop"
    return [*(_chunk(delta) for delta in deltas), _chunk({}, finish), "[DONE]"]


def _last_words(messages: list[dict[str, Any]]) -> str:
    said = next((m.get("content") or "" for m in reversed(messages) if m["role"] == "user"), "")
    return said if isinstance(said, str) else " ".join(part.get("text", "") for part in said)


def _chunk(delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    envelope = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "by-rote"}
    return json.dumps({**envelope, "choices": [choice]})
