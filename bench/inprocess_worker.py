"""`python -m bench.inprocess_worker`: the baseline's worker, one for both agents. Settings as for any worker of the mesh."""

from __future__ import annotations

import asyncio
import functools
import logging
import signal

from aiohttp import web
from livekit.agents import AgentServer, JobRequest
from worker.settings import Settings

from bench import inprocess_agent


async def main() -> None:
    """Serves until SIGTERM; ``/health/ready`` is 200 from registration on."""
    settings = Settings.of_this_process()
    server = AgentServer(
        load_threshold=1.0,
        num_idle_processes=settings.idle_processes,
        host=settings.bind_host,
        port=0,
        ws_url=settings.livekit_url,
        api_key=settings.livekit_api_key,
        api_secret=settings.livekit_api_secret,
        preload_modules=["bench.inprocess_agent", "openai.resources.chat", "openai.resources.audio"],
        log_level=settings.log_level,
        load_fnc=lambda _: 0.0,
    )
    registered = asyncio.Event()
    server.on("worker_registered", lambda *_: registered.set())
    server.rtc_session(
        functools.partial(inprocess_agent.answer, settings=settings),
        agent_name=inprocess_agent.AGENT_NAME,
        on_request=_accept,
    )

    async def ready(_: web.Request) -> web.Response:
        return web.json_response(
            {"reason": "" if registered.is_set() else "livekit_disconnected"},
            status=200 if registered.is_set() else 503,
        )

    app = web.Application()
    app.router.add_get("/health/ready", ready)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, settings.bind_host, settings.health_port).start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running, stopping = asyncio.create_task(server.run()), asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await server.aclose()
    await asyncio.gather(running, return_exceptions=True)
    await runner.cleanup()


async def _accept(request: JobRequest) -> None:
    await request.accept(identity=f"{inprocess_agent.AGENT_NAME}-{request.id}")


if __name__ == "__main__":
    logging.basicConfig(level="INFO")
    asyncio.run(main())
