"""Every object is one that Kubernetes takes: by its own schemas, unknown fields refused; of others' kinds, what must be there."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest

from tests.charts import rendering
from tests.charts.rendering import Object, Rendered

OLDEST, NEWEST = "1.30", "1.37"
"""The charts' kubeVersion, and the newest whose schemas the package has."""
OF_OTHERS: dict[str, tuple[str, set[str]]] = {
    "Certificate": ("cert-manager.io/v1", {"secretName", "dnsNames", "issuerRef"}),
    "PodMonitor": ("monitoring.coreos.com/v1", {"selector", "podMetricsEndpoints"}),
    "PrometheusRule": ("monitoring.coreos.com/v1", {"groups"}),
    "ScaledObject": ("keda.sh/v1alpha1", {"scaleTargetRef", "triggers"}),
}
EVERYTHING = (
    "--api-versions", "monitoring.coreos.com/v1",
    "--set", "global.mtls.enabled=true,global.mtls.certManager.enabled=true,global.mtls.certManager.issuerRef.name=mesh",
    "--set", "global.monitoring.podMonitors.enabled=true,global.priorityClassName=calls,priorityClass.create=true",
    "--set", "global.redis.caSecret=redis-ca,global.secretsChecksum=abc,global.image.pullSecrets={registry}",
    "--set", "billing.canary.enabled=true,billing.canary.env.VOICEMESH_LEASE_SECONDS=2s,triage.canary.enabled=true",
    "--set", "sales.autoscaling.kind=keda,sales.autoscaling.keda.prometheusAddress=http://prometheus:9090",
    "--set", "gateway.ingress.enabled=true,gateway.ingress.host=calls.example.com,gateway.ingress.tlsSecret=calls",
    "--set", "redis.persistence.enabled=true,postgres.persistence.enabled=true,postgres.persistence.storageClass=fast",
    "--set", "monitoring.rules.configMap.enabled=true,monitoring.rules.prometheusRule.enabled=true,monitoring.dashboards.enabled=true",
    "--set", "speech.replicas=2,global.livekit.hostNetwork=true",
    "--set", "billing.nodeSelector.disk=ssd,billing.tolerations[0].operator=Exists,gateway.nodeSelector.disk=ssd",
    "--set", "billing.extraEnv[0].name=A,billing.extraEnv[0].value=b,billing.podAnnotations.a=b,billing.podLabels.a=b",
)  # fmt: skip
"""All that can be switched on, at once, on top of a trial."""


def complaint(found: Object, version: str) -> str:
    """What is wrong with it; empty when nothing is."""
    kind = found["kind"]
    if kind in OF_OTHERS:
        api, needed = OF_OTHERS[kind]
        missing = needed - set(found["spec"])
        return f"{kind} lacks {missing}" if missing or found["apiVersion"] != api else ""
    try:
        kubernetes_validate.validate(found, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{kind} {found['metadata']['name']}: {'.'.join(map(str, error.path))}: {error.message[:200]}"
    return ""


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_kubernetes_takes_every_object(any_way: Rendered, version: str) -> None:
    assert [said for found in any_way.objects if (said := complaint(found, version))] == []


def test_kubernetes_takes_everything_that_can_be_switched_on() -> None:
    found = rendering.render(*rendering.TRIAL, *EVERYTHING)
    assert found.ok, found.said
    kinds = {one["kind"] for one in found.objects}
    assert kinds >= {*OF_OTHERS, "PriorityClass", "PersistentVolumeClaim", "Ingress", "Role"}
    assert [said for one in found.objects if (said := complaint(one, NEWEST))] == []


def test_a_mistake_would_be_noticed(default: Rendered) -> None:
    wrong: Any = {**default.one("Deployment", "billing")}
    wrong["spec"] = {**wrong["spec"], "replica": 3}
    assert "replica" in complaint(wrong, NEWEST)


def test_others_kinds_are_left_out_where_nobody_asks_for_them(default: Rendered) -> None:
    assert not {one["kind"] for one in default.objects} & set(OF_OTHERS)
    asked = rendering.render("charts", "--set", "global.monitoring.podMonitors.enabled=true")
    assert asked.of("PodMonitor") == {}, "the cluster does not know them"
