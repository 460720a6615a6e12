"""Two runs side by side share no port and no folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.supervisor.errors import MeshError, PortTaken
from local.supervisor.ports import HOST, Ports, is_free
from local.supervisor.run_dir import RunDir


@pytest.fixture
def ports() -> Iterator[Ports]:
    held = Ports()
    yield held
    held.release()


def test_two_runs_never_pick_the_same_port(ports: Ports) -> None:
    other = Ports()
    try:
        mine = {ports.pick(udp=True) for _ in range(200)}
        theirs = {other.pick() for _ in range(200)}
    finally:
        other.release()
    assert len(mine) == len(theirs) == 200
    assert not mine & theirs


def test_a_port_in_use_is_named_with_its_holder(ports: Ports) -> None:
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(PortTaken, match=rf"port {port} for livekit is in use by .*process {os.getpid()}"):
            ports.want(port, name="livekit")


def test_a_second_run_gets_a_folder_of_its_own_and_the_first_keeps_its_files(tmp_path: Path) -> None:
    first = RunDir.claim(tmp_path, "demo")
    (first.path / "report.json").write_text("{}")
    with RunDir.claim(tmp_path, "demo") as second:
        assert second.path == tmp_path / "demo-2"
    assert (first.path / "report.json").exists()
    first.release()
    with RunDir.claim(tmp_path, "demo") as third:
        assert third.path == first.path
        assert not (third.path / "report.json").exists()


def test_a_folder_with_other_peoples_files_is_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").touch()
    with pytest.raises(MeshError, match="no run of ours"):
        RunDir.claim_exactly(tmp_path / "photos")
    assert (tmp_path / "photos" / "cat.png").exists()
