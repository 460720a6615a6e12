"""A language model that does whatever it is told by anybody: it speaks OpenAI's streaming chat API on loopback.

The worst brain that an agent could have. It believes every sentence that reaches it, so what stops it must not be a brain.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Deed:
    """A tool call that it makes as soon as it is given that tool."""

    tool: str
    arguments: Mapping[str, Any]


class ObedientModel:
    """``async with ObedientModel(deeds) as model`` serves at ``model.base_url``.

    Each time that the caller has spoken it does, at once, all deeds of the next group whose tools it has; with none left it says that all is
    done. Without their tools (at the front desk) it hands the call to ``transfers_to``, with the caller's own words for a summary.
    """

    def __init__(self, *groups: Sequence[Deed], transfers_to: str = "") -> None:
        self._groups = groups
        self._transfers_to = transfers_to
        self.base_url = ""
        self.shown: list[str] = []
        """Every request as JSON."""

    async def __aenter__(self) -> ObedientModel:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.shown.append(json.dumps(body))
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        for chunk in _chunks(*self._answer(body)):
            await stream.write(f"data: {chunk}\n\n".encode())
        return stream

    def _answer(self, body: dict[str, Any]) -> tuple[str, list[Deed]]:
        messages = body["messages"]
        tools = {tool["function"]["name"] for tool in body.get("tools") or []}
        done = sum(len(message.get("tool_calls") or []) > 0 for message in messages)
        known = [[deed for deed in group if deed.tool in tools] for group in self._groups]
        known = [group for group in known if group]
        if known:
            return ("", known[done]) if done < len(known) else ("It is done, as you say.", [])
        if "transfer_call" in tools and self._transfers_to and not done:
            told = {"service": self._transfers_to, "summary": _said(messages)}
            return "", [Deed("transfer_call", told)]
        return "As you say.", []


def _said(messages: Sequence[Mapping[str, Any]]) -> str:
    content = next((m.get("content") or "" for m in reversed(messages) if m["role"] == "user"), "")
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def _chunks(text: str, deeds: Sequence[Deed]) -> list[str]:
    envelope = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "obedient"}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        return json.dumps({**envelope, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    out = [chunk({"role": "assistant", "content": text})]
    for index, deed in enumerate(deeds):
        function = {"name": deed.tool, "arguments": json.dumps(dict(deed.arguments))}
        call = {"index": index, "id": f"call_{uuid.uuid4().hex[:8]}", "type": "function", "function": function}
        out.append(chunk({"tool_calls": [call]}))
    return [*out, chunk({}, "tool_calls" if deeds else "stop"), "[DONE]"]
