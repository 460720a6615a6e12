"""The mesh without its workers: real Redis and real LiveKit, on loopback only."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from local.supervisor import redis
from local.supervisor.errors import MeshError
from local.supervisor.mesh import Mesh
from local.supervisor.ports import HOST


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_redis_and_livekit_run_on_loopback_only_and_stop(tmp_path: Path) -> None:
    async with Mesh(tmp_path, services=(), without=("speech",)) as mesh:
        pids = [mesh.process(name).pid for name in ("redis", "livekit")]
        listening = {c.laddr.ip for pid in pids for c in psutil.Process(pid).net_connections("inet") if not c.raddr}
        assert listening == {HOST}
    assert not any(lives(pid) for pid in pids)


async def test_two_meshes_run_side_by_side(tmp_path: Path) -> None:
    async with (
        Mesh(tmp_path / "a", services=(), without=("speech",)) as one,
        Mesh(tmp_path / "b", services=(), without=("speech",)) as two,
    ):
        assert not set(one.addresses().values()) & set(two.addresses().values())


async def test_a_port_that_is_not_in_the_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MeshError, match="no such port: livekti"):
        await Mesh(tmp_path, services=(), without=("speech",), ports={"livekti": 7880}).start()


def test_a_redis_is_found_even_with_an_empty_path() -> None:
    assert Path(redis.find_server("")).name == "valkey-server"
