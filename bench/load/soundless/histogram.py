"""Many durations in little space, which can be sent and added up: counts by size, each size some per cent larger than the one before."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

_GROWTH = 1.05
_LEAST = 0.01


class Histogram:
    """Of milliseconds (or whatever else is not negative). A percentile is right to 2.5 %."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._least, self._most = math.inf, 0.0

    def add(self, value: float) -> None:
        """One more."""
        self._counts[round(math.log(max(value, _LEAST), _GROWTH))] += 1
        self._least, self._most = min(self._least, value), max(self._most, value)

    def merge(self, told: dict[str, Any]) -> None:
        """Adds what another one's ``as_data`` said."""
        self._counts.update({int(size): count for size, count in told["counts"].items()})
        if told["counts"]:
            self._least, self._most = min(self._least, told["least"]), max(self._most, told["most"])

    def as_data(self) -> dict[str, Any]:
        """For ``merge``."""
        return {
            "counts": {str(size): count for size, count in self._counts.items()},
            "least": self._least if self._counts else 0.0,
            "most": self._most,
        }

    def spread(self) -> dict[str, float]:
        """n, min, median, p95, p99, max; empty without values."""
        total = self._counts.total()
        if not total:
            return {}

        def rank(part: float) -> float:
            left = math.ceil(part * total)
            for size in sorted(self._counts):
                left -= self._counts[size]
                if left <= 0:
                    return round(min(max(_GROWTH**size, self._least), self._most), 2)
            return self._most

        return {
            "n": total,
            "min": round(self._least, 2),
            "median": rank(0.5),
            "p95": rank(0.95),
            "p99": rank(0.99),
            "max": round(self._most, 2),
        }


def of(values: Iterable[float]) -> Histogram:
    """One of these."""
    made = Histogram()
    for value in values:
        made.add(value)
    return made
