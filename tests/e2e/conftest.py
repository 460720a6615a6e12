"""Meshes for the calls of these tests, each started once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from local.supervisor.mesh import Mesh
from tests.e2e.collector import Collector
from tests.e2e.told_call import ToldCall, tell_of_a_killed_agents_call


@pytest.fixture(scope="session")
def run_dirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the meshes of this session write."""
    return tmp_path_factory.mktemp("meshes")


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def playbook_mesh(run_dirs: Path) -> AsyncIterator[Mesh]:
    """Billing has one place only, and waits long for its call to end: enough for one call at a time, and easily full."""
    billing = {"VOICEMESH_MAX_SESSIONS": "1", "VOICEMESH_DRAIN_SECONDS": "60", "VOICEMESH_SILENCE_SECONDS": "60"}
    triage = {"VOICEMESH_HOLD_SECONDS": "0"}  # a full billing is not waited for here
    env_of = {"billing": billing, "triage": triage}
    async with Mesh(run_dirs / "playbook", services=("triage", "billing"), env_of=env_of) as mesh:
        yield mesh


@pytest_asyncio.fixture(loop_scope="session")
async def mesh(playbook_mesh: Mesh) -> AsyncIterator[Mesh]:
    """The mesh that the playbook answers, all of it running; what a test killed is started again after it."""
    yield playbook_mesh
    for service in playbook_mesh.services:
        if not playbook_mesh.process(service).is_alive:
            await playbook_mesh.restart(service)


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the mesh with two billings sends its spans."""
    with Collector() as collector:
        yield collector


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def two_billings(run_dirs: Path, playbook_mesh: Mesh, collector: Collector) -> AsyncIterator[Mesh]:
    """Two workers of billing, so that one can be lost or drained, and whatever tells of a call; the voice is the other mesh's."""
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
    async with Mesh(
        run_dirs / "recovery",
        services=("triage", "billing"),
        replicas={"billing": 2},
        # With the longer lease an owner that gets no turn on a busy machine keeps its call: who is struck here is noticed by its parent.
        env_overrides={"VOICEMESH_DRAIN_SECONDS": "60", "VOICEMESH_LEASE_SECONDS": "4", **traced},
        env_of=dict.fromkeys(("billing_mcp", "ledger", "gateway"), traced),
        speech_url=playbook_mesh.speech_url,
        for_browsers=True,
    ) as mesh:
        yield mesh


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def killed_agents_call(two_billings: Mesh, collector: Collector) -> ToldCall:
    """A call from the gateway's token to its line in the ledger, with a handoff and with an agent that is killed on the way: what was
    heard of it, and all that the mesh tells of it."""
    return await tell_of_a_killed_agents_call(two_billings, collector)
