"""`python -m bench.density.stub --port N`: remote providers in OpenAI's API, in a process of their own, as slow as remote ones are.

They do nothing of what they say they do: speech to text hears one sentence, text to speech plays one recording, the model answers by
rote. What matters is when they do it, and in how many pieces.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import soundfile
from aiohttp import web

CALLER = Path(__file__).with_name("caller.flac")
"""What every caller says, a real voice: only that is taken for speech."""
ANSWER = Path(__file__).with_name("answer.flac")
"""What every agent says, at the rate that OpenAI's voices have (24 kHz)."""
CALLER_SAYS = "Could you tell me when my next invoice is due, and how much it will be?"

_HEARD_SECONDS = (0.20, 0.30)
_FIRST_TOKEN_SECONDS = (0.35, 0.45)
_TOKEN_SECONDS = 0.015
_FIRST_BYTE_SECONDS = (0.15, 0.20)
_PIECE_SECONDS = 0.1
_TIMES_REAL = 4.0
"""How much faster than it is spoken a sentence arrives."""
_UPLOAD_BYTES_MAX = 32 << 20
_DUE_DAYS = itertools.cycle(f"{ten} {one}" for ten in ("twenty", "thirty") for one in ("one", "two", "five", "eight"))
_HANDS_OVER = ("transfer_call", {"service": "billing", "summary": "The caller asks when the next invoice is due."})

Message = Mapping[str, Any]


class Stub:
    """One server; ``seed`` makes its delays the same in every run."""

    def __init__(self, *, seed: int = 1) -> None:
        samples, rate = soundfile.read(ANSWER, dtype="int16")
        pcm, piece = samples.astype("<i2").tobytes(), int(rate * _PIECE_SECONDS) * 2
        self._pieces = [pcm[at : at + piece] for at in range(0, len(pcm), piece)]
        self._random = random.Random(seed)

    def application(self) -> web.Application:
        """Ready at once."""
        app = web.Application(client_max_size=_UPLOAD_BYTES_MAX)
        app.add_routes(
            [
                web.post("/v1/chat/completions", self._chat),
                web.post("/v1/audio/speech", self._speak),
                web.post("/v1/audio/transcriptions", self._transcribe),
                # A client that warms its connection asks for the root of the API.
                web.get("/v1/", _ready),
                web.get("/health/ready", _ready),
            ]
        )
        return app

    async def _within(self, seconds: tuple[float, float]) -> None:
        await asyncio.sleep(self._random.uniform(*seconds))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await self._within(_FIRST_TOKEN_SECONDS)
        await stream.prepare(request)
        for line in chunks(asked["messages"]):
            await stream.write(f"data: {line}\n\n".encode())
            await asyncio.sleep(_TOKEN_SECONDS)
        return stream

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        stream = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await self._within(_FIRST_BYTE_SECONDS)
        await stream.prepare(request)
        for piece in self._pieces:
            await stream.write(piece)
            await asyncio.sleep(_PIECE_SECONDS / _TIMES_REAL)
        return stream

    async def _transcribe(self, request: web.Request) -> web.Response:
        await request.read()
        await self._within(_HEARD_SECONDS)
        sure = [{"token": "Could", "logprob": -0.01, "bytes": []}]
        return web.json_response({"text": CALLER_SAYS, "logprobs": sure})


def chunks(messages: Sequence[Message]) -> Iterator[str]:
    """The data lines of a streamed answer, a word each: the front desk hands over, everybody else answers.

    No two answers in a row are the same: an embedded voice keeps what it has said."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "by-rote"}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        return json.dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": ""})
    is_front_desk = "front desk" in _text(messages[0])
    if is_front_desk and messages[-1]["role"] != "tool":
        function = {"name": _HANDS_OVER[0], "arguments": json.dumps(_HANDS_OVER[1])}
        yield chunk({"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]})
        yield chunk({}, "tool_calls")
    else:
        sentence = f"Your next invoice is due in {next(_DUE_DAYS)} days, and it comes to forty nine dollars."
        for word in sentence.split(" "):
            yield chunk({"content": f"{word} "})
        yield chunk({}, "stop")
    yield json.dumps({**head, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
    yield "[DONE]"


def _text(message: Message) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


async def _ready(_: web.Request) -> web.Response:
    return web.json_response({"status": "ready"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.density.stub", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    web.run_app(Stub().application(), host="127.0.0.1", port=parser.parse_args().port, print=None, access_log=None)
