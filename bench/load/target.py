"""The mesh that is loaded: one of our own, the one of `make up`, or one that runs elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from local.settings import Elsewhere, LocalSettings
from local.supervisor.errors import ProcessDied
from local.supervisor.mesh import ROOT, Mesh
from local.supervisor.supervisor import Say
from local.up import cli as up
from local.up.running import needed

OWN, UP, ELSEWHERE = "own", "up", "elsewhere"
WHERE = (OWN, UP, ELSEWHERE)
_RUNS = ROOT / ".run"
_WEB = ROOT / "gateway" / "web" / "node_modules"


@dataclass(frozen=True)
class Target:
    """Where calls are placed, and what of it runs on this machine."""

    described: str
    livekit_url: str
    livekit_api_key: str
    livekit_api_secret: str = field(repr=False)
    redis_url: str = field(repr=False)
    speech_url: str = ""
    version: str = ""
    """LiveKit's."""
    processes: Callable[[], Mapping[str, int]] = dict
    """Process ids by name, as of now; empty for a mesh elsewhere."""
    metrics_urls: Mapping[str, str] = field(default_factory=dict)
    """Of those whose metrics can be asked for."""
    mesh: Mesh | None = None

    def deaths(self) -> list[str]:
        """What of a mesh of our own has ended by itself, in words."""
        if self.mesh is None:
            return []
        gone = [name for name in self.mesh.started if not self.mesh.process(name).is_alive]
        return [str(ProcessDied(f"{name} ended by itself", advice="see its log")).splitlines()[0] for name in gone]


@asynccontextmanager
async def target(
    where: str, run_dir: Path, *, say: Say, on_mesh: Callable[[Mesh], None], with_gateway: bool = False
) -> AsyncIterator[Target]:
    """A mesh of our own is up inside and gone afterwards; another one is left as it is. ``with_gateway``: one of our own has its gateway,
    too, where `make web` was run. Raises MeshError, and ValueError with what is missing for one that is elsewhere."""
    if where == OWN:
        async with _own(run_dir, say, on_mesh, with_gateway and _WEB.is_dir()) as found:
            yield found
    elif where == UP:
        yield _of_make_up()
    else:
        async with _elsewhere(run_dir, say, on_mesh) as found:
            yield found


@asynccontextmanager
async def _own(run_dir: Path, say: Say, on_mesh: Callable[[Mesh], None], with_gateway: bool) -> AsyncIterator[Target]:
    mesh = Mesh(run_dir, for_browsers=with_gateway, settings=LocalSettings.from_env(), say=say)
    on_mesh(mesh)
    async with mesh:
        say(f"the mesh is up ({mesh.ready_after_seconds:.1f} s)")
        yield Target(
            "a mesh of its own",
            mesh.livekit_url,
            mesh.livekit_api_key,
            mesh.livekit_api_secret,
            mesh.redis_url,
            mesh.speech_url,
            mesh.livekit_version,
            processes=lambda: {name: mesh.process(name).pid for name in mesh.started if mesh.process(name).is_alive},
            metrics_urls={name: mesh.metrics_url(name) for name in mesh.workers},
            mesh=mesh,
        )


def _of_make_up() -> Target:
    running = needed(_RUNS / up.FOLDER)
    return Target(
        "the mesh of `make up`",
        running.livekit_url,
        running.livekit_api_key,
        running.livekit_api_secret,
        running.redis_url,
        running.speech_url,
        running.livekit_version,
        processes=lambda: named_children(running.pid),
    )


@asynccontextmanager
async def _elsewhere(run_dir: Path, say: Say, on_mesh: Callable[[Mesh], None]) -> AsyncIterator[Target]:
    at = Elsewhere.from_env()
    given = (at.livekit_url, at.livekit_api_key, at.livekit_api_secret, at.redis_url)
    if at.speech_url:
        yield Target("a mesh elsewhere", *given, at.speech_url, "elsewhere")
        return
    others = ("redis", "livekit", "ledger")
    speech = Mesh(run_dir / "speech", services=(), without=others, say=say)  # the callers' voices
    on_mesh(speech)
    async with speech:
        yield Target("a mesh elsewhere", *given, speech.speech_url, "elsewhere")


def named_children(pid: int) -> dict[str, int]:
    """The processes that a keeper has started, by what they are; the second of a kind is ``billing.2``."""
    found: dict[str, int] = {}
    for child in psutil.Process(pid).children():
        try:
            name = name_of(child.cmdline())
        except psutil.Error:
            continue
        number = sum(known.partition(".")[0] == name for known in found)
        if name:
            found[f"{name}.{number + 1}" if number else name] = child.pid
    return found


def name_of(command: Sequence[str]) -> str:
    """As the process table calls it; empty for what is none of the mesh's."""
    if "-m" in command[1:-1]:
        return command[command.index("-m") + 1].rpartition(".")[2]
    program = Path(command[0]).name if command else ""
    programs = {"redis-server": "redis", "valkey-server": "redis", "livekit-server": "livekit", "livekit-sip": "sip"}
    return next((name for begins, name in programs.items() if program.startswith(begins)), "")
