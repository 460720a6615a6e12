"""LiveKit's server is found in four ways, on machines made of shell scripts."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from local.settings import LocalSettings
from local.supervisor import livekit
from local.supervisor.errors import NotFound


@pytest.fixture
def told() -> list[str]:
    return []


def machine(tmp_path: Path, **programs: str) -> LocalSettings:
    """A machine whose PATH holds only these shell scripts."""
    folder = tmp_path / "path"
    folder.mkdir()
    for name, script in programs.items():
        program = folder / name.replace("_", "-")
        program.write_text(f"#!/bin/sh\n{textwrap.dedent(script)}\n")
        program.chmod(0o755)
    return LocalSettings.from_env({"PATH": str(folder), "VOICEMESH_CACHE_DIR": str(tmp_path / "cache")})


async def test_with_no_livekit_anywhere_the_error_names_all_four_ways(tmp_path: Path, told: list[str]) -> None:
    with pytest.raises(NotFound) as failure:
        await livekit.find_server(machine(tmp_path), say=told.append)
    for way in ("on the PATH", "the cache", f"go install {livekit.PACKAGE}", f"Docker with {livekit.IMAGE}"):
        assert way in str(failure.value)


async def test_a_livekit_on_the_path_comes_first(tmp_path: Path, told: list[str]) -> None:
    settings = machine(tmp_path, livekit_server="echo livekit-server version 1.13.6")
    found = await livekit.find_server(settings, say=told.append)
    assert found.binary == str(tmp_path / "path" / "livekit-server")


async def test_a_livekit_that_is_too_old_is_passed_over(tmp_path: Path, told: list[str]) -> None:
    settings = machine(tmp_path, livekit_server="echo livekit-server version 1.9.0")
    with pytest.raises(NotFound, match=r"is 1\.9\.0, and 1\.13\.2 or newer is needed"):
        await livekit.find_server(settings, say=told.append)


async def test_go_builds_livekit_into_the_cache_under_its_real_name(tmp_path: Path, told: list[str]) -> None:
    settings = machine(tmp_path, go=': > "$GOBIN/server"; [ "$CGO_ENABLED$GOTOOLCHAIN" = 0local ]')
    found = await livekit.find_server(settings, say=told.append)
    assert found.binary == str(tmp_path / "cache" / "bin" / f"livekit-server-{livekit.VERSION}")
    assert [entry.name for entry in (tmp_path / "cache" / "bin").iterdir()] == [f"livekit-server-{livekit.VERSION}"]
    again = await livekit.find_server(machine_without_go(settings), say=told.append)
    assert again == found


def machine_without_go(settings: LocalSettings) -> LocalSettings:
    return LocalSettings(cache_dir=settings.cache_dir, inherited={"PATH": ""}, brain={})


async def test_a_go_that_cannot_build_it_is_quoted_and_leaves_nothing_in_the_cache(
    tmp_path: Path, told: list[str]
) -> None:
    settings = machine(tmp_path, go='echo "requires go >= 1.26 (running go 1.20; GOTOOLCHAIN=local)" >&2; exit 1')
    with pytest.raises(NotFound, match=r"requires go >= 1\.26"):
        await livekit.find_server(settings, say=told.append)
    assert list((tmp_path / "cache" / "bin").iterdir()) == []


async def test_docker_is_taken_when_its_daemon_answers(tmp_path: Path, told: list[str]) -> None:
    found = await livekit.find_server(machine(tmp_path, docker="exit 0"), say=told.append)
    spec = livekit.spec(
        server=found, port=1, udp_port=2, keys=livekit.Keys.new(), config_path=tmp_path / "livekit.yaml", env={}
    )
    assert spec.command[1:3] == ("run", "--rm")
    assert livekit.IMAGE in spec.command
    assert spec.container.endswith("voice-mesh-livekit-1")


async def test_a_docker_without_a_daemon_is_passed_over(tmp_path: Path, told: list[str]) -> None:
    with pytest.raises(NotFound, match="daemon does not answer"):
        await livekit.find_server(machine(tmp_path, docker="exit 1"), say=told.append)


def test_the_secret_of_a_run_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "livekit.yaml"
    keys = livekit.Keys.new()
    livekit.spec(server=livekit.Server(binary="x"), port=1, udp_port=2, keys=keys, config_path=path, env={})
    assert path.stat().st_mode & 0o077 == 0
    assert len(keys.api_secret) >= 32


def test_livekit_tells_a_gateway_that_is_there_and_nobody_else() -> None:
    keys = livekit.Keys.new()
    url = "http://127.0.0.1:3/webhooks/livekit"
    told = livekit.config(port=1, udp_port=2, keys=keys, webhook_url=url)
    assert told["webhook"] == {"api_key": keys.api_key, "urls": [url]}
    assert "webhook" not in livekit.config(port=1, udp_port=2, keys=keys)
