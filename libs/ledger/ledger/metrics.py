"""What the ledger tells Prometheus. Labels are endings, reasons, states and services only, never anything of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from handoff.call import Ending
from prometheus_client import CollectorRegistry, Counter, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ledger.retention import KINDS


class _Gauges(Collector):
    """Asked when Prometheus asks. ``callbacks`` and ``overdue`` go to the database: when that is away, their gauges are missing."""

    def __init__(
        self,
        *,
        lags: Callable[[], Mapping[str, float]],
        without_ending: Callable[[], Mapping[str, int]],
        callbacks: Callable[[], Mapping[str, int]],
        overdue: Callable[[], Mapping[str, int]],
    ) -> None:
        self._families = (
            ("voicemesh_ledger_lag_seconds", "Since the ledger last did this", "duty", lags),
            (
                "voicemesh_calls_without_ending",
                "Calls that should have ended and did not: somebody may be listening to silence",
                "reason",
                without_ending,
            ),
            ("voicemesh_callbacks", "Callbacks that were promised, by state", "state", callbacks),
            (
                "voicemesh_callbacks_overdue",
                "Callbacks that were due long ago and that nobody has made: a caller waits for our call",
                "service",
                overdue,
            ),
        )

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Without asking: at registration the database may have no schema yet."""
        return [GaugeMetricFamily(name, text, labels=[label]) for name, text, label, _ in self._families]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The families as they are now."""
        for name, text, label, read in self._families:
            family = GaugeMetricFamily(name, text, labels=[label])
            for value, number in read().items():
                family.add_metric([value], number)
            yield family


class Metrics:
    """On a registry of their own."""

    def __init__(
        self,
        *,
        lags: Callable[[], Mapping[str, float]],
        without_ending: Callable[[], Mapping[str, int]],
        callbacks: Callable[[], Mapping[str, int]],
        overdue: Callable[[], Mapping[str, int]],
    ) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Gauges(lags=lags, without_ending=without_ending, callbacks=callbacks, overdue=overdue))
        self._endings = Counter(
            "voicemesh_endings_total", "Calls whose ending was written", ["ending"], registry=self.registry
        )
        for ending in Ending:
            self._endings.labels(ending.value)
        self._deleted = Counter(
            "voicemesh_ledger_deleted_total", "Rows deleted, for their time was over", ["kind"], registry=self.registry
        )
        for kind in KINDS:
            self._deleted.labels(kind)

    def written(self, endings: Iterable[str]) -> None:
        """Those lines are in the database."""
        for ending in endings:
            self._endings.labels(ending).inc()

    def deleted(self, kind: str, number: int) -> None:
        """So many rows of that kind are gone."""
        self._deleted.labels(kind).inc(number)

    def serve(self, *, host: str, port: int) -> Any:
        """Starts the scrape endpoint in a thread; ``shutdown()`` of what it returns stops it. Raises OSError."""
        server, _ = start_http_server(port, addr=host, registry=self.registry)
        return server
