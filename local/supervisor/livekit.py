"""LiveKit's server for the local mesh: how it is found, and a configuration that stays on loopback."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from local.settings import LocalSettings
from local.supervisor.errors import NotFound
from local.supervisor.go_install import go_install
from local.supervisor.ports import HOST
from local.supervisor.probes import http_ok
from local.supervisor.process import Spec
from local.supervisor.supervisor import Say

VERSION = "1.13.5"
"""The newest tag that `go install` takes: later ones carry replace directives in their go.mod, which it refuses."""
PACKAGE = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
IMAGE = f"livekit/livekit-server:v{VERSION}"
_OLDEST = (1, 13, 2)
"""Dispatch attributes and agents.target_load came with it."""
_ASK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    """How to run LiveKit's server: a binary, or Docker with IMAGE."""

    binary: str = ""
    docker: str = ""
    version: str = VERSION

    @property
    def described(self) -> str:
        """For a person."""
        return self.binary or f"Docker image {IMAGE}"


@dataclass(frozen=True, slots=True)
class Keys:
    """An API key and its secret (LiveKit wants 32 characters or more), new for each run."""

    api_key: str
    api_secret: str

    @classmethod
    def new(cls) -> Keys:
        """Fit for one run."""
        return cls("voicemesh-" + secrets.token_hex(4), secrets.token_urlsafe(36))


async def find_server(settings: LocalSettings, *, say: Say) -> Server:
    """The first of: PATH, cache, `go install` into the cache, Docker. Raises NotFound, which tells of all four."""
    tried = []
    async for way, found in _ways(settings, say=say):
        if isinstance(found, Server):
            return found
        tried.append(f"{way}: {found}")
    raise NotFound(
        "no LiveKit server on this machine; tried four ways:\n"
        + "\n".join(f"  {i}. {t}" for i, t in enumerate(tried, 1)),
        advice=f"any one of them will do; the simplest is Go 1.26 or newer (we then build {PACKAGE} once)",
    )


async def _ways(settings: LocalSettings, *, say: Say) -> AsyncIterator[tuple[str, Server | str]]:
    on_path = shutil.which("livekit-server", path=settings.search_path)
    yield "livekit-server on the PATH", await _checked(on_path, settings) if on_path else "not there"
    cached = settings.binaries_dir / f"livekit-server-{VERSION}"
    yield f"the cache {settings.binaries_dir}", Server(binary=str(cached)) if cached.is_file() else "not built yet"
    yield f"go install {PACKAGE}", await _by_go(settings, binary=cached, say=say)
    yield f"Docker with {IMAGE}", await _by_docker(settings, say=say)


async def _checked(binary: str, settings: LocalSettings) -> Server | str:
    printed = await _output(binary, "--version", env=settings.inherited)
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", printed or "")
    if found is None:
        return f"{binary} does not tell its version"
    if tuple(map(int, found.groups())) < _OLDEST:
        return f"{binary} is {found[0]}, and {'.'.join(map(str, _OLDEST))} or newer is needed"
    return Server(binary=binary, version=found[0])


async def _by_go(settings: LocalSettings, *, binary: Path, say: Say) -> Server | str:
    go = shutil.which("go", path=settings.search_path)
    if go is None:
        return "Go is not installed"
    try:
        hint = " (a minute or two, some minutes on a small machine)"
        await go_install(PACKAGE, binary=binary, go=go, env=settings.inherited, say=say, hint=hint)
    except NotFound as error:
        return error.what
    return Server(binary=str(binary))


async def _by_docker(settings: LocalSettings, *, say: Say) -> Server | str:
    docker = shutil.which("docker", path=settings.search_path)
    if docker is None:
        return "Docker is not installed"
    if sys.platform != "linux":
        return "its containers share the machine's network on Linux only"
    if await _output(docker, "info", env=settings.inherited) is None:
        return "its daemon does not answer"
    if await _output(docker, "image", "inspect", IMAGE, env=settings.inherited) is None:
        say(f"pulling {IMAGE}")
        if await _output(docker, "pull", IMAGE, env=settings.inherited, seconds=600) is None:
            return f"`docker pull {IMAGE}` failed"
    return Server(docker=docker)


async def _output(*command: str, env: Mapping[str, str], seconds: float = _ASK_SECONDS) -> str | None:
    """What the command prints, None when it cannot be run, fails or takes too long."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        return None
    try:
        async with asyncio.timeout(seconds):
            printed, _ = await process.communicate()
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return printed.decode(errors="replace") if process.returncode == 0 else None


def config(
    *, port: int, udp_port: int, keys: Keys, webhook_url: str = "", redis_address: str = ""
) -> dict[str, object]:
    """The server's settings: nothing listens on, or is told to, anything but loopback. ``webhook_url``: who is told what happens
    in its rooms. Telephone numbers are kept in the Redis of ``redis_address``; without one there are none."""
    settings: dict[str, object] = {
        "port": port,
        "bind_addresses": [HOST],
        "keys": {keys.api_key: keys.api_secret},
        "rtc": {
            "node_ip": HOST,
            "use_external_ip": False,
            # Without it the UDP socket is not bound on loopback, and candidates would lead nowhere.
            "enable_loopback_candidate": True,
            "interfaces": {"includes": ["lo" if sys.platform == "linux" else "lo0"]},
            "udp_port": udp_port,
            # ICE over TCP would listen on every interface, whatever bind_addresses says.
            "tcp_port": 0,
            # Otherwise clients are told public STUN servers. Nobody has to answer here.
            "stun_servers": [f"{HOST}:3478"],
        },
        "room": {"auto_create": True, "empty_timeout": 30, "departure_timeout": 5},
        # Workers report calls held / calls possible; the server's default would stop sending at 0.7 of that.
        "agents": {"target_load": 1.0},
        "logging": {"level": "info", "json": False},
    }
    if webhook_url:
        settings["webhook"] = {"api_key": keys.api_key, "urls": [webhook_url]}
    if redis_address:
        settings["redis"] = {"address": redis_address}
    return settings


def spec(
    *,
    server: Server,
    port: int,
    udp_port: int,
    keys: Keys,
    config_path: Path,
    env: Mapping[str, str],
    webhook_url: str = "",
    redis_address: str = "",
) -> Spec:
    """Writes the configuration (it holds the secret: readable by its owner only) and says how to run it."""
    config_path.parent.mkdir(parents=True, exist_ok=True)
    config_path.touch(mode=0o600)
    settings = config(port=port, udp_port=udp_port, keys=keys, webhook_url=webhook_url, redis_address=redis_address)
    config_path.write_text(yaml.safe_dump(settings, sort_keys=False))
    container = f"voice-mesh-livekit-{port}"
    if server.docker:
        mount = f"{config_path.resolve()}:/livekit.yaml:ro"
        run = (server.docker, "run", "--rm", "--name", container, "--network", "host", "--user", "0", "-v", mount)
        command: tuple[str, ...] = (*run, IMAGE, "--config", "/livekit.yaml")
    else:
        command = (server.binary, "--config", str(config_path.resolve()))
    return Spec(
        name="livekit",
        command=command,
        env=env,
        after=("redis",) if redis_address else (),
        # It prints its errors and exits 0, so only an answer counts.
        probe=http_ok(f"http://{HOST}:{port}/"),
        ready_seconds=20,
        # The first SIGTERM waits for every room to empty.
        hurries_on_second_signal=True,
        advice=f"try `{' '.join(command)}` by hand",
        container=f"{server.docker} {container}" if server.docker else "",
    )
