"""What a worker tells Prometheus. Label values are service names and outcomes only, never anything of a caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from prometheus_client import CollectorRegistry, Counter, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from telemetry.catalog import FROM_CALLS, METRICS
from telemetry.instruments import Instruments
from telemetry.names import trace_hex_of

_OF_THE_MOMENT = (
    "voicemesh_breaker_open",
    "voicemesh_queue_length",
    "voicemesh_store_up",
    "voicemesh_tasks",
    "voicemesh_certificate_expiry_timestamp_seconds",
    "voicemesh_observations_lost_total",
)


class _Sessions(Collector):
    """Asked at scrape time in the main process, so that it is right the moment after a job was killed."""

    def __init__(self, service: str, active: Callable[[], int], capacity: Callable[[], int]) -> None:
        self._service, self._active, self._capacity = service, active, capacity

    def collect(self) -> list[GaugeMetricFamily]:
        out = []
        for name, text, read in (
            ("active_sessions", "Calls that this worker holds now", self._active),
            ("voicemesh_capacity_sessions", "Most calls that this worker takes", self._capacity),
        ):
            family = GaugeMetricFamily(name, text, labels=["service"])
            family.add_metric([self._service], read())
            out.append(family)
        return out


class _LiveCalls(Collector):
    """The whole mesh's, so without a label: every worker shows the same number. Absent until somebody has counted."""

    def __init__(self) -> None:
        self.count: int | None = None

    def collect(self) -> list[GaugeMetricFamily]:
        family = GaugeMetricFamily("voicemesh_live_calls", "Calls of the whole mesh that have no ending yet")
        if self.count is not None:
            family.add_metric([], self.count)
        return [family]


class _Gauges(Collector):
    """Numbers of the moment about this worker, by service and version; those that nobody has set are absent."""

    _HELP: ClassVar[dict[str, str]] = {
        "voicemesh_worker_info": "1; which version this worker is, and whether it is a canary",
        "voicemesh_canary_share_percent": "Handoffs to the service that go to this canary's version now",
        "voicemesh_canary_stopped": "1 when this canary's version is stopped: its handoffs failed, or somebody stopped it",
    }

    def __init__(self) -> None:
        self.values: dict[str, tuple[dict[str, str], float]] = {}

    def collect(self) -> list[GaugeMetricFamily]:
        out = []
        for name, (labels, value) in self.values.items():
            family = GaugeMetricFamily(name, self._HELP[name], labels=list(labels))
            family.add_metric(list(labels.values()), value)
            out.append(family)
        return out


class Metrics:
    """The main process's metrics, on a registry of their own."""

    def __init__(
        self,
        service: str,
        *,
        active: Callable[[], int],
        capacity: Callable[[], int],
        version: str = "",
        is_canary: bool = False,
    ) -> None:
        self.registry = CollectorRegistry()
        self.kept = Instruments(self.registry, (*FROM_CALLS, *(METRICS[name] for name in _OF_THE_MOMENT)))
        """What jobs observed, and this process of itself; a sink of telemetry.measure."""
        self.registry.register(_Sessions(service, active, capacity))
        self._live = _LiveCalls()
        self.registry.register(self._live)
        self._requests = Counter(
            "voicemesh_job_requests_total", "Jobs offered by LiveKit", ["service", "answer"], registry=self.registry
        )
        self._recoveries = Counter(
            "voicemesh_recoveries_total",
            "Calls without a living owner that this worker seized, by what told it and what came of it",
            ["service", "detector", "outcome"],
            registry=self.registry,
        )
        self._gauges = _Gauges()
        self._labels = {"service": service, "version": version}
        self._gauges.values["voicemesh_worker_info"] = {**self._labels, "canary": "yes" if is_canary else "no"}, 1
        self.registry.register(self._gauges)
        self._service = service

    def canary(self, *, share: int, is_stopped: bool) -> None:
        """How this canary stands; ``share`` in per cent."""
        self._gauges.values |= {
            "voicemesh_canary_share_percent": (self._labels, share),
            "voicemesh_canary_stopped": (self._labels, int(is_stopped)),
        }

    def job_answered(self, answer: str) -> None:
        """``answer``: accepted, full, or draining."""
        self._requests.labels(self._service, answer).inc()

    def recovered(self, service: str, *, detector: str, outcome: str, call_id: str = "") -> None:
        """``service``: the successor's. ``detector``: parent (the job's own main process), or lease. ``outcome``: relaunched,
        dispatched, nobody_took_it, caller_gone, given_up, overtaken, livekit_away, or store_away."""
        exemplar = {"trace_id": trace_hex_of(call_id)} if call_id else None
        self._recoveries.labels(service, detector, outcome).inc(exemplar=exemplar)

    def store_answered(self, is_up: bool) -> None:
        """Whether the last heartbeat reached the store."""
        self.kept.take("voicemesh_store_up", int(is_up), {"service": self._service}, "")

    def tasks(self, count: int) -> None:
        """Of this process's event loop."""
        self.kept.take("voicemesh_tasks", count, {"service": self._service}, "")

    def certificate_ends(self, at: float) -> None:
        """``at``: Unix seconds."""
        self.kept.take("voicemesh_certificate_expiry_timestamp_seconds", at, {"service": self._service}, "")

    def observations_lost(self, count: int) -> None:
        """That many had no room on their way here."""
        self.kept.take("voicemesh_observations_lost_total", count, {"service": self._service}, "")

    def way_to(self, service: str, *, breaker: float, waiting: int) -> None:
        """``breaker``: 1 open, 0.5 half-open, 0 closed; ``waiting``: callers in line for the service."""
        self.kept.take("voicemesh_breaker_open", breaker, {"to": service}, "")
        self.kept.take("voicemesh_queue_length", waiting, {"to": service}, "")

    def live_calls(self, count: int) -> None:
        """How many calls have no ending, as the store says."""
        self._live.count = count

    def serve(self, *, host: str, port: int) -> Any:
        """Starts the scrape endpoint in a thread; returns the server (``shutdown()`` stops it). Raises OSError: port in use."""
        server, _ = start_http_server(port, addr=host, registry=self.registry)
        return server
