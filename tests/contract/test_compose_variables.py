"""Of docker-compose.yml every variable that a container is given is one that its process reads, and whatever .env.example tells of gets there
by .env."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest
import yaml
from worker.settings import Settings

from local.supervisor.mesh import BACK_OFFICES, ROOT, SERVICES
from tests.contract.test_settings_are_documented import OF_ONE_OFFICE, of_the_gateway, of_the_ledger

ON_ONE_MACHINE = {
    "VOICEMESH_BIND_HOST",
    "VOICEMESH_HEALTH_PORT",
    "VOICEMESH_METRICS_PORT",
    "VOICEMESH_GRPC_PORT",
    "VOICEMESH_HTTP_PORT",
}
"""Each container has an address and all ports for itself."""
ELSEWHERE = {"VOICEMESH_PEERS", "VOICEMESH_CLIPS_DIR", "VOICEMESH_LIVEKIT_CLIENT"}
"""Peers are found by their names; the two places are those of the image."""
OF_THE_CHARTS = {"VOICEMESH_TLS_DIR", "VOICEMESH_CANARY_WEIGHT"}
"""On one machine's own network nothing is encrypted, and a canary is another Deployment."""
OF_CUSTOMER_CARE = {"VOICEMESH_DESK_PHONES", "VOICEMESH_DESK_TRUNK", "VOICEMESH_DESK_RING_SECONDS"}
OF_ALL = {"OTEL_EXPORTER_OTLP_ENDPOINT"}
"""What back offices, the ledger and the gateway read as the workers do, by a reading that they share or under a name that is not ours."""
NOT_HERE = ON_ONE_MACHINE | ELSEWHERE | OF_THE_CHARTS


@pytest.fixture(scope="module")
def given() -> dict[str, Mapping[str, Any]]:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return {name: service.get("environment", {}) for name, service in services.items()}


def of_a_worker() -> set[str]:
    return {field.metadata["name"] for field in fields(Settings)}


def of_an_office(service: str) -> set[str]:
    text = (ROOT / "services" / service / f"{service}_mcp" / "settings.py").read_text()
    own = set(OF_ONE_OFFICE.findall(text)) | {f"{service.upper()}_SEED_EXAMPLES"}
    return own | {"DATABASE_URL", "VOICEMESH_CAPABILITY_KEY", "VOICEMESH_LOG_LEVEL", *OF_ALL}


@pytest.mark.parametrize("service", SERVICES)
def test_a_worker_is_given_what_it_reads(given: dict[str, Mapping[str, Any]], service: str) -> None:
    assert set(given[service]) - of_a_worker() == set()
    left_out = set() if service == "escalation" else OF_CUSTOMER_CARE
    without_office = set() if service in BACK_OFFICES else {"VOICEMESH_MCP_URL"}
    assert of_a_worker() - set(given[service]) - NOT_HERE == left_out | without_office


@pytest.mark.parametrize("service", BACK_OFFICES)
def test_a_back_office_is_given_what_it_reads(given: dict[str, Mapping[str, Any]], service: str) -> None:
    assert set(given[f"{service}-mcp"]) == of_an_office(service)


def test_the_ledger_is_given_what_it_reads(given: dict[str, Mapping[str, Any]]) -> None:
    assert set(given["ledger"]) == of_the_ledger() - NOT_HERE | {"DATABASE_URL", "VOICEMESH_LOG_LEVEL", *OF_ALL}


def test_the_gateway_is_given_what_it_reads(given: dict[str, Mapping[str, Any]]) -> None:
    assert set(given["gateway"]) == of_the_gateway() - NOT_HERE | OF_ALL


def test_speech_needs_nothing(given: dict[str, Mapping[str, Any]]) -> None:
    assert given["speech"] == {}


def test_a_recorded_caller_is_told_where_the_mesh_is(given: dict[str, Mapping[str, Any]]) -> None:
    assert set(given["caller"]) == {
        "LIVEKIT_URL",
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
        "REDIS_URL",
        "VOICEMESH_SPEECH_URL",
    }


def test_all_are_told_the_same_addresses_and_keys(given: dict[str, Mapping[str, Any]]) -> None:
    for name in (
        "LIVEKIT_URL",
        "LIVEKIT_API_KEY",
        "LIVEKIT_API_SECRET",
        "REDIS_URL",
        "VOICEMESH_SEAL_KEY",
        "VOICEMESH_CAPABILITY_KEY",
    ):
        assert len({environment[name] for environment in given.values() if name in environment}) == 1, name


def test_a_variable_without_a_value_comes_from_dotenv_under_its_own_name(given: dict[str, Mapping[str, Any]]) -> None:
    """A null is passed on as it is set; written out it would have to name itself."""
    for environment in given.values():
        for name, value in environment.items():
            spelled = re.findall(r"\$\{(\w+)", str(value or ""))
            assert name in (
                "DATABASE_URL",
                "LIVEKIT_KEYS",
                "LIVEKIT_CONFIG",
                "SIP_CONFIG_BODY",
                "GF_SECURITY_ADMIN_PASSWORD",
            ) or set(spelled) <= {name}


def test_no_worker_knows_how_callers_are_known_to_be_who_they_are(given: dict[str, Mapping[str, Any]]) -> None:
    knowing = {name for name, environment in given.items() if "VOICEMESH_CAPABILITY_KEY" in environment}
    assert knowing == {f"{service}-mcp" for service in BACK_OFFICES}
