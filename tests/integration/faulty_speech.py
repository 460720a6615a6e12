"""A speech provider on loopback that is as faulty as a test wants: OpenAI's transcriptions and speech endpoints, raw PCM."""

from __future__ import annotations

import asyncio

from aiohttp import web

RATE = 24000
STALL_SECONDS = 20.0


class FaultySpeech:
    """``async with FaultySpeech(tone=1) as speech`` serves at ``speech.url``. Its voice is 0.2 s of one sample value, its ears
    hear ``heard``. ``fault``: "" none, ``status`` 503, ``stall`` before the first byte, ``cut`` or ``freeze`` in the middle."""

    def __init__(self, *, tone: int = 1000, heard: str = "Hello.") -> None:
        self.url = ""
        self.fault = ""
        self.asked: list[str] = []
        self._tone = tone
        self._heard = heard

    async def __aenter__(self) -> FaultySpeech:
        app = web.Application(client_max_size=2**24)
        app.router.add_post("/v1/audio/speech", self._speak)
        app.router.add_post("/v1/audio/transcriptions", self._hear)
        # A stalled request ends with its client, not after 20 s.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._runner.cleanup()

    async def _refuse(self) -> web.Response | None:
        if self.fault == "stall":
            await asyncio.sleep(STALL_SECONDS)
        return web.json_response({"error": {"message": "no"}}, status=503) if self.fault == "status" else None

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((await request.json())["input"])
        if (refused := await self._refuse()) is not None:
            return refused
        half = self._tone.to_bytes(2, "little") * (RATE // 10)
        stream = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await stream.prepare(request)
        await stream.write(half)
        if self.fault == "cut":
            assert request.transport is not None
            request.transport.abort()
        elif self.fault == "freeze":
            await asyncio.sleep(STALL_SECONDS)
        else:
            await stream.write(half)
        return stream

    async def _hear(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.asked.append("audio")
        if (refused := await self._refuse()) is not None:
            return refused
        return web.json_response({"text": self._heard})
