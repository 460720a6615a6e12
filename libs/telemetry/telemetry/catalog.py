"""Every metric, span and attribute of the mesh: its name, what it means, its normal range, and what to do when it leaves that.

docs/telemetry.md is made of this; a test compares it with what a real call emits. The metrics stand in metrics_*.py, by who shows them.
"""

from __future__ import annotations

from collections.abc import Mapping

from telemetry.metric import Kind, Metric
from telemetry.metrics_elsewhere import GATEWAY, LEDGER, SCALE_DOWN
from telemetry.metrics_worker import FROM_CALLS, OF_WORKERS
from telemetry.spans import ATTRIBUTES, SPANS

__all__ = [
    "ATTRIBUTES",
    "FROM_CALLS",
    "GATEWAY",
    "LEDGER",
    "METRICS",
    "OF_WORKERS",
    "SCALE_DOWN",
    "SPANS",
    "Kind",
    "Metric",
]

METRICS: Mapping[str, Metric] = {
    metric.name: metric for group in (OF_WORKERS, FROM_CALLS, LEDGER, GATEWAY, SCALE_DOWN) for metric in group
}
"""Name -> metric, of all processes."""
