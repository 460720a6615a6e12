"""Who may speak with whom: the policies are applied to every pair of pods, as a cluster's network would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.charts.rendering import SERVICES, TRIAL, Object, Rendered, render

Labels = dict[str, str]
NOBODY: Labels = {"app": "a-stranger-in-the-namespace"}
WORKERS = set(SERVICES)
OFFICES = WORKERS - {"triage"}
ALLOWED: dict[tuple[str, int], set[str]] = {
    **{(service, 50051): WORKERS for service in SERVICES},
    **{(service, 8080): {"scale-down"} for service in SERVICES},
    **{(service, 9090): set() for service in SERVICES},
    **{(service, 8000): set() for service in SERVICES},
    ("gateway", 8088): {"livekit", "stranger"},
    ("gateway", 9090): set(),
    ("ledger", 8080): set(),
    ("ledger", 9090): set(),
    ("scale-down", 8080): set(),
    ("redis", 6379): {*WORKERS, "gateway", "ledger", "voice-mesh-test-call"},
    ("postgres", 5432): {*OFFICES, "ledger"},
    ("livekit", 7880): {*WORKERS, "gateway", "voice-mesh-test-call", "stranger"},
    ("livekit", 7881): {*WORKERS, "gateway", "voice-mesh-test-call", "stranger"},
    ("speech", 8790): {*WORKERS, "voice-mesh-test-call"},
}
"""Of a trial, where all is in one namespace: who reaches a pod at a port, by TCP. A stranger is held up on the pod's side alone."""


@pytest.fixture(scope="module")
def mesh() -> Rendered:
    return render(*TRIAL, "--set", "scaleDown.enabled=true")


@pytest.mark.parametrize(("to", "port"), ALLOWED, ids=[f"{to}:{port}" for to, port in ALLOWED])
def test_a_port_is_reached_by_those_who_need_it_and_by_nobody_else(mesh: Rendered, to: str, port: int) -> None:
    pods = {name: pod["metadata"]["labels"] for name, pod in mesh.pods()}
    policies = list(mesh.of("NetworkPolicy").values())
    reaching = {
        name
        for name, labels in {**pods, "stranger": NOBODY}.items()
        if (name == "stranger" or may(policies, "egress", labels, pods[to], port))
        and may(policies, "ingress", pods[to], labels, port)
        and name != to
    }
    assert reaching - {to} == ALLOWED[to, port] - {to}


def test_workers_of_one_service_reach_each_other(mesh: Rendered) -> None:
    """Calls move between them when one of them drains."""
    labels = mesh.one("Deployment", "billing")["spec"]["template"]["metadata"]["labels"]
    policies = list(mesh.of("NetworkPolicy").values())
    assert may(policies, "egress", labels, labels, 50051) and may(policies, "ingress", labels, labels, 50051)


def test_every_pod_is_held_in_both_directions(any_way: Rendered) -> None:
    for name, pod in any_way.pods():
        held = [
            one["spec"]["policyTypes"]
            for one in any_way.of("NetworkPolicy").values()
            if chooses(one["spec"]["podSelector"], pod["metadata"]["labels"])
        ]
        assert ["Ingress", "Egress"] in held, name


def test_every_pod_that_asks_for_names_may(any_way: Rendered) -> None:
    for name, pod in any_way.pods():
        if name in ("redis", "postgres", "speech"):
            continue
        rules = [rule for policy in of(any_way, pod["metadata"]["labels"]) for rule in policy["spec"].get("egress", [])]
        assert any(is_open(rule, 53, "UDP") for rule in rules), name


def test_only_a_pod_with_a_model_provider_reaches_the_internet(mesh: Rendered, default: Rendered) -> None:
    def outside(found: Rendered, service: str) -> list[Any]:
        rules = found.one("NetworkPolicy", service)["spec"]["egress"]
        return [
            rule["to"]
            for rule in rules
            if "to" in rule and any("ipBlock" in one and one["ipBlock"]["cidr"] == "0.0.0.0/0" for one in rule["to"])
        ]

    assert outside(mesh, "billing") == []
    (to,) = outside(default, "billing")
    assert "169.254.0.0/16" in to[0]["ipBlock"]["except"], "the cloud's metadata, with its credentials"


def test_an_address_that_is_given_bounds_the_flow(production: Rendered) -> None:
    rules = production.one("NetworkPolicy", "billing")["spec"]["egress"]
    reached = {
        port: rule["to"][0]["ipBlock"]["cidr"]
        for rule in rules
        for port in (5432, 6379, 7880)
        if "ipBlock" in rule.get("to", [{}])[0] and is_open(rule, port)
    }
    assert reached == {5432: "10.20.1.0/24", 6379: "10.20.0.0/24", 7880: "203.0.113.0/24"}
    assert not any(is_open(rule, 5432) for rule in production.one("NetworkPolicy", "triage")["spec"]["egress"])


def test_who_makes_spans_reaches_the_collector_and_nobody_does_while_there_is_none(
    production: Rendered, mesh: Rendered
) -> None:
    def reaching(found: Rendered) -> dict[str, Any]:
        return {
            name: rule["to"]
            for name, policy in found.of("NetworkPolicy").items()
            for rule in policy["spec"].get("egress", [])
            if is_open(rule, 4318)
        }

    there = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "observability"}}}]
    assert reaching(production) == dict.fromkeys((*SERVICES, "gateway", "ledger"), there)
    assert reaching(mesh) == {}


def test_a_livekit_on_its_nodes_network_is_no_pod(mesh: Rendered) -> None:
    found = render(*TRIAL, "--set", "global.livekit.hostNetwork=true")
    rules = found.one("NetworkPolicy", "billing")["spec"]["egress"]
    assert any("to" not in rule and is_open(rule, 7880) and is_open(rule, 7882, "UDP") for rule in rules)
    assert not any("to" not in rule for rule in mesh.one("NetworkPolicy", "billing")["spec"]["egress"])


# --- what a cluster's network makes of them, as far as these policies use it ----------------------------------------------------


def of(found: Rendered, labels: Labels) -> Iterator[Object]:
    for policy in found.of("NetworkPolicy").values():
        if chooses(policy["spec"]["podSelector"], labels):
            yield policy


def may(policies: list[Object], direction: str, held: Labels, other: Labels, port: int) -> bool:
    """Whether the policies that hold a pod let it speak with another one of its namespace."""
    holding = [one for one in policies if chooses(one["spec"]["podSelector"], held)]
    rules = [rule for one in holding for rule in one["spec"].get(direction) or []]
    key = "from" if direction == "ingress" else "to"
    return not holding or any(
        is_open(rule, port) and (key not in rule or any(is_meant(peer, other) for peer in rule[key])) for rule in rules
    )


def is_open(rule: Object, port: int, protocol: str = "TCP") -> bool:
    return any(
        one.get("protocol", "TCP") == protocol and one["port"] <= port <= one.get("endPort", one["port"])
        for one in rule["ports"]
    )


def is_meant(peer: Object, labels: Labels) -> bool:
    if "ipBlock" in peer:
        return False  # addresses of pods are in none of those that are named
    namespace = peer.get("namespaceSelector")
    return (namespace is None or namespace == {}) and "podSelector" in peer and chooses(peer["podSelector"], labels)


def chooses(selector: Object, labels: Labels) -> bool:
    wanted = selector.get("matchLabels", {})
    among = selector.get("matchExpressions", [])
    assert all(one["operator"] == "In" for one in among)
    return wanted.items() <= labels.items() and all(labels.get(one["key"]) in one["values"] for one in among)
