"""The keeper of a mesh that stays up: it starts again what dies, and does what it is asked by whoever has the key."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from local.console import Console
from local.supervisor.errors import MeshError
from local.supervisor.mesh import Mesh
from local.supervisor.run_dir import RunDir
from local.up import command
from local.up.keeper import Keeper
from local.up.running import Running, found, needed
from tools.doctor.examination import examine
from tools.doctor.results import Verdict
from tools.doctor.table import CHECKS
from tools.doctor.target import of_make_up

_SOON_SECONDS = 20.0
"""Only bounds a test that hangs."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A keeper holds it for as long as it lives."""
    claimed = RunDir.claim_exactly(tmp_path / "up")
    assert claimed is not None
    with claimed:
        yield claimed.path


@pytest.fixture
async def kept(folder: Path) -> AsyncIterator[tuple[Mesh, Running, Path]]:
    """A mesh of a Redis and a gateway, kept."""
    async with Mesh(folder, services=(), without=("livekit", "speech"), for_browsers=True) as mesh:
        keeping = asyncio.create_task(Keeper(mesh, say=lambda line: None).keep(folder))
        async with asyncio.timeout(_SOON_SECONDS):
            while (running := found(folder)) is None:
                await asyncio.sleep(0.02)
        yield mesh, running, folder
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_what_dies_is_started_again(kept: tuple[Mesh, Running, Path]) -> None:
    mesh, _, _ = kept
    before = mesh.process("redis").pid
    os.kill(before, 9)
    async with asyncio.timeout(_SOON_SECONDS):
        while mesh.process("redis").pid == before or not mesh.process("redis").ready_after_seconds:
            await asyncio.sleep(0.05)
    assert mesh.process("redis").is_alive


async def test_what_was_stopped_and_could_not_be_started_is_tried_again(kept: tuple[Mesh, Running, Path]) -> None:
    mesh, _, folder = kept
    before = mesh.process("gateway")
    door = int(mesh.page_url.rpartition(":")[2].strip("/"))
    await before.stop()
    with socket.create_server(("127.0.0.1", door)), pytest.raises(MeshError, match="gateway"):
        await command.restart(Console(), folder, "gateway")
    async with asyncio.timeout(2 * _SOON_SECONDS):
        while mesh.process("gateway") is before or not mesh.process("gateway").ready_after_seconds:
            await asyncio.sleep(0.05)
    assert mesh.process("gateway").is_alive


async def test_a_process_is_restarted_when_it_is_asked_for(
    kept: tuple[Mesh, Running, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    mesh, _, folder = kept
    before = mesh.process("gateway").pid
    assert await command.restart(Console(), folder, "gateway") == 0
    assert mesh.process("gateway").pid != before
    for wrong in ("biling", "gateway?x", "../status", "billing.2"):
        with pytest.raises(MeshError, match=r"redis, gateway"):
            await command.restart(Console(), folder, wrong)
    assert await command.status(Console(), folder) == 0
    told = capsys.readouterr().out
    assert str(mesh.process("gateway").pid) in told
    assert mesh.page_url in told


async def test_of_two_who_restart_a_process_at_once_the_second_is_told_so(kept: tuple[Mesh, Running, Path]) -> None:
    mesh, _, folder = kept
    done = await asyncio.gather(
        *(command.restart(Console(), folder, "gateway") for _ in range(2)), return_exceptions=True
    )
    assert done.count(0) == 1
    (refused,) = [str(error) for error in done if isinstance(error, MeshError)]
    assert "being restarted already" in refused
    assert mesh.process("gateway").is_alive


async def test_who_has_not_the_key_is_not_served_and_the_key_is_for_its_owners_eyes(
    kept: tuple[Mesh, Running, Path],
) -> None:
    _, running, folder = kept
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{running.control_url}/restart/redis", headers={"Authorization": "Bearer x"}) as answer,
    ):
        assert answer.status == 401
    assert stat.S_IMODE((folder / "mesh.json").stat().st_mode) == 0o600
    assert running.control_key not in repr(running)


def test_where_no_mesh_is_up_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(MeshError, match="make up"):
        needed(tmp_path)
    (tmp_path / "mesh.json").write_text('{"pid": 1}')
    assert found(tmp_path) is None


async def test_a_mesh_whose_keeper_was_killed_is_none_whoever_has_its_process_id_now(
    kept: tuple[Mesh, Running, Path], tmp_path: Path
) -> None:
    _, running, _ = kept
    left = tmp_path / "left"
    claimed = RunDir.claim_exactly(left)
    assert claimed is not None
    running.write(left)
    assert found(left) == running
    claimed.release()
    assert found(left) is None


async def test_its_file_says_what_each_process_was_told_and_nothing_that_it_inherited(
    kept: tuple[Mesh, Running, Path],
) -> None:
    mesh, running, _ = kept
    told = running.variables["gateway"]
    assert told["REDIS_URL"] == mesh.redis_url
    assert told["VOICEMESH_DESK_SECRET"] == mesh.staff_secret
    assert "PATH" not in told
    assert mesh.staff_secret not in repr(running)


async def test_doctor_looks_at_it_by_that_file_alone(kept: tuple[Mesh, Running, Path]) -> None:
    mesh, running, _ = kept
    checks = [check for check in CHECKS if check.is_meant_by(["settings", "secrets", "redis", "services.gateway"])]
    results = await examine(of_make_up(running), checks)
    assert {result.verdict for result in results} == {Verdict.OK}, [result.as_json() for result in results]
    await mesh.process("redis").stop()
    (result,) = await examine(of_make_up(running), [check for check in checks if check.name == "redis.reachable"])
    assert result.verdict is Verdict.FAIL
    assert "make restart SERVICE=redis" in result.troubles[0].mend
