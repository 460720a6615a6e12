"""The catalog's metrics on a Prometheus registry: what a main process keeps."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from telemetry.catalog import METRICS, Kind, Metric
from telemetry.names import trace_hex_of

log = logging.getLogger("voicemesh.metrics")

_MAX_NAMES = 64
"""Different values of a label that the catalog does not list one by one (services, tools); the next ones are "other"."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)


class Instruments:
    """A sink (measure.py). One per main process; safe to call from threads, as prometheus_client is."""

    def __init__(self, registry: CollectorRegistry, metrics: Iterable[Metric]) -> None:
        """``metrics``: those of the catalog that are kept here."""
        self._made: dict[str, Counter | Gauge | Histogram] = {}
        self._seen: dict[tuple[str, str], set[str]] = {}
        for metric in metrics:
            self._made[metric.name] = _made(metric, registry)

    def take(self, name: str, value: float, labels: Mapping[str, str], call_id: str) -> None:
        """As Sink says. What the catalog does not have is left out and said once in the log: a metric is not worth a call."""
        made = self._made.get(name)
        metric = METRICS.get(name)
        if made is None or metric is None or set(labels) != set(metric.labels) or not math.isfinite(value):
            log.warning("an observation of %s does not fit the catalog", name if metric else "something unknown")
            return
        child = made.labels(*(self._value(metric, label, str(labels[label])) for label in metric.labels))
        exemplar = {"trace_id": trace_hex_of(call_id)} if call_id else None
        if isinstance(child, Histogram):
            child.observe(value, exemplar)
        elif isinstance(child, Counter):
            child.inc(max(0.0, value), exemplar)
        else:
            child.set(value)

    def _value(self, metric: Metric, label: str, value: str) -> str:
        if allowed := metric.labels[label]:
            return value if value in allowed else "other"
        seen = self._seen.setdefault((metric.name, label), set())
        if value in seen:
            return value
        if len(seen) >= _MAX_NAMES or not _NAME.fullmatch(value):
            return "other"
        seen.add(value)
        return value


def _made(metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    labels = list(metric.labels)
    match metric.kind:
        case Kind.COUNTER:
            return Counter(metric.name, metric.help, labels, registry=registry)
        case Kind.GAUGE:
            return Gauge(metric.name, metric.help, labels, registry=registry)
        case Kind.HISTOGRAM:
            return Histogram(metric.name, metric.help, labels, registry=registry, buckets=metric.buckets)
