"""docker-compose.yml runs the same LiveKit and livekit/sip as everything else here, and nothing that nobody asked for."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
import yaml

from local.settings import LocalSettings
from local.supervisor import livekit, sip
from local.supervisor.mesh import ROOT

FILE = ROOT / "docker-compose.yml"
KEYS = {"LIVEKIT_API_KEY": "voicemesh", "LIVEKIT_API_SECRET": "s" * 32}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())["services"]
    return found


def test_the_servers_are_those_that_the_local_mesh_runs(services: dict[str, Any]) -> None:
    assert services["livekit"]["image"] == livekit.IMAGE
    assert services["sip"]["image"] == f"livekit/sip:v{sip.VERSION}"
    assert f"\nversion={sip.VERSION}\n" in (ROOT / "tools/livekit-sip").read_text()


def test_every_image_has_a_version(services: dict[str, Any]) -> None:
    for name, service in services.items():
        tag = service["image"].partition(":")[2]
        assert tag and tag != "latest", name


def test_telephones_are_there_for_who_asks_for_them(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if "profiles" in service] == ["sip"]
    assert services["sip"]["profiles"] == ["sip"]


def test_the_configurations_are_yaml_and_livekits_keeps_numbers_in_the_same_redis_as_livekit_sip(
    services: dict[str, Any],
) -> None:
    server = yaml.safe_load(services["livekit"]["environment"]["LIVEKIT_CONFIG"])
    bridge = yaml.safe_load(services["sip"]["environment"]["SIP_CONFIG_BODY"])
    assert server["redis"] == bridge["redis"] == {"address": "127.0.0.1:6379"}
    assert bridge["ws_url"] == f"ws://127.0.0.1:{server['port']}"
    assert server["agents"] == livekit.config(port=1, udp_port=2, keys=livekit.Keys.new())["agents"]


def test_no_key_is_made_up_for_those_who_gave_none(services: dict[str, Any]) -> None:
    keys = services["livekit"]["environment"]["LIVEKIT_KEYS"]
    assert all(f"${{{name}:?" in keys for name in KEYS)


@pytest.mark.skipif(
    subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    if shutil.which("docker")
    else True,
    reason="there is no docker compose on this machine",
)
def test_docker_compose_takes_it() -> None:
    command = ["docker", "compose", "--file", str(FILE), "--profile", "sip", "config", "--quiet"]
    without = LocalSettings.from_env().inherited
    done = subprocess.run(command, env={**without, **KEYS}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    refused = subprocess.run(command, env=without, capture_output=True, text=True)
    assert refused.returncode != 0 and "LIVEKIT_API_KEY" in refused.stderr
