"""The callers that ship with the mesh, each with what its own script expects of the call, on one mesh of all five services."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from local.caller import load_script
from local.caller.shipped import find
from local.shipped import ShippedCalls
from local.supervisor.mesh import SERVICES, Mesh

pytestmark = pytest.mark.asyncio(loop_scope="session")

CALLERS = (("sales_demo", "phone"), ("whole_house", "web"))
"""One on each channel; the others differ in what is said, which `make eval` plays as text. `make calls` plays all of them on both."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def house(playbook_mesh: Mesh, run_dirs: Path) -> AsyncIterator[ShippedCalls]:
    async with Mesh(run_dirs / "house", speech_url=playbook_mesh.speech_url) as mesh:
        yield ShippedCalls(mesh, run_dirs / "shipped")


@pytest.mark.parametrize(("name", "channel"), CALLERS)
async def test_a_shipped_caller_gets_what_its_script_expects(house: ShippedCalls, name: str, channel: str) -> None:
    played = await house.play(load_script(find(Path(name)), channel=channel), name=name)
    assert played.failures == ()
    report = json.loads((played.folder / "report.json").read_text())
    assert [handoff["overlap_ms"] for handoff in report["handoffs"]] == [0] * len(report["handoffs"])
    files = {"caller_heard.wav", "caller_said.wav", "report.json", "report.html"}
    assert files <= {path.name for path in played.folder.iterdir()}


async def test_between_them_the_callers_visit_every_service() -> None:
    scripts = [load_script(find(Path(name))) for name, _ in CALLERS]
    assert {service for script in scripts for service in script.expect.services or ()} == set(SERVICES)
