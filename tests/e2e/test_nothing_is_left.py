"""A mesh that is stopped in the middle of a call leaves nothing: no process, no port, no file outside its folder."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from local.settings import LocalSettings
from local.supervisor.mesh import Mesh
from tests.e2e.calls import somebody_on_the_line_of
from tests.e2e.processes import group_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


def traces_of(processes: list[psutil.Process]) -> tuple[set[int], set[Path]]:
    """The ports that they are bound to, and the folders for their temporary files."""
    ports: set[int] = set()
    temp_dirs: set[Path] = set()
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # one that has done its work
            ports |= {to.laddr.port for to in process.net_connections("inet") if not to.raddr}
            # Some programs write over the memory that their environment is read from.
            temp_dirs |= {Path(temp) for temp in [process.environ().get("TMPDIR")] if temp}
    return ports, temp_dirs


async def test_a_mesh_that_stops_in_the_middle_of_a_call_leaves_nothing(tmp_path: Path) -> None:
    home, run_dir = tmp_path / "home", tmp_path / "run"
    home.mkdir()
    settings = LocalSettings.from_env()
    inherited = {k: v for k, v in settings.inherited.items() if not k.startswith("XDG_")} | {"HOME": str(home)}
    async with (
        Mesh(run_dir, settings=replace(settings, inherited=inherited)) as mesh,
        somebody_on_the_line_of(mesh, "triage"),
    ):
        names = mesh.started
        processes = [member for name in names for member in group_of(mesh.process(name).pid)]
        assert len(processes) > len(names), "the workers have job processes"
        ports, temp_dirs = traces_of(processes)
        assert len(ports) >= len(names)
        assert temp_dirs
        assert all(folder.is_dir() for folder in temp_dirs)

        await mesh.stop()

        assert [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
        bound = {to.laddr.port for to in psutil.net_connections("inet") if not to.raddr}
        assert ports & bound == set()
        assert [folder for folder in temp_dirs if folder.exists()] == []
        assert list(home.rglob("*")) == []
        shutil.rmtree(run_dir)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
