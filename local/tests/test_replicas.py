"""Several workers of one service have names, ports and addresses of their own."""

from __future__ import annotations

import pytest
from worker.settings import Settings

from local.supervisor.replicas import all_workers, canaries_of, peers, service_of_worker, workers_of


def test_a_service_has_one_worker_unless_more_are_wanted() -> None:
    assert workers_of("billing", {}) == ("billing",)


def test_further_workers_are_numbered_from_two() -> None:
    assert workers_of("billing", {"billing": 3}) == ("billing", "billing.2", "billing.3")


def test_a_service_with_no_worker_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        workers_of("billing", {"billing": 0})


def test_all_workers_stand_in_the_order_of_their_services() -> None:
    assert all_workers(("triage", "billing"), {"triage": 2}) == ("triage", "triage.2", "billing")


def test_replicas_of_a_service_that_is_not_started_are_refused() -> None:
    with pytest.raises(ValueError, match="sales"):
        all_workers(("triage",), {"sales": 2})


def test_every_worker_knows_its_service() -> None:
    assert [service_of_worker(name) for name in workers_of("billing", {"billing": 2})] == ["billing", "billing"]


def test_a_worker_reads_all_addresses_of_its_peers() -> None:
    ports = {"triage": 1, "billing": 2, "billing.2": 3}
    told = peers(("triage", "billing"), {"billing": 2}, lambda worker: f"127.0.0.1:{ports[worker]}")
    settings = Settings.from_env(
        {
            "LIVEKIT_URL": "ws://127.0.0.1:7880",
            "LIVEKIT_API_KEY": "key",
            "LIVEKIT_API_SECRET": "secret",
            "REDIS_URL": "redis://127.0.0.1:6379/0",
            "VOICEMESH_SPEECH_URL": "http://127.0.0.1:1/v1",
            "VOICEMESH_PEERS": told,
        }
    )
    assert settings.addresses("billing") == ("127.0.0.1:2", "127.0.0.1:3")
    assert settings.addresses("triage") == ("127.0.0.1:1",)


def test_a_canary_is_found_under_a_name_of_its_own() -> None:
    canaries = canaries_of({"billing": {}, "billing.2": {"VOICEMESH_CANARY_WEIGHT": "10"}})
    told = peers(("triage", "billing"), {"billing": 2}, lambda worker: f"{worker}:1", canaries)
    assert told == "triage=triage:1,billing=billing:1,billing-canary=billing.2:1"
