"""Values that cannot work are refused, and the words say which one to set to what."""

from __future__ import annotations

import json

import pytest

from tests.charts.rendering import ALONE, CHARTS, DEFAULT, render

BUNDLED = "global.redis.bundled=true"
REFUSED = [
    # how values fit together
    ("billing.terminationGracePeriodSeconds=60", "billing: terminationGracePeriodSeconds is 60, and a pod needs 80", "Set terminationGracePeriodSeconds to 80"),
    ("billing.drainSeconds=300,billing.terminationGracePeriodSeconds=310", "a pod needs 320: 5 of preStopSeconds, 300 of drainSeconds, 15 of closingSeconds", ""),
    ("billing.autoscaling.activeSessions=8", "autoscaling.activeSessions is 8 and maxSessions is 8", "Set maxSessions to 9 or more, or autoscaling.activeSessions to 7 or less"),
    ("sales.maxSessions=6", "sales: autoscaling.activeSessions is 6 and maxSessions is 6", "Set maxSessions to 7"),
    ("sales.autoscaling.minReplicas=30", "minReplicas is 30, more than autoscaling.maxReplicas (20)", "Set it to 20"),
    ("sales.autoscaling.kind=keda", "Set autoscaling.keda.prometheusAddress", "http://"),
    ("billing.service=sales", "A service has one name: set billing.service to billing", ""),
    ("global.mtls.certManager.enabled=true", "Set global.mtls.enabled to true", ""),
    ("global.mtls.enabled=true,global.mtls.certManager.enabled=true", "Set global.mtls.certManager.issuerRef", ""),
    ("global.image.tag=latest", "global.image.tag is latest", "Give a version, or a digest"),
    ("billing.image.tag=latest", "billing: image.tag is latest", ""),
    ("gateway.image.tag=latest", "gateway.image.tag is latest", ""),
    ("redis.image=redis:latest", "redis.image is redis:latest", ""),
    ("gateway.ingress.enabled=true", "Set gateway.ingress.host", "calls.example.com"),
    ("priorityClass.create=true", "Set global.priorityClassName", ""),
    (BUNDLED, "global.redis.bundled is true and secrets.create is false", "Set secrets.create to true"),
    ("secrets.create=true,secrets.seed=short", "secrets.seed has 5 characters", "openssl rand -hex 32"),
    ("secrets.create=true,global.livekit.bundled=true,global.livekit.url=ws://x:1", "names another LiveKit", ""),
    # what belongs elsewhere
    ("billing.env.OPENAI_API_KEY=sk", "billing: env.OPENAI_API_KEY cannot be given there", "global.openai.secret"),
    ("billing.env.DATABASE_URL=x", "backOffice.databaseSecret", ""),
    ("global.env.REDIS_URL=redis://x", "global.env.REDIS_URL cannot be given there", "global.redis.secret"),
    ("billing.backOffice.env.VOICEMESH_CAPABILITY_KEY=x", "global.keys.secret", ""),
    ("billing.extraEnv[0].name=VOICEMESH_MAX_SESSIONS", "set maxSessions instead", ""),
    ("gateway.env.VOICEMESH_GATEWAY_SECRET=x", "gateway.secret", ""),
    # what a value looks like
    ("billing.maxSesions=3", "maxSesions", "not allowed"),
    ("gatway.enabled=false", "gatway", "not allowed"),
    ("global.livekit.adress=x", "adress", "not allowed"),
    ("billing.maxSessions=many", "/maxSessions", "integer"),
    ("billing.maxSessions=0", "/maxSessions", "1"),
    ("billing.canary.weight=60", "/canary/weight", "50"),
    ("billing.autoscaling.kind=vpa", "/autoscaling/kind", "keda"),
    ("billing.image.digest=abc", "/image/digest", "sha256"),
    ("billing.env.VOICEMESH_LEASE_SECONDS=2", "/env/VOICEMESH_LEASE_SECONDS", "string"),
    ("global.logLevel=loud", "/global/logLevel", "INFO"),
    ("global.livekit.url=https://x", "/global/livekit/url", "ws"),
    ("global.image.pullPolicy=Sometimes", "/global/image/pullPolicy", "IfNotPresent"),
    ("gateway.replicas=0", "/gateway/replicas", "1"),
    ("test.call=No Such", "/test/call", "match"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "words", "more"), REFUSED, ids=[one[0] for one in REFUSED])
def test_a_value_that_cannot_work_is_refused_with_what_to_do(values: str, words: str, more: str) -> None:
    found = render(*DEFAULT, "--set", values)
    assert not found.ok
    said = found.said + found.said.replace(".", "/")  # Helm 3 writes test.call where Helm 4 writes /test/call
    assert words in said or words.removeprefix("/") in said
    assert more in said


def test_a_service_without_a_name_is_told_how_to_be_installed() -> None:
    found = render("charts/specialist")
    assert not found.ok
    assert "helm upgrade --install billing charts/specialist -f services/billing/values.yaml" in found.said


def test_a_service_alone_is_refused_the_same() -> None:
    found = render(*ALONE, "--set", "terminationGracePeriodSeconds=60")
    assert not found.ok
    assert "billing: terminationGracePeriodSeconds is 60, and a pod needs 80" in found.said


@pytest.mark.parametrize(
    "values",
    [
        "billing.terminationGracePeriodSeconds=80",
        "billing.maxSessions=7",
        "billing.maxSessions=5,billing.autoscaling.kind=none",
        "billing.preStopSeconds=0",
        "billing.canary.enabled=true,billing.canary.weight=50",
        "global.redis.bundled=true,secrets.create=true",
        "global.networkPolicy.enabled=false",
    ],
)
def test_what_lies_just_within_the_bounds_is_rendered(values: str) -> None:
    found = render(*DEFAULT, "--set", values)
    assert found.ok, found.said


def test_what_all_share_is_described_the_same_in_both_schemas() -> None:
    ours, theirs = (json.loads((CHARTS / path / "values.schema.json").read_text()) for path in ("", "specialist"))
    common = set(ours["definitions"]) & set(theirs["definitions"])
    assert "global" in common
    assert {name: ours["definitions"][name] for name in common} == {
        name: theirs["definitions"][name] for name in common
    }


@pytest.mark.parametrize("chart", ["", "specialist"])
def test_every_value_with_a_default_is_in_the_schema(chart: str) -> None:
    """Nested ones too: what the schema does not know is refused, so a render of the defaults proves it; this names those that it knows
    and that have no default, which a reader of values.yaml would never find."""
    import yaml

    values = yaml.safe_load((CHARTS / chart / "values.yaml").read_text())
    schema = json.loads((CHARTS / chart / "values.schema.json").read_text())
    assert unfound(schema, schema, values) == []


def unfound(whole: dict, schema: dict, values: object, path: str = "") -> list[str]:  # type: ignore[type-arg]
    """Paths that the schema names and that have no default."""
    if "$ref" in schema:
        schema = whole["definitions"][schema["$ref"].rpartition("/")[2]]
    found = []
    for name, part in schema.get("properties", {}).items():
        here = f"{path}.{name}".lstrip(".")
        if not isinstance(values, dict) or name not in values:
            found.append(here)
        elif isinstance(values[name], dict):
            found += unfound(whole, part, values[name], here)
    return [
        one for one in found if not one.endswith((".claims", ".udpPorts", ".udpRange")) and ".issuerRef." not in one
    ]
