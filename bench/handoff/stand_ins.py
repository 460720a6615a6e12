"""`python -m bench.handoff.stand_ins --port N`: the providers of a benchmark call on loopback, in OpenAI's API.

Always the scripted language model; with tones also text to speech (tones.py) and speech to text (one line, whatever is heard).
"""

from __future__ import annotations

import argparse
import io

import soundfile
from aiohttp import web

from bench.handoff import brain, tones

CALLER_SAYS = "Hi, I was charged twice for my March invoice."
"""What speech to text makes of whatever the caller says."""
_UPLOAD_BYTES_MAX = 32 << 20


def application() -> web.Application:
    """The server, ready at once."""
    app = web.Application(client_max_size=_UPLOAD_BYTES_MAX)
    app.add_routes(
        [
            web.post("/v1/chat/completions", _chat),
            web.post("/v1/audio/speech", _speak),
            web.post("/v1/audio/transcriptions", _transcribe),
            # A client that warms its connection asks for the root of the API.
            web.get("/v1/", _ready),
            web.get("/health/ready", _ready),
        ]
    )
    return app


async def _chat(request: web.Request) -> web.StreamResponse:
    asked = await request.json()
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await stream.prepare(request)
    for line in brain.chunks(asked["messages"], asked.get("model", "scripted")):
        await stream.write(f"data: {line}\n\n".encode())
    return stream


async def _speak(request: web.Request) -> web.Response:
    asked = await request.json()
    samples = tones.tone(asked["input"], asked["voice"])
    if asked.get("response_format") == "pcm":
        return web.Response(body=samples.astype("<i2").tobytes(), content_type="audio/pcm")
    wav = io.BytesIO()
    soundfile.write(wav, samples, tones.RATE, format="WAV", subtype="PCM_16")
    return web.Response(body=wav.getvalue(), content_type="audio/wav")


async def _transcribe(request: web.Request) -> web.Response:
    await request.read()
    return web.json_response({"text": CALLER_SAYS, "logprobs": [{"token": "Hi", "logprob": -0.01, "bytes": []}]})


async def _ready(_: web.Request) -> web.Response:
    return web.json_response({"status": "ready"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The providers of a benchmark call, on loopback.")
    parser.add_argument("--port", type=int, required=True)
    web.run_app(application(), host="127.0.0.1", port=parser.parse_args().port, print=None, access_log=None)
