"""What proxies in front of the gateway tell, and what is believed of it: whose page asks, and whom the limits count."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from handoff.memory_store import MemoryStore
from starlette.testclient import TestClient

from gateway.app import application
from gateway.settings import Settings

CALLS, PAGE = "/api/calls", "https://calls.example.com"
REWRITTEN = "http://127.0.0.1:8088"
"""By what a gateway is asked whose proxy does not pass the Host that came."""


def behind(settings: Settings, proxies: int, *, asked_as: str = REWRITTEN) -> TestClient:
    """The call page as a browser has it; the gateway is asked by another name."""
    app = application(replace(settings, proxies=proxies), MemoryStore())
    return TestClient(app, base_url=asked_as, headers={"origin": PAGE}, client=("10.0.0.1", 40_000))


# --- whose page asks -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("proxies", "hosts"),
    [
        (1, ["calls.example.com"]),
        (1, ["Calls.Example.com:443"]),
        (1, ["evil.example, calls.example.com"]),
        (1, ["evil.example", "calls.example.com"]),
        (2, ["calls.example.com, inner.example"]),
        (2, ["calls.example.com"]),
    ],
    ids=["set", "with its port", "added", "added below", "two add", "the inner one adds nothing"],
)
def test_behind_a_proxy_that_rewrites_host_our_page_is_known_by_the_host_that_the_proxy_saw(
    settings: Settings, proxies: int, hosts: list[str]
) -> None:
    headers = [("x-forwarded-host", host) for host in hosts]
    assert behind(settings, proxies).post(CALLS, headers=headers).status_code == 201


@pytest.mark.parametrize("asked_as", [PAGE, "https://calls.example.com:443"])
def test_a_proxy_that_passes_host_needs_no_other_header(settings: Settings, asked_as: str) -> None:
    for proxies in (0, 1):
        assert behind(settings, proxies, asked_as=asked_as).post(CALLS).status_code == 201


@pytest.mark.parametrize(
    ("proxies", "hosts"),
    [
        (0, ["calls.example.com"]),
        (1, []),
        (1, ["calls.example.com, inner.example"]),
        (1, ["calls.example.com.evil.example"]),
    ],
    ids=["none of ours", "not told", "told by somebody in front of ours", "another"],
)
def test_a_host_that_no_proxy_of_ours_tells_is_not_believed(settings: Settings, proxies: int, hosts: list[str]) -> None:
    headers = [("x-forwarded-host", host) for host in hosts]
    assert behind(settings, proxies).post(CALLS, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("proxies", "headers", "told"),
    [
        (0, {}, "must pass Host"),
        (0, {"x-forwarded-host": "calls.example.com"}, "VOICEMESH_PROXIES is 0"),
        (0, {"x-forwarded-for": "203.0.113.7"}, "VOICEMESH_PROXIES is 0"),
        (1, {"x-forwarded-for": "203.0.113.7"}, "no X-Forwarded-Host came"),
        (1, {"x-forwarded-host": "inner.example"}, "is not X-Forwarded-Host"),
    ],
)
@pytest.mark.parametrize("path", [CALLS, "/api/calls/again", "/api/desk/in", "/api/console/session"])
def test_whoever_runs_the_proxy_is_told_which_header_is_missing(
    watched: Settings,
    caplog: pytest.LogCaptureFixture,
    proxies: int,
    headers: dict[str, str],
    told: str,
    path: str,
) -> None:
    page = behind(replace(watched, desk_secret="d" * 32), proxies)
    with caplog.at_level(logging.INFO, logger="gateway"):
        answer = page.post(path, headers=headers)
    assert answer.status_code == 403
    assert told in answer.json()["error"]["message"]
    assert told in caplog.text
    assert "docs/web.md" in caplog.text
    assert not any(private in caplog.text for private in ("example", "203.0.113.7"))


# --- whom the limits count -----------------------------------------------------------------------------------------------
def codes(settings: Settings, *seen: str) -> list[int]:
    page = behind(settings, 1, asked_as=PAGE)
    return [page.post(CALLS, headers={"x-forwarded-for": one}).status_code for one in seen]


@pytest.mark.parametrize(
    "seen",
    [
        [f"203.0.113.7:{port}" for port in range(40_000, 40_020)],
        [f"[2001:db8:1:2::7]:{port}" for port in range(40_000, 40_020)],
        [f"[2001:db8:1:2::{n:x}]" for n in range(1, 21)],
        [f"[::ffff:203.0.113.7]:{port}" for port in range(40_000, 40_020)],
        [f"unknown-{n}" for n in range(20)],
        [f"203.0.113.7:{n}:{n}" for n in range(20)],
    ],
    ids=["IPv4", "IPv6", "IPv6 without a port", "IPv4 in IPv6", "no address", "almost one"],
)
def test_who_is_named_with_his_port_or_by_no_address_has_no_more_calls_than_others(
    settings: Settings, seen: list[str]
) -> None:
    assert codes(settings, *seen).count(201) == 10


def test_an_address_is_the_same_with_and_without_its_port_and_its_neighbour_is_another(settings: Settings) -> None:
    full = ["203.0.113.7"] * 5 + ["203.0.113.7:40000"] * 6
    assert codes(settings, *full, "203.0.113.8:40000", "[2001:db8::1]:40000", "nobody")[-4:] == [429, 201, 201, 201]
