"""The back offices for evals: one HTTP server for all of them, and for each conversation databases of its own.

A conversation's back office is made when it is first asked, over a copy of a seeded SQLite file, and reached at
``/<conversation>/<service>/mcp``. So conversations run side by side and none sees what another one changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import sqlite3
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from local.eval.evidence import TableDiff
from local.eval.office_parts import Office, has_office, open_office, prepare
from local.eval.rows import Snapshot, differences, snapshot

HOST = "127.0.0.1"
_ONE_AT_A_TIME = threading.Lock()
"""Alembic, and the running of an entry point, are not made for several threads."""


class Offices:
    """``async with Offices(folder) as offices`` serves on a free port of loopback; ``folder`` gets the databases."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._templates: dict[str, asyncio.Task[Snapshot]] = {}
        self._desks: dict[str, CallOffices] = {}
        self._base = ""

    async def __aenter__(self) -> Offices:
        listener = socket.create_server((HOST, 0))
        self._base = f"http://{HOST}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            self._serve,
            interface="asgi3",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        # Not serve(): it would take the signals that are to stop this program.
        self._serving = asyncio.create_task(self._server._serve([listener]))
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.should_exit = True
        await self._serving

    @asynccontextmanager
    async def of_call(self, call_id: str, *, away: frozenset[str] = frozenset()) -> AsyncIterator[CallOffices]:
        """The offices of one conversation; those of ``away`` answer nothing but an error."""
        mine = self._desks[call_id] = CallOffices(self, f"{self._base}/{call_id}", self._folder / call_id, away)
        try:
            yield mine
        finally:
            del self._desks[call_id]
            await mine.close()

    async def template(self, service: str) -> tuple[Path, Snapshot]:
        """A seeded database to copy, and its rows."""
        path = self._folder / "templates" / f"{service}.db"
        if service not in self._templates:
            self._templates[service] = asyncio.create_task(asyncio.to_thread(_make_template, service, path))
        return path, await asyncio.shield(self._templates[service])

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        _, call_id, service, *rest = [*path.split("/"), "", ""]
        desk = self._desks.get(call_id)
        application = await desk.application(service) if desk is not None else None
        if application is None:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        inner = "/" + "/".join(part for part in rest if part)
        await application({**scope, "path": inner, "raw_path": inner.encode()}, receive, send)


class CallOffices:
    """One conversation's offices."""

    def __init__(self, offices: Offices, base_url: str, folder: Path, away: frozenset[str]) -> None:
        self._offices = offices
        self._base_url = base_url
        self._folder = folder
        self._away = away
        self._running: dict[str, asyncio.Task[_Running]] = {}

    def url(self, service: str) -> str:
        """Where the service's agent finds its tools; empty when it has none."""
        return f"{self._base_url}/{service}/mcp" if has_office(service) else ""

    async def application(self, service: str) -> ASGIApp | None:
        """The office that answers; None when it does not."""
        if service in self._away or not has_office(service):
            return None
        if service not in self._running:
            self._running[service] = asyncio.create_task(self._open(service))
        return (await asyncio.shield(self._running[service])).office.application

    async def _open(self, service: str) -> _Running:
        template, before = await self._offices.template(service)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{service}.db"
        await asyncio.to_thread(shutil.copyfile, template, path)
        return await _Running(open_office(service, _url(path)), path, before).start()

    async def changes(self) -> Mapping[str, Mapping[str, TableDiff]]:
        """What differs from the seeded databases, by office and table; an office that was never asked has no changes."""
        found = {}
        for service, opening in self._running.items():
            running = await opening
            after = await asyncio.to_thread(snapshot, running.path)
            if changed := differences(running.before, after):
                found[service] = changed
        return found

    async def close(self) -> None:
        """Stops them and deletes their databases."""
        for opening in self._running.values():
            with contextlib.suppress(Exception):  # one that never opened has been told of where it was asked
                await (await opening).stop()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)


class _Running:
    """An office and the task that keeps it: its lifespan has to end in the task where it began."""

    def __init__(self, office: Office, path: Path, before: Snapshot) -> None:
        self.office = office
        self.path = path
        self.before = before
        self._stop = asyncio.Event()

    async def start(self) -> _Running:
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._live(started))
        await asyncio.wait({self._task, started}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()
        return self

    async def _live(self, started: asyncio.Future[None]) -> None:
        application: Any = self.office.application
        async with application.router.lifespan_context(application):
            started.set_result(None)
            await self._stop.wait()

    async def stop(self) -> None:
        self._stop.set()
        await self._task
        await asyncio.to_thread(self.office.close)


def _make_template(service: str, path: Path) -> Snapshot:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with _ONE_AT_A_TIME:
        prepare(service, _url(path))
    with closing(sqlite3.connect(path)) as database:  # all of it in the one file that is copied
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return snapshot(path)


def _url(path: Path) -> str:
    return f"sqlite:///{path}"
