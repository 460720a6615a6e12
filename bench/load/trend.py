"""Does a series grow? By a robust slope, which single outliers and one step do not move, against what it may grow in an hour."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_HOUR = 3600.0
_FEWEST = 20
"""Samples of the judged part; with fewer nothing is said."""
_SHORTEST_SECONDS = 600.0
"""The judged part; a shorter one, made an hour's, would be mostly noise."""
_CONFIDENCE = 1.96
GROWS, STEADY, TOO_SHORT = "grows", "steady", "too short to judge"


@dataclass(frozen=True, slots=True)
class Bound:
    """What may be added in an hour: ``per_hour``, or ``share`` of the series' median where that is more."""

    per_hour: float
    share: float = 0.0

    def of(self, median: float) -> float:
        """In the series' unit."""
        return max(self.per_hour, self.share * abs(median))


@dataclass(frozen=True, slots=True)
class Trend:
    """What was found of one series. Slopes are in its unit, an hour."""

    verdict: str
    n: int = 0
    median: float = math.nan
    slope: float = math.nan
    low: float = math.nan
    """The slope's confidence interval (Sen's, 95 %; neighbouring samples are alike, so it is rather too narrow)."""
    high: float = math.nan
    late_slope: float = math.nan
    """That of the second half."""
    bound: float = math.nan


def judge(seconds: Sequence[float], values: Sequence[float], bound: Bound, *, warm_up_seconds: float) -> Trend:
    """``seconds`` since the run began. It grows when the slope after the warm-up exceeds the bound, surely (the interval does not
    hold 0), and still does by half in the second half: a cache that filled up, or one step, is no leak."""
    kept = [(at, value) for at, value in zip(seconds, values, strict=True) if at >= warm_up_seconds]
    if len(kept) < _FEWEST or kept[-1][0] - kept[0][0] < _SHORTEST_SECONDS:
        return Trend(TOO_SHORT, n=len(kept))
    median = statistics.median(value for _, value in kept)
    slope, low, high = theil_sen(kept)
    late_slope, _, _ = theil_sen(kept[len(kept) // 2 :])
    limit = bound.of(median)
    grows = slope > limit and low > 0 and late_slope > limit / 2
    return Trend(GROWS if grows else STEADY, len(kept), median, slope, low, high, late_slope, limit)


def theil_sen(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """The median of all slopes between two points, an hour, and its 95 % interval. Raises ValueError with fewer than two moments."""
    at = np.array([second for second, _ in points], dtype=np.float64)
    value = np.array([value for _, value in points], dtype=np.float64)
    first, second = np.triu_indices(at.size, k=1)
    apart = at[second] - at[first]
    slopes = np.sort((value[second] - value[first])[apart > 0] / apart[apart > 0]) * _HOUR
    if not slopes.size:
        raise ValueError("a slope needs two moments")
    n = at.size
    spread = _CONFIDENCE * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(0, round((slopes.size - spread) / 2))
    high = min(slopes.size - 1, round((slopes.size + spread) / 2))
    return float(np.median(slopes)), float(slopes[low]), float(slopes[high])
