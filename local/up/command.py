"""`python -m local up | down | status | logs | restart`: what a person does with a mesh that stays up."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

import aiohttp
import psutil

from local.console import Console
from local.settings import LocalSettings
from local.supervisor import sip
from local.supervisor.errors import MeshError, NotFound
from local.supervisor.mesh import SERVICES, Mesh
from local.supervisor.run_dir import RunDir
from local.up.keeper import DRAIN_SECONDS, SPARES, Keeper
from local.up.running import Running, found, needed

_LOG = "keeper.log"
_LOOK_SECONDS = 0.2
_DOWN_SECONDS = 60.0
_STATUS_SECONDS = 20.0
_RESTART_SECONDS = 420.0
"""A spare's start, a drain, a start, and another drain, each at its longest; half a minute on a quiet machine."""


async def up(console: Console, folder: Path, *, ports: Mapping[str, int], phone: bool) -> int:
    """Starts a mesh that outlives this command, tells how it goes, and returns when it is up."""
    if (running := found(folder)) is not None:
        console.plain(
            "a mesh is up already" + ("; PORTS and PHONE are for a start: `make down` first" if ports or phone else "")
        )
        _tell(console, running, folder)
        return 0
    if (claimed := RunDir.claim_exactly(folder)) is None:
        raise MeshError(f"{folder} is in use by another run", advice="wait for its end, or name another folder")
    claimed.release()  # the keeper takes it
    log = folder.with_name(f"{folder.name}-{_LOG}")
    options = [part for name, port in ports.items() for part in ("--port", f"{name}={port}")]
    options += ["--phone"] if phone else []
    with log.open("wb") as output:
        keeper = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "local",
            "keep",
            "--run-dir",
            str(folder),
            *options,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        running = await _when_up(console, folder, keeper, log)
    except asyncio.CancelledError:
        keeper.send_signal(signal.SIGTERM)
        await keeper.wait()
        raise
    if running is None:
        return 1
    _tell(console, running, folder)
    return 0


async def _when_up(console: Console, folder: Path, keeper: asyncio.subprocess.Process, log: Path) -> Running | None:
    """Passes on what the keeper says until the mesh is up; None when it ended instead."""
    with log.open() as told:
        while True:
            for line in told.readlines():
                console.plain(line.rstrip())
            running = found(folder)
            if running is not None and running.pid == keeper.pid:
                return running
            if keeper.returncode is not None:
                console.complain(told.read().rstrip() or f"the mesh did not come up: read {log}")
                return None
            await asyncio.sleep(_LOOK_SECONDS)


def _tell(console: Console, running: Running, folder: Path) -> None:
    for name, address in running.addresses.items():
        console.plain(f"  {name:<15} {address}")
    console.plain(f"\nCall it: open {running.page_url} and press the button, or `make call CALL=duplicate_charge`.")
    console.plain(
        f"See it: {running.page_url}console; take calls yourself: {running.page_url}desk. Both open to {running.staff_secret}"
    )
    if sip.NAME in running.addresses:
        dialled = running.addresses[sip.NAME].replace("sip:", "sip:+15550100000@")
        console.plain(f"Dial it: {dialled}, once it has its numbers (docs/phone.md, by a soft phone).")
    console.plain(
        f"`make status`, `make logs SERVICE=billing`, `make restart SERVICE=billing`, `make down`; logs in {folder}/logs"
    )


async def keep(
    console: Console, folder: Path, *, ports: Mapping[str, int], phone: bool, on_mesh: Callable[[Mesh], None]
) -> NoReturn:
    """The mesh itself, until it is told to stop; runs in the background of `up`."""
    settings = LocalSettings.from_env()
    mesh = Mesh(
        folder,
        replicas=dict.fromkeys(SERVICES, 2),
        spares=tuple(SPARES.values()),
        env_overrides={"VOICEMESH_DRAIN_SECONDS": str(DRAIN_SECONDS)},
        settings=settings,
        brain=settings.brain,
        ports=ports,
        for_browsers=True,
        bridge=_bridge(console, settings) if phone else None,
        say=console.say,
    )
    on_mesh(mesh)
    async with mesh:
        console.say(f"the mesh is up ({mesh.ready_after_seconds:.1f} s)")
        await Keeper(mesh, say=console.say).keep(folder)
    raise AssertionError("it is kept until it is cancelled")


