"""Shared by the tiers that start real things: everything that a test started must be gone when the session ends."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE_SECONDS = 5.0


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """Where the house stands."""
    return ROOT


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails the run when a child process is left, and ends it. Children that are ending get a moment."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while (left := _children()) and time.monotonic() < until:
        time.sleep(0.05)
    for child in left:
        print(f"\nleft behind by a test: process {child.pid}: {' '.join(child.cmdline())[:200]}")
        child.kill()
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _children() -> list[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    return [c for c in found if c.is_running() and c.status() != psutil.STATUS_ZOMBIE and not _is_pythons_own(c)]


def _is_pythons_own(process: psutil.Process) -> bool:
    """multiprocessing's helpers end with their parent and serve nobody else."""
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return True
    return "multiprocessing.resource_tracker" in line or "multiprocessing.forkserver" in line
