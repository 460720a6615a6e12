"""docker-compose.yml is the whole mesh: the same servers as everywhere else here, every service by its one name, nothing made up, nothing
open that need not be."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from handoff.directory import DIRECTORY
from worker.settings import Settings

from local.settings import LocalSettings
from local.supervisor import livekit, sip
from local.supervisor.mesh import BACK_OFFICES, ROOT

FILE = ROOT / "docker-compose.yml"
WORKERS = tuple(sorted(DIRECTORY))
OFFICES = tuple(f"{service}-mcp" for service in sorted(BACK_OFFICES))
LASTING = (*WORKERS, *OFFICES, "gateway", "ledger", "speech")
OURS = (*LASTING, "caller")
"""A caller comes, calls and goes."""
OBSERVERS = ("prometheus", "grafana", "otel-collector", "jaeger")
ON_THE_MACHINES_OWN_PORTS = {"livekit": {"7881:7881", "7882:7882/udp"}}
"""What callers from elsewhere need; everything else is for this machine alone."""
MOST_OF_A_DRAIN = next(f.default for f in Settings.__dataclass_fields__.values() if f.name == "drain_seconds")


@pytest.fixture(scope="module")
def file() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return found


@pytest.fixture(scope="module")
def services(file: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = file["services"]
    return found


def seconds(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([sm])", text).groups()  # type: ignore[union-attr]
    return int(number) * (60 if unit == "m" else 1)


# --- who is there -------------------------------------------------------------------------------------------------------------------
def test_every_service_every_back_office_and_what_they_need_is_there_by_its_one_name(services: dict[str, Any]) -> None:
    assert set(services) == {*OURS, "redis", "postgres", "livekit", "sip", *OBSERVERS}


def test_the_servers_are_those_that_the_local_mesh_runs(services: dict[str, Any]) -> None:
    assert services["livekit"]["image"] == livekit.IMAGE
    assert services["sip"]["image"] == f"livekit/sip:v{sip.VERSION}"
    assert f"\nversion={sip.VERSION}\n" in (ROOT / "tools/livekit-sip").read_text()


def test_the_servers_are_those_of_the_charts(services: dict[str, Any]) -> None:
    here = dict(service["image"].split(":", 1) for service in services.values())
    spelled = re.compile(
        r"""(?:image:\s*|repository:\s*)["']?(?P<image>[\w./-]+?)(?::|["']?\s+tag:\s*["']?)(?P<tag>v?\d[\w.-]*)"""
    )
    for path in sorted((ROOT / "charts").rglob("*.yaml")):
        for match in spelled.finditer(path.read_text()):
            if match["image"] in here:
                assert match["tag"] == here[match["image"]], path


def test_every_image_has_a_version(services: dict[str, Any]) -> None:
    for name, service in services.items():
        tag = service["image"].partition(":")[2]
        assert tag and tag != "latest", name


@pytest.mark.parametrize("name", OURS)
def test_an_image_of_ours_is_built_here_under_its_own_name(services: dict[str, Any], name: str) -> None:
    assert services[name]["image"] == f"voice-mesh/{name}:${{VOICEMESH_VERSION:-dev}}"
    assert services[name]["build"] == {"context": ".", "target": name}


def test_nothing_of_a_profile_is_there_for_who_does_not_ask_for_it(services: dict[str, Any]) -> None:
    profiles = {name: service["profiles"] for name, service in services.items() if "profiles" in service}
    assert profiles == {"caller": ["caller"], "sip": ["sip"], **{name: ["observability"] for name in OBSERVERS}}


# --- nothing made up, nothing open --------------------------------------------------------------------------------------------------
def made_by_env_file(folder: Path) -> dict[str, str]:
    file = folder / "mesh.env"
    subprocess.run([ROOT / "tools/env-file", file], check=True, capture_output=True)
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def test_no_key_is_made_up_for_those_who_gave_none(tmp_path: Path) -> None:
    text = FILE.read_text()
    made = made_by_env_file(tmp_path)
    passed_on = set(re.findall(r"^      (\w+):$", text, re.MULTILINE))
    assert {name for name in made if f"${{{name}:?" not in text} <= passed_on
    secret = re.compile(r"\$\{(\w*(?:PASSWORD|SECRET|KEY)\w*)(.*?)\}")
    found = secret.findall(text)
    assert found
    assert {name for name, rest in found if rest and not rest.startswith(":?")} == set()
    assert {name for name, _ in found} <= set(made)


def test_who_lacks_a_secret_is_told_which_command_makes_it() -> None:
    told = re.findall(r":\?(.*?)\}", FILE.read_text())
    assert set(told) == {"run make env-file, which writes .env"}
    assert "\nenv-file:" in (ROOT / "Makefile").read_text()


def test_secrets_are_new_each_time_and_for_the_owners_eyes_alone(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, other = made_by_env_file(tmp_path), made_by_env_file(tmp_path / "other")
    assert stat.S_IMODE((tmp_path / "mesh.env").stat().st_mode) == 0o600
    assert one["LIVEKIT_API_KEY"] == other["LIVEKIT_API_KEY"] == "voicemesh"
    secrets = [value for made in (one, other) for name, value in made.items() if name != "LIVEKIT_API_KEY"]
    assert len(set(secrets)) == len(secrets)
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in secrets)


def test_a_secret_that_is_there_stays_and_what_is_new_is_added(tmp_path: Path) -> None:
    (tmp_path / "mesh.env").write_text("LIVEKIT_API_SECRET=mine\nexport VOICEMESH_SEAL_KEY=ours\n# a word\nTZ=UTC")
    subprocess.run([ROOT / "tools/env-file", tmp_path / "mesh.env"], check=True, capture_output=True)
    lines = (tmp_path / "mesh.env").read_text().splitlines()
    assert lines[:4] == ["LIVEKIT_API_SECRET=mine", "export VOICEMESH_SEAL_KEY=ours", "# a word", "TZ=UTC"]
    names = [line.removeprefix("export ").partition("=")[0] for line in lines if "=" in line]
    assert len(set(names)) == len(names)
    assert "POSTGRES_PASSWORD" in names


def test_ports_are_for_this_machine_alone_but_for_sound_and_telephones(services: dict[str, Any]) -> None:
    for name, service in services.items():
        others = set(service.get("ports", ())) - ON_THE_MACHINES_OWN_PORTS.get(name, set())
        assert all(port.startswith("127.0.0.1:") for port in others), name
    assert [name for name, service in services.items() if "network_mode" in service] == ["sip"]


@pytest.mark.parametrize("name", [*OURS, "redis", "postgres", "livekit", *OBSERVERS])
def test_a_container_has_no_right_that_it_does_not_need(services: dict[str, Any], name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in service
    assert service["mem_limit"] and service["pids_limit"]
    assert "privileged" not in service


@pytest.mark.parametrize("name", OURS)
def test_ours_write_temporary_files_and_nothing_else(services: dict[str, Any], name: str) -> None:
    assert [entry.partition(":")[0] for entry in services[name]["tmpfs"]] == ["/tmp"]
    assert "volumes" not in services[name] and "user" not in services[name]


def test_only_back_offices_and_the_ledger_know_a_database_each_its_own(services: dict[str, Any]) -> None:
    urls = {
        name: service["environment"]["DATABASE_URL"]
        for name, service in services.items()
        if "DATABASE_URL" in service.get("environment", {})
    }
    assert set(urls) == {*OFFICES, "ledger"}
    for name, url in urls.items():
        own = name.removesuffix("-mcp")
        assert re.fullmatch(
            rf"postgresql\+psycopg://{own}:\${{{own.upper()}_DATABASE_PASSWORD:\?[^}}]*}}@postgres:5432/{own}", url
        )
    on_it = {name for name, service in services.items() if "databases" in service.get("networks", ())}
    assert on_it == {*urls, "postgres"}


def test_back_offices_and_databases_cannot_reach_the_internet(file: dict[str, Any], services: dict[str, Any]) -> None:
    assert file["networks"] == {"default": None, "offices": {"internal": True}, "databases": {"internal": True}}
    assert {name for name, service in services.items() if "offices" in service.get("networks", ())} == {
        *OFFICES, *(office.removesuffix("-mcp") for office in OFFICES), "otel-collector"
    }  # fmt: skip
    assert all("default" not in services[name]["networks"] for name in (*OFFICES, "postgres"))


def test_the_databases_are_those_that_postgresql_makes(services: dict[str, Any]) -> None:
    script = ROOT / "deploy/compose/postgres-init.sh"
    names = re.search(r"for name in (.*?);", script.read_text())
    assert names is not None
    assert {f"{name.upper()}_DATABASE_PASSWORD" for name in names[1].split()} == {
        name for name in services["postgres"]["environment"] if name.endswith("_DATABASE_PASSWORD")
    }
    assert {*names[1].split()} == {*BACK_OFFICES, "ledger"}


# --- starting, stopping, being several ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [*LASTING, "redis", "postgres", "livekit", "sip", "prometheus", "grafana", "jaeger"])
def test_whether_it_is_well_is_asked(services: dict[str, Any], name: str) -> None:
    assert services[name]["healthcheck"]["test"][0] == "CMD"
    assert services[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_may_be_several(services: dict[str, Any], name: str) -> None:
    assert "container_name" not in services[name]
    assert "ports" not in services[name]
    assert "hostname" not in services[name]


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_has_time_to_drain(services: dict[str, Any], name: str) -> None:
    drain = int(services[name]["environment"]["VOICEMESH_DRAIN_SECONDS"])
    assert drain == MOST_OF_A_DRAIN
    assert seconds(services[name]["stop_grace_period"]) >= drain + 20


def test_whatever_a_process_stands_on_is_well_before_it_starts_and_goes_after_it(services: dict[str, Any]) -> None:
    needs = {name: service.get("depends_on", {}) for name, service in services.items()}
    for name, needed in needs.items():
        assert all(each == {"condition": "service_healthy"} for each in needed.values()), name
    for name in WORKERS:
        own = {f"{name}-mcp"} & set(services)
        assert set(needs[name]) == {"redis", "livekit", "speech", *own}
        assert services[name]["environment"].get("VOICEMESH_MCP_URL") == (
            f"http://{name}-mcp:8000/mcp" if own else None
        )
    assert all(set(needs[name]) == {"postgres"} for name in OFFICES)
    assert set(needs["ledger"]) == {"postgres", "redis"}


def test_logs_do_not_fill_the_disk(services: dict[str, Any]) -> None:
    assert all(service["logging"]["options"] == {"max-size": "10m", "max-file": "3"} for service in services.values())


# --- LiveKit and its neighbours -----------------------------------------------------------------------------------------------------
def test_the_configurations_are_yaml_and_livekits_keeps_numbers_in_the_same_redis_as_livekit_sip(
    services: dict[str, Any],
) -> None:
    server = yaml.safe_load(services["livekit"]["environment"]["LIVEKIT_CONFIG"])
    bridge = yaml.safe_load(services["sip"]["environment"]["SIP_CONFIG_BODY"])
    assert server["redis"] == {"address": "redis:6379"}
    assert bridge["redis"] == {"address": "127.0.0.1:${VOICEMESH_REDIS_PORT:-6379}"}
    assert services["redis"]["ports"] == [f"{bridge['redis']['address']}:6379"]
    assert bridge["ws_url"] == f"ws://127.0.0.1:{server['port']}"
    assert server["agents"] == livekit.config(port=1, udp_port=2, keys=livekit.Keys.new())["agents"]


def test_livekit_opens_the_ports_that_it_tells_of(services: dict[str, Any]) -> None:
    server = yaml.safe_load(services["livekit"]["environment"]["LIVEKIT_CONFIG"])
    rtc = server["rtc"]
    assert set(services["livekit"]["ports"]) == {
        f"127.0.0.1:{server['port']}:{server['port']}", f"{rtc['tcp_port']}:{rtc['tcp_port']}", f"{rtc['udp_port']}:{rtc['udp_port']}/udp"
    }  # fmt: skip
    assert rtc["node_ip"] == "127.0.0.1"
    assert services["gateway"]["environment"]["VOICEMESH_PUBLIC_LIVEKIT_URL"].endswith(
        f":-ws://127.0.0.1:{server['port']}}}"
    )


def test_livekit_tells_the_gateway_what_happens_in_its_rooms(services: dict[str, Any]) -> None:
    webhook = yaml.safe_load(services["livekit"]["environment"]["LIVEKIT_CONFIG"])["webhook"]
    assert webhook["api_key"] == services["livekit"]["environment"]["LIVEKIT_KEYS"].partition(":")[0]
    assert webhook["urls"] == ["http://gateway:8088/webhooks/livekit"]


def test_prometheus_asks_every_worker_the_ledger_and_livekit(services: dict[str, Any]) -> None:
    jobs = {
        job["job_name"]: job
        for job in yaml.safe_load((ROOT / "deploy/compose/prometheus.yml").read_text())["scrape_configs"]
    }
    (names,) = jobs["workers"]["dns_sd_configs"]
    assert sorted(names["names"]) == list(WORKERS)
    assert names["port"] == Settings.__dataclass_fields__["metrics_port"].default
    assert jobs["ledger"]["static_configs"] == [{"targets": ["ledger:9090"]}]
    port = yaml.safe_load(services["livekit"]["environment"]["LIVEKIT_CONFIG"])["prometheus"]["port"]
    assert jobs["livekit"]["static_configs"] == [{"targets": [f"livekit:{port}"]}]


def test_what_is_mounted_is_there_and_cannot_be_changed_from_inside(services: dict[str, Any]) -> None:
    mounts = [mount for service in services.values() for mount in service.get("volumes", ()) if mount.startswith("./")]
    assert len(mounts) == 4
    for mount in mounts:
        source, _, mode = mount.split(":")
        assert (ROOT / source).is_file() and mode == "ro"


# --- Docker's own word --------------------------------------------------------------------------------------------------------------
@pytest.mark.skipif(
    subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    if shutil.which("docker")
    else True,
    reason="there is no docker compose on this machine",
)
def test_docker_compose_takes_it(tmp_path: Path) -> None:
    made_by_env_file(tmp_path)
    (tmp_path / "empty.env").touch()
    surroundings = LocalSettings.from_env().inherited

    def config(env_file: str) -> subprocess.CompletedProcess[str]:
        command = ["docker", "compose", "--file", str(FILE), "--env-file", str(tmp_path / env_file)]
        command += ["--profile", "*", "config", "--quiet"]
        return subprocess.run(command, env=surroundings, capture_output=True, text=True)

    done = config("mesh.env")
    assert done.returncode == 0 and not done.stderr, done.stderr
    refused = config("empty.env")
    assert refused.returncode != 0 and "run make env-file" in refused.stderr
