"""A mesh with telephones: where livekit/sip is found, what it is told, and what a shell is told of the mesh."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from pytest import CaptureFixture

from local.console import Console
from local.settings import LocalSettings
from local.supervisor import sip
from local.supervisor.errors import MeshError, NotFound
from local.supervisor.livekit import Keys
from local.supervisor.run_dir import RunDir
from local.up import command
from local.up.running import Running


def settings(tmp_path: Path, **given: str) -> LocalSettings:
    return LocalSettings.from_env({"VOICEMESH_CACHE_DIR": str(tmp_path), "PATH": str(tmp_path / "bin"), **given})


def test_a_binary_that_was_built_here_is_found_unless_another_one_is_named(tmp_path: Path) -> None:
    built, named = tmp_path / "bin" / f"livekit-sip-{sip.VERSION}", tmp_path / "mine"
    built.parent.mkdir()
    for binary in (built, named):
        binary.touch(mode=0o755)
    assert sip.find_binary(settings(tmp_path)) == str(built)
    assert sip.find_binary(settings(tmp_path, LIVEKIT_SIP=str(named))) == str(named)


def test_where_there_is_none_a_person_is_told_how_to_build_it_and_which_name_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="make livekit-sip"):
        sip.find_binary(settings(tmp_path))
    with pytest.raises(NotFound, match="/no/such/file is no file"):
        sip.find_binary(settings(tmp_path, LIVEKIT_SIP="/no/such/file"))


def test_it_hangs_up_a_silent_telephone_after_the_seconds_that_it_is_told() -> None:
    given = {"port": 1, "health_port": 2, "keys": Keys.new(), "livekit_url": "ws://h", "redis_address": "h:3"}
    assert sip.Bridge("b", no_sound_seconds=4).config(**given)["media_timeout"] == "4s"  # type: ignore[arg-type]
    assert sip.Bridge("b").config(**given)["listen_ip"] == "127.0.0.1"  # type: ignore[arg-type]


def test_env_prints_lines_that_a_shell_takes(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    claimed = RunDir.claim_exactly(tmp_path / "up")
    assert claimed is not None
    with claimed:
        Running(
            pid=1,
            control_url="",
            control_key="",
            page_url="",
            livekit_url="ws://127.0.0.1:7880",
            livekit_api_key="key",
            livekit_api_secret="it's secret",
            livekit_version="",
            redis_url="redis://127.0.0.1:6379/0",
            speech_url="",
            addresses={},
        ).write(claimed.path)
        assert command.env(Console(), claimed.path) == 0
    assert shlex.split(capsys.readouterr().out) == [
        "export",
        "LIVEKIT_URL=ws://127.0.0.1:7880",
        "export",
        "LIVEKIT_API_KEY=key",
        "export",
        "LIVEKIT_API_SECRET=it's secret",
        "export",
        "REDIS_URL=redis://127.0.0.1:6379/0",
    ]


def test_env_of_no_mesh_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(MeshError, match="make up"):
        command.env(Console(), tmp_path)
