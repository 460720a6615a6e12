"""The folder for temporary files of all processes of a mesh: what a killed one leaves there goes with the mesh."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from pathlib import Path

import psutil

_LONGEST = 70
"""Python's worker processes make Unix sockets some 35 characters below it, and their paths end at 108."""


def make_temp_dir(root: Path) -> Path:
    """A new one in ``root``, or among the machine's when that path is too long; those of meshes that were killed are removed."""
    for old in root.glob("mesh-*"):
        if not psutil.pid_exists(int(old.name.split("-")[1])):
            shutil.rmtree(old, ignore_errors=True)
    path = root / f"mesh-{os.getpid()}-{secrets.token_hex(2)}"
    if len(str(path)) > _LONGEST:
        return Path(tempfile.mkdtemp(prefix="voice-mesh-"))
    path.mkdir(parents=True)
    return path
