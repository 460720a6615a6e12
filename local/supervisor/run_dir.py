"""A folder of one's own for each run: `.run/demo`, or `.run/demo-2` while the first is in use.

The claim is a lock that the kernel drops when its holder ends, so a killed run leaves nothing to clean up.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from types import TracebackType

from local.supervisor.errors import MeshError

_LOCK = ".lock"
"""Locked while a run holds the folder; its presence also says that the folder is ours to empty."""


class RunDir:
    """A claimed, empty folder. Use as a context manager, or call ``release``; what was written stays."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def claim(cls, root: Path, name: str) -> RunDir:
        """Takes ``root/name``, or the first of ``name-2``, ``name-3`` ... that no living run holds, and empties it."""
        for number in range(1, 100):
            path = root / (name if number == 1 else f"{name}-{number}")
            if (claimed := cls.claim_exactly(path)) is not None:
                return claimed
        raise MeshError(f"a hundred runs of {name} in {root}", advice="stop some of them")

    @classmethod
    def claim_exactly(cls, path: Path) -> RunDir | None:
        """Takes this folder and empties it; None while another run holds it. Raises MeshError when it holds other things."""
        if path.is_dir() and any(path.iterdir()) and not (path / _LOCK).exists():
            raise MeshError(
                f"{path} holds files that no run of ours wrote",
                advice="name another folder (a run empties its folder first)",
            )
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        _empty(path)
        return cls(path, lock)

    def release(self) -> None:
        """Lets the next run have the folder."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> RunDir:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_claimed(path: Path) -> bool:
    """Whether a living run holds the folder."""
    try:
        lock = os.open(path / _LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _empty(path: Path) -> None:
    for entry in path.iterdir():
        if entry.name == _LOCK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
