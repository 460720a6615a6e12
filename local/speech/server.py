"""OpenAI's audio API over HTTP on loopback: transcriptions, speech, models, and the health of it all.

Any model name is taken (there is one of each kind) and no key is asked for. Nothing that was said is logged.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
from aiohttp import web

from local.speech import sound_files
from local.speech.engines import Engines
from local.speech.refusal import REQUEST_ID, Refusal, in_openai_shape
from local.speech.requests import SECONDS_MAX, UPLOAD_BYTES_MAX, SpeechRequest, speech_request, transcription_request
from local.speech.synthesis import RATE
from local.speech.whisper import Heard

logger = logging.getLogger(__name__)

_ENGINES = web.AppKey("engines", Engines)
_CHUNK_BYTES = 2 * RATE // 5
"""200 ms of pcm in one event."""
_MODELS = ("whisper-1", "tts-1")
_FORM_BYTES = 64 << 10
"""Room for a form's fields beside the file."""


def application(engines: Engines) -> web.Application:
    """The routes over ``engines``, whose loading is its owner's business: until they are ready the answer is 503."""
    app = web.Application(middlewares=[in_openai_shape], client_max_size=UPLOAD_BYTES_MAX + _FORM_BYTES)
    app[_ENGINES] = engines
    app.add_routes(
        [
            web.post("/v1/audio/transcriptions", _transcribe),
            web.post("/v1/audio/speech", _speak),
            web.get("/v1/models", _models),
            # What a client asks for to warm its connection.
            web.get("/v1/", _models),
            web.get("/health/live", _live),
            web.get("/health/ready", _ready),
        ]
    )
    return app


async def _transcribe(request: web.Request) -> web.Response:
    engines = _loaded(request)
    asked = await transcription_request(request)
    try:
        samples = await asyncio.to_thread(sound_files.read, asked.content, seconds_max=SECONDS_MAX)
    except sound_files.NotAudio:
        raise Refusal("file is not audio that can be read; WAV, FLAC, OGG and MP3 can", param="file") from None
    except sound_files.TooLong:
        raise Refusal(f"file lasts longer than {SECONDS_MAX:.0f} s", param="file") from None
    began = time.perf_counter()
    heard = await engines.hear(samples)
    took = time.perf_counter() - began
    logger.info("speech.heard", extra={"seconds": heard.seconds, "took_seconds": took, "logprob": heard.logprob})
    if asked.response_format == "text":
        return web.Response(text=heard.text + "\n")
    reply: dict[str, Any] = _verbose(heard) if asked.response_format == "verbose_json" else {"text": heard.text}
    if asked.with_logprobs:
        reply["logprobs"] = [
            {"token": token.text, "logprob": token.logprob, "bytes": list(token.text.encode())}
            for token in heard.tokens
        ]
    return web.json_response({**reply, "usage": {"type": "duration", "seconds": heard.seconds}})


def _verbose(heard: Heard) -> dict[str, Any]:
    segment = {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": heard.seconds,
        "text": heard.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": heard.logprob,
        "compression_ratio": 1.0,
        "no_speech_prob": heard.no_speech_prob,
    }
    return {
        "task": "transcribe",
        "language": "english",
        "duration": heard.seconds,
        "text": heard.text,
        "segments": [segment] if heard.text else [],
    }


async def _speak(request: web.Request) -> web.StreamResponse:
    engines = _loaded(request)
    asked = await speech_request(request)
    chunks = _encoded(engines, asked)
    began = time.perf_counter()
    # The first sentence is made before the answer begins: what fails is still an answer of its own.
    first = await anext(chunks)
    took = time.perf_counter() - began
    logger.info("speech.said", extra={"voice": asked.voice.name, "characters": len(asked.text), "took_seconds": took})
    content_type = "text/event-stream" if asked.as_events else sound_files.CONTENT_TYPES[asked.response_format]
    response = web.StreamResponse(headers={"Content-Type": content_type, "x-request-id": request[REQUEST_ID]})
    await response.prepare(request)
    await _send(response, first, asked)
    async for chunk in chunks:
        await _send(response, chunk, asked)
    if asked.as_events:
        # OpenAI counts tokens here; nothing is billed.
        usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
        await response.write(_event({"type": "speech.audio.done", "usage": usage}))
    await response.write_eof()
    return response


async def _encoded(engines: Engines, asked: SpeechRequest) -> AsyncIterator[bytes]:
    """pcm sentence by sentence; a file of any other format whole, since its header tells its length."""
    spoken = engines.speak(asked.text, asked.voice, speed=asked.speed)
    if asked.response_format == "pcm":
        async for samples in spoken:
            yield sound_files.write(samples, RATE, "pcm")
        return
    whole = np.concatenate([samples async for samples in spoken])
    yield await asyncio.to_thread(sound_files.write, whole, RATE, asked.response_format)


async def _send(response: web.StreamResponse, audio: bytes, asked: SpeechRequest) -> None:
    if not asked.as_events:
        await response.write(audio)
        return
    for begin in range(0, len(audio), _CHUNK_BYTES):
        chunk = base64.b64encode(audio[begin : begin + _CHUNK_BYTES]).decode()
        await response.write(_event({"type": "speech.audio.delta", "audio": chunk}))


def _event(content: dict[str, object]) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode()


async def _models(request: web.Request) -> web.Response:
    models = [{"id": name, "object": "model", "created": 0, "owned_by": "local"} for name in _MODELS]
    return web.json_response({"object": "list", "data": models})


async def _live(request: web.Request) -> web.Response:
    return web.json_response({"status": "live"})


async def _ready(request: web.Request) -> web.Response:
    ready = request.app[_ENGINES].is_ready
    body = {"status": "ready"} if ready else {"status": "not ready", "reason": "the models are being loaded"}
    return web.json_response(body, status=200 if ready else 503)


def _loaded(request: web.Request) -> Engines:
    engines = request.app[_ENGINES]
    if not engines.is_ready:
        raise Refusal("the models are being loaded; ask again in a second", status=503, code="not_ready")
    return engines
