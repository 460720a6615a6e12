"""A language model on loopback that is as faulty as a test wants: it speaks OpenAI's streaming chat API.

The test's script sees what a model sees and returns an Answer, or a Fault. It must depend on nothing else: a model that failed is
asked the same again in the background, to find out whether it is back.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Message = Mapping[str, Any]
STALL_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call. ``arguments`` that are text are sent as they are, JSON or not."""

    tool: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)

    @property
    def raw(self) -> str:
        return self.arguments if isinstance(self.arguments, str) else json.dumps(dict(self.arguments))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model streams: words, then tool calls, then its end."""

    text: str = ""
    calls: Sequence[Call] = ()
    refusal: str = ""
    """In the delta's own field, as OpenAI sends it; ``text`` is empty then."""
    finish: str = ""
    """The finish reason; the usual one when empty."""
    breaks: str = ""
    """``cut``: the connection breaks; ``stall``: nothing more comes. After the words and the calls, before the end."""


@dataclass(frozen=True, slots=True)
class Fault:
    """No stream at all: an HTTP status with the provider's words, or a stall before the first byte (status 0)."""

    status: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as the script sees it."""

    body: Mapping[str, Any]

    @property
    def messages(self) -> list[Message]:
        return list(self.body["messages"])

    @property
    def tools(self) -> set[str]:
        return {tool["function"]["name"] for tool in self.body.get("tools") or []}

    @property
    def said(self) -> str:
        """The caller's last words."""
        return next((_text(m) for m in reversed(self.messages) if m["role"] == "user"), "")

    @property
    def results(self) -> list[str]:
        """What the tools answered since then, oldest first."""
        last = max((n for n, m in enumerate(self.messages) if m["role"] == "user"), default=0)
        return [_text(m) for m in self.messages[last:] if m["role"] == "tool"]


Script = Callable[[Asked], Answer | Fault]


class FaultyModel:
    """``async with FaultyModel(script) as model`` serves at ``model.base_url``."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.base_url = ""
        self.asked: list[Asked] = []

    def use(self, script: Script) -> None:
        """From now on it is this one; nothing has been asked yet."""
        self._script = script
        self.asked = []

    async def __aenter__(self) -> FaultyModel:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        # A stalled request ends with its client, not after 20 s.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(await request.json())
        self.asked.append(asked)
        answer = self._script(asked)
        if isinstance(answer, Fault):
            return await _refused(answer)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        for chunk in _chunks(answer):
            await stream.write(f"data: {chunk}\n\n".encode())
        if answer.breaks == "cut":
            assert request.transport is not None
            request.transport.abort()
        elif answer.breaks == "stall":
            await asyncio.sleep(STALL_SECONDS)
        return stream


async def _refused(fault: Fault) -> web.Response:
    if not fault.status:
        await asyncio.sleep(STALL_SECONDS)
    error = {"error": {"message": fault.message, "type": "error", "code": None}}
    return web.json_response(error, status=fault.status or 504)


def _chunks(answer: Answer) -> list[str]:
    envelope = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "faulty"}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        return json.dumps({**envelope, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    out = [chunk({"role": "assistant", "content": None if answer.refusal else ""})]
    if answer.refusal:
        out.append(chunk({"refusal": answer.refusal}))
    out += [chunk({"content": word}) for word in re.findall(r"\S+\s*", answer.text)]
    for index, call in enumerate(answer.calls):
        call_id, half = f"call_{uuid.uuid4().hex[:8]}", len(call.raw) // 2
        function = {"name": call.tool, "arguments": call.raw[:half]}
        out.append(chunk({"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]}))
        out.append(chunk({"tool_calls": [{"index": index, "function": {"arguments": call.raw[half:]}}]}))
    if answer.breaks:
        return out
    return [*out, chunk({}, answer.finish or ("tool_calls" if answer.calls else "stop")), "[DONE]"]


def _text(message: Message) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)
