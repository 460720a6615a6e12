"""What this process tells Prometheus. Labels are reasons only: a pod's name would be a new series for each pod that ever was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from scale_down.api import Reason


class Metrics:
    """On a registry of their own. ``lag`` gives the seconds since the last good round."""

    def __init__(self, *, lag: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        self._pods = Gauge("voicemesh_scale_down_pods", "Worker pods that run", registry=self.registry)
        self._silent = Gauge(
            "voicemesh_scale_down_pods_unanswered",
            "Worker pods that did not say how many calls they hold: their cost stays as it was",
            registry=self.registry,
        )
        self._patches = Counter("voicemesh_scale_down_patches_total", "Costs that were written", registry=self.registry)
        self._failures = Counter(
            "voicemesh_scale_down_failures_total",
            "What the API server did not do for us, by reason",
            ["reason"],
            registry=self.registry,
        )
        for reason in get_args(Reason):
            self._failures.labels(reason)
        Gauge("voicemesh_scale_down_lag_seconds", "Since the last good round", registry=self.registry).set_function(lag)

    def seen(self, *, pods: int, unanswered: int) -> None:
        """Of the round that has just ended."""
        self._pods.set(pods)
        self._silent.set(unanswered)

    def written(self) -> None:
        """A cost is on its pod."""
        self._patches.inc()

    def failed(self, reason: Reason) -> None:
        """A request to the API server came to nothing."""
        self._failures.labels(reason).inc()

    def serve(self, *, host: str, port: int) -> Any:
        """Starts the scrape endpoint in a thread; ``shutdown()`` of what it returns stops it. Raises OSError."""
        server, _ = start_http_server(port, addr=host, registry=self.registry)
        return server
