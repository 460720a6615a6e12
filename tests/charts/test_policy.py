"""What every pod of the charts keeps to: no root, no write, no token, bounds, probes, and secrets only where they belong."""

from __future__ import annotations

import re
from typing import Any

from tests.charts.rendering import SERVICES, Object, Rendered, containers, render, variables

OFFICES = ("billing", "technical", "sales", "escalation")
WHO_HAS_A_DATABASE = {*OFFICES, "ledger"}


def test_no_container_may_more_than_it_needs(any_way: Rendered) -> None:
    for name, pod in any_way.pods():
        whole = pod["spec"]["securityContext"]
        assert whole["runAsNonRoot"] and whole["runAsUser"] > 0, name
        assert whole["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(pod["spec"]):
            own = container["securityContext"]
            assert own["readOnlyRootFilesystem"] and own["runAsNonRoot"], name
            assert not own["allowPrivilegeEscalation"] and not own["privileged"], name
            assert own["capabilities"] == {"drop": ["ALL"]}, name


def test_our_own_images_run_as_their_user(any_way: Rendered) -> None:
    for name, pod in any_way.pods():
        if name not in ("redis", "postgres"):
            assert pod["spec"]["securityContext"]["runAsUser"] == 10001, name


def test_every_container_has_bounds_and_a_way_to_write_to_tmp(any_way: Rendered) -> None:
    for name, pod in any_way.pods():
        for container in containers(pod["spec"]):
            resources = container["resources"]
            assert {"cpu", "memory"} <= set(resources["requests"]), name
            assert {"cpu", "memory"} <= set(resources["limits"]), name
            mounts = {mount["mountPath"] for mount in container.get("volumeMounts", [])}
            assert "/tmp" in mounts or container["name"] == "wait", name
        for volume in pod["spec"]["volumes"]:
            assert "emptyDir" not in volume or volume["emptyDir"]["sizeLimit"], f"{name}: a full disk is its node's"


def test_every_image_has_a_version_and_is_not_fetched_for_nothing(any_way: Rendered) -> None:
    for name, pod in any_way.pods():
        for container in containers(pod["spec"]):
            assert re.search(r"(:v?\d[\w.-]*|@sha256:[0-9a-f]{64})$", container["image"]), name
            assert container["imagePullPolicy"] == "IfNotPresent", name


def test_every_container_that_stays_is_probed(any_way: Rendered) -> None:
    for name, pod in any_way.pods():
        for container in containers(pod["spec"]):
            if container["name"] in ("wait", "caller"):
                continue
            assert {"startupProbe", "livenessProbe"} <= set(container), name
            assert ("readinessProbe" in container) == (container["name"] != "back-office"), name


def test_a_full_worker_stays_in_the_names_of_its_service(any_way: Rendered) -> None:
    for service in set(SERVICES) & set(any_way.of("Deployment")):
        (worker,) = any_way.one("Deployment", service)["spec"]["template"]["spec"]["containers"]
        assert worker["livenessProbe"]["httpGet"]["path"] == "/health/live"
        assert worker["readinessProbe"]["httpGet"]["path"] == "/health/serving"
        assert {port["name"]: port["containerPort"] for port in worker["ports"]} == {
            "health": 8080,
            "metrics": 9090,
            "grpc": 50051,
        }


def test_only_scale_down_may_ask_kubernetes_anything(any_way: Rendered) -> None:
    for name, pod in any_way.pods():
        assert pod["spec"]["automountServiceAccountToken"] is (name == "scale-down"), name
        assert pod["spec"]["enableServiceLinks"] is False, name
    for name, account in any_way.of("ServiceAccount").items():
        assert account["automountServiceAccountToken"] is False, name
    for role in any_way.of("Role").values():
        assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "patch"]}]
    assert any_way.of("ClusterRole") == {}


def test_a_database_is_known_to_its_back_office_and_to_the_ledger_alone(any_way: Rendered) -> None:
    for name, pod in any_way.pods():
        for container in containers(pod["spec"]):
            given = variables(container)
            may = container["name"] in ("back-office", "ledger")
            assert ("DATABASE_URL" in given) == may, name
            assert ("VOICEMESH_CAPABILITY_KEY" in given) == (container["name"] == "back-office"), name
            if may:
                owner = name.removesuffix("-canary")
                assert owner in WHO_HAS_A_DATABASE
                assert given["DATABASE_URL"]["secretKeyRef"]["name"] == f"{owner}-database"


def test_no_secret_stands_in_a_setting(any_way: Rendered) -> None:
    secret = re.compile(r"SECRET|PASSWORD|_KEY$|DATABASE_URL|REDIS_URL")
    for name, pod in any_way.pods():
        for container in containers(pod["spec"]):
            plain = {
                key for key, value in variables(container).items() if isinstance(value, str) and secret.search(key)
            }
            assert plain == set(), name
    for name, found in any_way.of("ConfigMap").items():
        assert not [key for key in found["data"] if secret.search(key)], name


def test_a_trial_has_every_secret_that_it_needs(trial: Rendered) -> None:
    there = {name: set(found["stringData"]) for name, found in trial.of("Secret").items()}
    for name, pod in trial.pods():
        for secret, key, optional in references(pod["spec"]):
            assert optional or key in there.get(secret, ()), f"{name}: {secret}/{key}"
    for found in trial.of("Secret").values():
        for key, value in found["stringData"].items():
            assert len(value) >= 32 or key in ("LIVEKIT_API_KEY", "LIVEKIT_URL"), key


def test_an_install_for_real_makes_no_secret_of_its_own(default: Rendered, production: Rendered) -> None:
    assert default.of("Secret") == production.of("Secret") == {}


def test_it_needs_the_secrets_of_the_page_on_installing_and_no_others(default: Rendered) -> None:
    needed = {secret for _, pod in default.pods() for secret, _, optional in references(pod["spec"]) if not optional}
    assert needed == {
        "livekit-credentials",
        "redis-credentials",
        "voice-mesh-keys",
        "gateway-credentials",
        *(f"{owner}-database" for owner in WHO_HAS_A_DATABASE),
    }


def references(spec: Object) -> list[tuple[str, str, bool]]:
    """Each Secret that a pod needs: its name, the key, and whether it may be missing."""
    found: list[tuple[str, str, bool]] = []
    for container in containers(spec):
        for value in variables(container).values():
            if isinstance(value, dict) and "secretKeyRef" in value:
                one: dict[str, Any] = value["secretKeyRef"]
                found.append((one["name"], one["key"], one.get("optional", False)))
    return found


def test_secrets_without_a_seed_are_new_each_time_and_with_one_the_same() -> None:
    def secrets(*more: str) -> dict[str, Object]:
        return render("charts", "-f", "charts/values-trial.yaml", *more).of("Secret")

    assert secrets("--description", "one") != secrets("--description", "two")
    seed = ("--set", "secrets.seed=0123456789012345678901234567890123456789")
    assert secrets(*seed, "--description", "one") == secrets(*seed, "--description", "two")
