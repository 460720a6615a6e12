"""A language model's stand-in on loopback: speaks OpenAI's streaming chat API and plays one whole billing call by script.

It sees exactly what a real model would see (system message, turns, tool results, tool schemas) and answers with words and tool
calls, so the agents cannot know the difference. Every request is kept for the tests to look at.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Message = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What the model was asked: when (seconds since the epoch), by which service, and everything that was sent."""

    asked_at: float
    service: str
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def instructions(self) -> str:
        """The system message."""
        return _text(self.body["messages"][0])

    @property
    def conversation(self) -> str:
        """What the caller and the agents said, as the model sees it."""
        return "\n".join(_text(m) for m in self.body["messages"] if m["role"] in ("user", "assistant"))


@dataclass
class Reply:
    """Words, tool calls, or both."""

    text: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def triage(messages: list[Message]) -> Reply:
    """The front desk: anything about a charge goes to billing."""
    if "Nobody took the call" in _last_tool_result(messages):
        return Reply(
            "I am sorry, our billing specialist is not available right now. Can I help you with anything else?"
        )
    said = _said(messages)
    if re.search(r"charged|invoice|refund|bill", said, re.I):
        summary = "The caller was charged twice for the March invoice and wants it looked into."
        return Reply(calls=[("transfer_call", {"service": "billing", "summary": summary})])
    return Reply("Could you tell me a little more about it?")


def billing(messages: list[Message]) -> Reply:
    """The billing specialist: account, ZIP code, eligibility, a yes, one refund, goodbye."""
    results = _results(messages)
    if "process_refund" in results:
        if re.search(r"\bno\b|that's all|that is all", _said(messages), re.I):
            return Reply("Thank you for calling. Goodbye.", [("end_call", {"outcome": "resolved"})])
        refund = results["process_refund"]
        reference = " ".join(str(refund["reference"]))
        return Reply(f"Done. I refunded $49.99, and your reference is {reference}. Is there anything else?")
    if "check_refund_eligibility" in results:
        found = results["check_refund_eligibility"]
        if not re.search(r"\byes\b|please|sure", _said(messages), re.I):
            return Reply("I can see a duplicate charge of $49.99. Would you like me to refund it?")
        arguments = {
            "account_id": "AC4721",
            "charge_id": found["charge_id"],
            "amount": found["amount"],
            "idempotency_key": f"AC4721-{found['charge_id']}-refund",
        }
        return Reply(calls=[("process_refund", arguments)])
    if "verify_identity" in results:
        return Reply(calls=[("check_refund_eligibility", {"account_id": "AC4721", "month": "March"})])
    if "find_account" in results:
        if not re.search(r"97209|9\W*7\W*2\W*0\W*9|nine,? seven,? two,? (oh|o|zero),? nine", _said(messages), re.I):
            return Reply("And what is the ZIP code on the account?")
        return Reply(calls=[("verify_identity", {"account_id": "AC4721", "postal_code": "97209"})])
    if re.search(r"AC\W?4721|A\W*C\W*4\W*7\W*2\W*1|A,? ?C,? four,? seven,? two,? one", _everything(messages), re.I):
        return Reply(calls=[("find_account", {"account_id": "AC4721"})])
    return Reply("Could you tell me your account ID, please?")


def _said(messages: list[Message]) -> str:
    return next((_text(m) for m in reversed(messages) if m["role"] == "user"), "")


def _everything(messages: list[Message]) -> str:
    return "\n".join(_text(m) for m in messages if m["role"] in ("user", "system", "developer"))


def _text(message: Message) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def _last_tool_result(messages: list[Message]) -> str:
    return _text(messages[-1]) if messages and messages[-1]["role"] == "tool" else ""


def _results(messages: list[Message]) -> dict[str, dict[str, Any]]:
    """Tool results by the tool's name, as JSON."""
    names = {c["id"]: c["function"]["name"] for m in messages for c in m.get("tool_calls") or []}
    found = {}
    for message in messages:
        if message["role"] == "tool":
            try:
                found[names[message["tool_call_id"]]] = json.loads(_text(message))
            except (ValueError, KeyError):
                continue
    return found


class ScriptedModel:
    """``async with ScriptedModel() as model`` serves on a free port; ``model.base_url`` is for OPENAI_BASE_URL."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.base_url = ""

    async def __aenter__(self) -> ScriptedModel:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._runner.cleanup()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        service = "triage" if "front desk" in _text(body["messages"][0]) else "billing"
        self.requests.append(Request(time.time(), service, body, dict(request.headers)))
        reply = triage(body["messages"]) if service == "triage" else billing(body["messages"])
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        for chunk in _chunks(reply, body.get("model", "scripted")):
            await stream.write(f"data: {chunk}\n\n".encode())
        return stream


def _chunks(reply: Reply, model: str) -> list[str]:
    envelope = {
        "id": f"chatcmpl-{uuid.uuid4().hex[:8]}",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": model,
    }

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        return json.dumps({**envelope, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    out = [chunk({"role": "assistant", "content": ""})]
    out += [chunk({"content": word}) for word in re.findall(r"\S+\s*", reply.text)]
    for index, (name, arguments) in enumerate(reply.calls):
        function = {"name": name, "arguments": json.dumps(arguments)}
        call = {"index": index, "id": f"call_{uuid.uuid4().hex[:8]}", "type": "function", "function": function}
        out.append(chunk({"tool_calls": [call]}))
    out.append(chunk({}, "tool_calls" if reply.calls else "stop"))
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    out.append(json.dumps({**envelope, "choices": [], "usage": usage}))
    return [*out, "[DONE]"]
