"""Where a mesh that stays up is: written by its keeper, read by every command that has something to ask of it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from local.supervisor.errors import MeshError
from local.supervisor.run_dir import is_claimed

_FILE = "mesh.json"


@dataclass(frozen=True, slots=True)
class Running:
    """The keeper's process id, its door with the key to it, and the addresses of the mesh."""

    pid: int
    control_url: str
    control_key: str = field(repr=False)
    page_url: str
    livekit_url: str
    livekit_api_key: str
    livekit_api_secret: str = field(repr=False)
    livekit_version: str
    redis_url: str
    speech_url: str
    addresses: dict[str, str]
    staff_secret: str = field(default="", repr=False)
    variables: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    """What the mesh told each of its processes, by name: `make doctor` reads it as it reads a .env."""

    def write(self, folder: Path) -> None:
        """For the owner's eyes: it holds secrets."""
        path = folder / _FILE
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=1)


def found(folder: Path) -> Running | None:
    """The mesh that stays up, None when there is none."""
    try:
        running = Running(**json.loads((folder / _FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    # The keeper holds its folder for as long as it lives. Its process id alone may be somebody else's by now.
    return running if is_claimed(folder) else None


def needed(folder: Path) -> Running:
    """The same. Raises MeshError when there is none."""
    if (running := found(folder)) is None:
        raise MeshError("no mesh is up", advice="`make up` starts one")
    return running
