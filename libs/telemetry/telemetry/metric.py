"""What is known of a metric before it has a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """As Prometheus has them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``labels``: label -> its values; none listed means names of the mesh (services, tools, versions)."""

    name: str
    kind: Kind
    help: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    normal: str = ""
    """What it shows when all is well."""
    do: str = ""
    """What to do when it does not."""
    buckets: tuple[float, ...] = ()
    is_rare: bool = False
    """Whether an ordinary call leaves it untouched."""

    @property
    def samples(self) -> tuple[str, ...]:
        """The names that Prometheus has of it."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
        return (self.name,)
