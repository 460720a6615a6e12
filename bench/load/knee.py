"""Up to where a load is carried: the last level before the first one that is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """A level is carried while its figures are no more than these. None: that figure is not looked at."""

    response_p95_ms: float | None = None
    gap_p95_ms: float | None = None
    failed_share: float = 0.02


def why_not(limits: Limits, *, calls: int, failed: int, response_p95: float | None, gap_p95: float | None) -> str:
    """What is not within them, in words; empty when the level is carried."""
    found = []
    if not calls:
        return "no call ended"
    if failed > limits.failed_share * calls:
        found.append(f"{failed} of {calls} calls failed")
    for name, value, limit in (
        ("answers", response_p95, limits.response_p95_ms),
        ("handoffs", gap_p95, limits.gap_p95_ms),
    ):
        if limit is not None and value is not None and value > limit:
            found.append(f"{name} take {value:,.0f} ms at p95 (limit {limit:,.0f})")
    return "; ".join(found)


def knee(levels: Sequence[tuple[int, str]]) -> int | None:
    """Of (load, why it is not carried): the highest carried level below the first one that is not; 0 when already the first is not;
    None without a level. Also the highest level, when all are carried: the knee lies above it then, see ``is_reached``."""
    if not levels:
        return None
    carried = 0
    for load, reason in sorted(levels):
        if reason:
            break
        carried = load
    return carried


def is_reached(levels: Sequence[tuple[int, str]]) -> bool:
    """Whether a level was found that is not carried."""
    return any(reason for _, reason in levels)
