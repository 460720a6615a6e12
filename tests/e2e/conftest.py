"""Meshes for the calls of these tests, each started once, and the shipped callers' demos, which run beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from local.supervisor.mesh import Mesh
from tests.e2e.demos import Demos


@pytest.fixture(scope="session")
def run_dirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the meshes of this session write."""
    return tmp_path_factory.mktemp("meshes")


@pytest.fixture(scope="session", autouse=True)
def demos(request: pytest.FixtureRequest, run_dirs: Path, repo_root: Path) -> Iterator[Demos]:
    """The demos of the shipped callers: one after the other in the background, from the session's start when it wants any."""
    with Demos(run_dirs / "demos", cwd=repo_root) as running:
        if any(item.path.name == "test_shipped_callers.py" for item in request.session.items):
            running.start()
        yield running


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def playbook_mesh(run_dirs: Path) -> AsyncIterator[Mesh]:
    """Billing has one place only, and waits long for its call to end: enough for one call at a time, and easily full."""
    billing = {"VOICEMESH_MAX_SESSIONS": "1", "VOICEMESH_DRAIN_SECONDS": "60", "VOICEMESH_SILENCE_SECONDS": "60"}
    async with Mesh(run_dirs / "playbook", env_of={"billing": billing}) as mesh:
        yield mesh


@pytest_asyncio.fixture(loop_scope="session")
async def mesh(playbook_mesh: Mesh) -> AsyncIterator[Mesh]:
    """The mesh that the playbook answers, all of it running; what a test killed is started again after it."""
    yield playbook_mesh
    for service in playbook_mesh.services:
        if not playbook_mesh.process(service).is_alive:
            await playbook_mesh.restart(service)
