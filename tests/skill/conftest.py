"""What the skill's snippets may lean on: a real LiveKit server, and the programs that its commands name."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.supervisor.mesh import Mesh
from tests.charts import rendering
from tests.skill import commands

_START_SECONDS = 120.0


@pytest.fixture(scope="session")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables that tell where a LiveKit server of these tests is. It runs in a loop of its own: snippets bring theirs."""
    found: dict[str, str] = {}
    is_up, is_done = threading.Event(), threading.Event()
    problems: list[BaseException] = []

    async def serve() -> None:
        folder = tmp_path_factory.mktemp("livekit")
        async with Mesh(folder, services=(), without=("speech", "redis")) as mesh:
            found["LIVEKIT_URL"] = mesh.livekit_url
            found["LIVEKIT_API_KEY"] = mesh.livekit_api_key
            found["LIVEKIT_API_SECRET"] = mesh.livekit_api_secret
            is_up.set()
            await asyncio.to_thread(is_done.wait)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as e:  # noqa: BLE001 - told to the test, which waits in another thread
            problems.append(e)
            is_up.set()

    serving = threading.Thread(target=run, name="livekit")
    serving.start()
    try:
        assert is_up.wait(_START_SECONDS), "LiveKit's server did not start"
        assert not problems, problems
        yield found
    finally:
        is_done.set()
        serving.join()
    assert not problems, problems


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A shell's first line, after which `python`, `helm` and `kubectl` are those of this repository."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "helm").symlink_to(rendering.helm())
    if commands.kubectl():
        (folder / "kubectl").symlink_to(commands.kubectl())
    path = f"{folder}:{Path(sys.executable).parent}"
    return f'export PATH="{path}:$PATH" TMPDIR="{tmp_path_factory.mktemp("tmp")}"\n'