def _bridge(console: Console, settings: LocalSettings) -> sip.Bridge:
    try:
        return sip.Bridge(sip.find_binary(settings))
    except NotFound as error:
        console.say(f"{error.what}: numbers can be given, and nobody can dial them; {error.advice}")
        return sip.Bridge("")


async def down(console: Console, folder: Path) -> int:
    """Stops it and returns when nothing of it is left."""
    running = needed(folder)
    began = time.monotonic()
    console.say("stopping everything")
    with suppress(psutil.NoSuchProcess):  # gone
        keeper = psutil.Process(running.pid)
        keeper.send_signal(signal.SIGTERM)
        while keeper.is_running() and keeper.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() - began > _DOWN_SECONDS:
                raise MeshError(f"the mesh still stops after {_DOWN_SECONDS:.0f} s", advice=f"read {folder}-{_LOG}")
            await asyncio.sleep(_LOOK_SECONDS)
    console.say("the mesh is down")
    return 0


async def status(console: Console, folder: Path) -> int:
    """A table: each process, whether it is well, and its calls. 1 when one is not well."""
    running = needed(folder)
    rows = await _asked(running, "GET", "/status", seconds=_STATUS_SECONDS)
    console.plain(f"{'process':<15} {'pid':>7}  {'state':<11} {'calls':>7}  {'':<24}")
    for row in rows:
        calls = f"{row['active_sessions']}/{row['capacity']}" if "capacity" in row else ""
        console.plain(
            f"{row['name']:<15} {row['pid']:>7}  {row['state']:<11} {calls:>7}  {row.get('reason', '')}".rstrip()
        )
    console.plain(f"\npage: {running.page_url}")
    return 0 if all(row["state"] == "up" and not row.get("reason") for row in rows) else 1


async def restart(console: Console, folder: Path, name: str) -> int:
    """A worker's calls move to a second one meanwhile."""
    running = needed(folder)
    console.say(f"restarting {name}")
    answer = await _asked(running, "POST", f"/restart/{quote(name, safe='')}", seconds=_RESTART_SECONDS)
    console.say(answer["done"])
    return 0


def env(console: Console, folder: Path) -> int:
    """What a command of LiveKit's, `make phone-config` or `make forget` needs to know of it."""
    running = needed(folder)
    found = {
        "LIVEKIT_URL": running.livekit_url,
        "LIVEKIT_API_KEY": running.livekit_api_key,
        "LIVEKIT_API_SECRET": running.livekit_api_secret,
        "REDIS_URL": running.redis_url,
    }
    for name, value in found.items():
        console.plain(f"export {name}={shlex.quote(value)}")
    return 0


def logs(folder: Path, name: str, *, follow: bool) -> int:
    """The last lines of a process's log, and with ``follow`` all that comes. Does not return: `tail` goes on from here."""
    path = folder / "logs" / f"{name}.log"
    if not path.is_file():
        there = ", ".join(sorted(log.stem for log in path.parent.glob("*.log"))) or "none"
        raise MeshError(f"there is no log of {name or 'nobody'}", advice=f"name one: SERVICE=...; there are {there}")
    os.execvp("tail", ["tail", "-n", "60", *(["-F"] if follow else []), str(path)])


async def _asked(running: Running, method: str, path: str, *, seconds: float) -> Any:
    """The keeper's answer. Raises MeshError, for what the keeper refuses as well."""
    headers = {"Authorization": f"Bearer {running.control_key}"}
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.request(method, running.control_url + path) as answer,
        ):
            told = await answer.json()
    except TimeoutError as error:
        raise MeshError(
            f"the mesh's keeper has no answer after {seconds:.0f} s", advice="it may still be at it: `make status`"
        ) from error
    except aiohttp.ClientError as error:
        raise MeshError(
            f"the mesh's keeper does not answer ({type(error).__name__})", advice="`make down`, then `make up`"
        ) from error
    if "error" in told:
        raise MeshError(told["error"])
    return told
