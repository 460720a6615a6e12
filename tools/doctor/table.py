"""All checks, in the order in which a person mends them: what others stand on comes first."""

from __future__ import annotations

from tools.doctor.checks import (
    calls,
    certificates,
    clock,
    databases,
    kubernetes,
    kubernetes_scaling,
    livekit,
    phone,
    prometheus,
    redis,
    room,
    services,
    settings,
    speech,
)
from tools.doctor.examination import Check

CHECKS = (
    Check("settings", settings.settings),
    Check("secrets", settings.secrets),
    Check("livekit.reachable", livekit.reachable),
    Check("livekit.credentials", livekit.credentials),
    Check("livekit.version", livekit.version),
    Check("clock", clock.clock, 12.0),
    Check("redis.reachable", redis.reachable),
    Check("redis.version", redis.version),
    Check("redis.persistence", redis.persistence),
    Check("redis.eviction", redis.eviction),
    Check("redis.memory", redis.memory),
    Check("redis.access", redis.access),
    Check("databases.ledger", databases.ledger, 12.0),
    Check("databases.offices", databases.offices, 12.0),
    Check("services.workers", services.workers),
    Check("services.grpc", services.grpc),
    Check("services.offices", services.offices),
    Check("services.gateway", services.gateway),
    Check("services.ledger", services.ledger),
    Check("capacity", room.capacity),
    Check("drain", room.drain),
    Check("certificates.services", certificates.services),
    Check("certificates.endpoints", certificates.endpoints),
    Check("speech", speech.speech),
    Check("model", speech.model),
    Check("phone", phone.dispatch, 12.0),
    Check("prometheus.reachable", prometheus.reachable),
    Check("prometheus.alerts", prometheus.alerts),
    Check("prometheus.targets", prometheus.targets, 10.0),
    Check("calls.endings", calls.endings),
    Check("calls.callbacks", calls.callbacks),
    Check("call", calls.call, calls.CALL_SECONDS),
)
"""Of a mesh whose processes can be reached from here."""
ON_KUBERNETES = (
    Check("k8s.reachable", kubernetes.reachable, 22.0),
    Check("k8s.deployments", kubernetes.deployments, 22.0),
    Check("k8s.secrets", kubernetes.secrets, 22.0),
    Check("k8s.drain", kubernetes.drain, 22.0),
    Check("k8s.capacity", kubernetes.capacity, 22.0),
    Check("k8s.autoscalers", kubernetes_scaling.autoscalers, 22.0),
    Check("k8s.budgets", kubernetes_scaling.budgets, 22.0),
    Check("k8s.tls", kubernetes.tls, 22.0),
    Check("k8s.inside", kubernetes.inside, 25.0),
    *(check for check in CHECKS if check.name.startswith("prometheus.")),
)
"""Of a release in a namespace."""
