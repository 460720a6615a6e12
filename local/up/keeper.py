"""What an orchestrator does for a mesh, done for one that stays up on this machine: what dies is started again, and a worker is
restarted without dropping its calls: a second one is there before the first one drains.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from aiohttp import web

from local.chaos.processes import health
from local.supervisor.errors import MeshError
from local.supervisor.mesh import SERVICES, Mesh
from local.supervisor.ports import HOST
from local.supervisor.process import Process
from local.supervisor.supervisor import Say
from local.up.running import Running

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
DRAIN_SECONDS = 30
SPARES = {service: f"{service}.2" for service in SERVICES}
"""Who takes over a worker's calls while it is restarted; not running otherwise."""
_REVIVE_SECONDS = 1.0
"""So long after its death a process is started again: a fault that lasts must not keep the machine busy."""
_DOOR_SECONDS = 1.0
"""How long an answer that is under way is waited for when everything stops."""


class Keeper:
    """Of one mesh that runs."""

    def __init__(self, mesh: Mesh, *, say: Say) -> None:
        self._mesh, self._say = mesh, say
        self._key = secrets.token_urlsafe(24)
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._restarts: dict[str, asyncio.Task[str]] = {}
        self._url = ""

    async def keep(self, folder: Path) -> NoReturn:
        """Until it is cancelled."""
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=_DOOR_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, 0).start()
            self._url = f"http://{HOST}:{runner.addresses[0][1]}"
            for name in self._mesh.started:
                if name not in SPARES.values():
                    self._watch(name)
            self._running().write(folder)
            await asyncio.Event().wait()
        finally:
            await self.stop()
            await runner.cleanup()
        raise AssertionError("it waits for ever")

    async def stop(self) -> None:
        """Nothing is started again from now on."""
        await _ended(self._restarts)
        await _ended(self._watches)  # those too that a restart has left

    def _running(self) -> Running:
        mesh = self._mesh
        return Running(
            pid=os.getpid(),
            control_url=self._url,
            control_key=self._key,
            page_url=mesh.page_url,
            livekit_url=mesh.livekit_url,
            livekit_api_key=mesh.livekit_api_key,
            livekit_api_secret=mesh.livekit_api_secret,
            livekit_version=mesh.livekit_version,
            redis_url=mesh.redis_url,
            speech_url=mesh.speech_url,
            addresses={name: url for name, url in mesh.addresses().items() if name not in SPARES.values()},
            staff_secret=mesh.staff_secret,
            variables={name: self._told(name) for name in mesh.started if name not in SPARES.values()},
        )

    def _told(self, name: str) -> dict[str, str]:
        """What a process is told beside what it inherits."""
        inherited = self._mesh.settings.inherited
        env = self._mesh.process(name).spec.env
        return {variable: value for variable, value in env.items() if inherited.get(variable) != value}

    # --- what dies ------------------------------------------------------------------------------------------------------
    def _watch(self, name: str) -> None:
        self._watches[name] = asyncio.create_task(self._revive(name))

    async def _revive(self, name: str) -> None:
        while True:
            process = self._mesh.process(name)
            # One that a restart stopped and could not start counts as told to stop: nobody hears of its death.
            is_up = process.is_alive and process.ready_after_seconds is not None
            died = await process.died() if is_up else f"{name} is not up"
            self._say(f"{died}; it is started again")
            await asyncio.sleep(_REVIVE_SECONDS)
            try:
                await self._begin(name)
            except MeshError as error:
                self._say(str(error))
                await asyncio.sleep(_REVIVE_SECONDS)

    # --- restarts -------------------------------------------------------------------------------------------------------
    async def restart(self, name: str) -> str:
        """What was done, in words. Raises MeshError."""
        if name in self._restarts:
            raise MeshError(f"{name} is being restarted already", advice="`make status` tells when it is up")
        if name not in self._watches:
            there = (known for known in self._mesh.started if known not in SPARES.values())
            raise MeshError(f"there is no process {name}", advice=f"there are {', '.join(there)}")
        self._restarts[name] = asyncio.create_task(self._restart(name))
        return await self._restarts[name]

    async def _restart(self, name: str) -> str:
        try:
            await _ended({name: self._watches.pop(name)})
            if name not in SPARES:
                await self._begin(name)
                return f"{name} was stopped and started again"
            calls = await self._roll(name, SPARES[name])
            return (
                f"{name} was restarted; {calls} call{'' if calls == 1 else 's'} went on with another worker meanwhile"
            )
        finally:
            del self._restarts[name]
            self._watch(name)

    async def _roll(self, worker: str, spare: str) -> int:
        """How many calls the spare had while the worker was away."""
        await self._bring(spare)
        await self._drain(worker)
        calls = (await health(self._mesh, spare)).get("active_sessions", 0)
        await self._begin(worker)
        return calls if isinstance(calls, int) else 0

    async def _bring(self, spare: str) -> None:
        """Returns when the spare takes calls. One whose worker could not be started again is there, with its calls."""
        if self._runs(spare):
            if (await health(self._mesh, spare)).get("reason") in ("", "at_capacity"):
                return
            await self._drain(spare)
        try:
            await self._mesh.restart(spare)
        except MeshError:
            await self._mesh.process(spare).stop()
            raise

    async def _begin(self, name: str) -> None:
        """Starts it, again; who stood in for it hands its calls back. Raises MeshError."""
        await self._mesh.restart(name)
        if (spare := SPARES.get(name)) is not None and self._runs(spare):
            await self._drain(spare)

    async def _drain(self, worker: str) -> None:
        """It hands its calls over and ends; what hangs is ended."""
        process: Process = self._mesh.process(worker)
        if not process.is_alive:
            return
        process.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(DRAIN_SECONDS + 15):
                await process.wait_exit()
        except TimeoutError:
            await process.stop()

    def _runs(self, spare: str) -> bool:
        try:
            return self._mesh.process(spare).is_alive
        except KeyError:  # nobody has needed it yet
            return False

    @property
    def _names(self) -> list[str]:
        """All that are looked after, in the order of the table; a spare while it runs."""
        kept = {*self._watches, *self._restarts, *(spare for spare in SPARES.values() if self._runs(spare))}
        return [name for name in self._mesh.started if name in kept]

    # --- the door -------------------------------------------------------------------------------------------------------
    def _application(self) -> web.Application:
        @web.middleware
        async def with_key(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not secrets.compare_digest(request.headers.get("authorization", ""), f"Bearer {self._key}"):
                return web.json_response({"error": "the key is wrong"}, status=401)
            return await handler(request)

        async def status(_: web.Request) -> web.Response:
            return web.json_response([await self._status(name) for name in self._names])

        async def restart(request: web.Request) -> web.Response:
            try:
                return web.json_response({"done": await self.restart(request.match_info["name"])})
            except MeshError as error:
                return web.json_response({"error": str(error)}, status=409)

        app = web.Application(middlewares=[with_key])
        app.add_routes([web.get("/status", status), web.post("/restart/{name}", restart)])
        return app

    async def _status(self, name: str) -> dict[str, object]:
        process = self._mesh.process(name)
        is_up = process.is_alive  # one that is being started anew is not there for a moment, and has no process id
        told: dict[str, object] = {
            "name": name,
            "pid": process.pid if is_up else "",
            "state": "up" if is_up else "down",
        }
        if name in self._restarts:
            told["state"] = "restarting"
        if name in self._mesh.workers and is_up:
            found = await health(self._mesh, name)
            told |= {key: found[key] for key in ("reason", "active_sessions", "capacity") if key in found}
        return told


async def _ended(tasks: Mapping[str, asyncio.Task[Any]]) -> None:
    ending = list(tasks.values())
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
