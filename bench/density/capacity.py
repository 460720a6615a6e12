"""From what some calls cost to how many a pod holds: a straight line through the measured levels, and its crossing with the pod's limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

CPU_SHARE = 0.7
"""How much of its cores a pod is to use in the steady state. Calls do not speak in turns: the rest is for those that speak at once,
for calls that begin (seconds of CPU each), and for the ones that move here from a pod that drains."""
MEMORY_SHARE = 0.85
"""How much of its memory: what exceeds the limit is killed, with all of its calls."""


@dataclass(frozen=True, slots=True)
class Line:
    """``base`` with no call, and ``each`` for every call."""

    base: float
    each: float

    def at(self, calls: float) -> float:
        """What ``calls`` calls cost."""
        return self.base + self.each * calls

    def calls_within(self, limit: float) -> int:
        """Most calls that cost no more than ``limit``; 0 when not even the base does."""
        return max(0, math.floor((limit - self.base) / self.each + 1e-9)) if self.each > 0 else 0


def through(points: Sequence[tuple[float, float]]) -> Line:
    """By least squares, of (calls, cost). Raises ValueError with fewer than two different levels."""
    if len({calls for calls, _ in points}) < 2:
        raise ValueError("a line needs two levels of calls")
    n = len(points)
    x, y = sum(calls for calls, _ in points) / n, sum(cost for _, cost in points) / n
    spread = sum((calls - x) ** 2 for calls, _ in points)
    each = sum((calls - x) * (cost - y) for calls, cost in points) / spread
    return Line(y - each * x, each)


@dataclass(frozen=True, slots=True)
class Pod:
    """What a pod may use."""

    cores: float
    gib: float


@dataclass(frozen=True, slots=True)
class Holds:
    """How many calls a pod holds, by each of its limits."""

    by_cpu: int
    by_memory: int

    @property
    def calls(self) -> int:
        """The smaller one."""
        return min(self.by_cpu, self.by_memory)


def holds(pod: Pod, *, cores: Line, mib: Line) -> Holds:
    """With the shares above of the pod's limits; ``cores`` and ``mib`` are what calls cost."""
    return Holds(cores.calls_within(pod.cores * CPU_SHARE), mib.calls_within(pod.gib * 1024 * MEMORY_SHARE))


def needed(calls: int, *, cores: Line, mib: Line) -> Pod:
    """The pod that ``calls`` calls need."""
    return Pod(cores.at(calls) / CPU_SHARE, mib.at(calls) / 1024 / MEMORY_SHARE)
