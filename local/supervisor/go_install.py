"""Builds a Go program into the cache, once per version, telling a person how far it is."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from local.supervisor.errors import NotFound
from local.supervisor.supervisor import Say

_TELL_SECONDS = 5.0
_LAST_LINES = 6


async def go_install(package: str, *, binary: Path, go: str, env: Mapping[str, str], say: Say, hint: str = "") -> Path:
    """``go install package`` (with its version) into ``binary``, whose folder may be shared by many runs: it appears there
    whole or not at all. Raises NotFound with Go's last lines when it cannot be built."""
    binary.parent.mkdir(parents=True, exist_ok=True)
    # Beside the goal, so that the last step is a rename; removed whatever happens, Go's own temporary files with it.
    work = Path(tempfile.mkdtemp(prefix=".building-", dir=binary.parent))
    try:
        say(f"building {package} with Go into the cache, once{hint}")
        await _build(package, work=work, go=go, env=env, say=say)
        built = next(entry for entry in (work / "bin").iterdir() if entry.is_file())
        os.replace(built, binary)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return binary


async def _build(package: str, *, work: Path, go: str, env: Mapping[str, str], say: Say) -> None:
    (work / "bin").mkdir()
    (work / "tmp").mkdir()
    build = await asyncio.create_subprocess_exec(
        go, "install", "-v", package,
        env={
            **env,
            "GOBIN": str(work / "bin"),
            "GOTMPDIR": str(work / "tmp"),
            "CGO_ENABLED": "0",
            # The Go that is here, never another one fetched behind a person's back.
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "",
        },
        cwd=work,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    lines: list[str] = []
    teller = asyncio.create_task(_tell(lines, say=say))
    try:
        assert build.stderr is not None
        async for line in build.stderr:
            lines.append(line.decode(errors="replace").rstrip())
        if await build.wait():
            raise NotFound("`go install` failed: " + " / ".join(lines[-_LAST_LINES:]))
    finally:
        teller.cancel()
        if build.returncode is None:
            # Its compilers are in its group.
            os.killpg(build.pid, signal.SIGKILL)
            await build.wait()


async def _tell(lines: list[str], *, say: Say) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(_TELL_SECONDS)
        fetched = sum(line.startswith("go: downloading") for line in lines)
        compiled = len(lines) - fetched
        say(f"  {time.monotonic() - began:3.0f} s: {fetched} modules fetched, {compiled} packages compiled")
