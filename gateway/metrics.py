"""What the gateway tells of itself: how callers who asked to be let in fared, and the span of each who was.

Metrics have a port of their own: the pages' is open to everybody.
"""

from __future__ import annotations

import time
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from telemetry import measure, tracing
from telemetry.catalog import GATEWAY
from telemetry.instruments import Instruments


def serve(*, host: str, port: int) -> Any:
    """Keeps what this process observes from now on, and shows it at /metrics, in a thread; ``shutdown()`` of what it returns stops
    that. Raises OSError."""
    registry = CollectorRegistry()
    server, _ = start_http_server(port, addr=host, registry=registry)
    measure.into(Instruments(registry, GATEWAY))
    return server


class Asking:
    """One caller who asks to be let in, from the moment that he does."""

    def __init__(self) -> None:
        self._since = time.time()

    def refused(self, status: int) -> None:
        """Answered so."""
        outcome = "limited" if status == 429 else "failed" if status >= 500 else "refused"
        measure.count("voicemesh_gateway_tokens_total", {"outcome": outcome})

    def let_in(self, call_id: str, service: str) -> None:
        """With a token for that call, which this service answers."""
        measure.count("voicemesh_gateway_tokens_total", {"outcome": "given"}, call_id=call_id)
        what = {"voicemesh.service": service, "voicemesh.outcome": "given"}
        under = tracing.of_call(call_id)
        tracing.end(tracing.begin("gateway.token", what, call_id=call_id, parent=under, started_at=self._since))
