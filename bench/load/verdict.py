"""From a soak's samples to what grows: one series for each process and what it holds, and for Redis; each judged by ``trend``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.load.soak import CALLERS, Soaked
from bench.load.trend import GROWS, Bound, Trend, judge

WARM_UP_SHARE = 0.25
"""Of the run: pools fill, caches warm, Python's arenas find their size."""
LEAST_WARM_UP_SECONDS = 300.0
BOUNDS: Mapping[str, Bound] = {
    "rss_mib": Bound(16.0, share=0.1),
    # A worker's pool of connections to Redis and its channels to four peers, each way, open when they are first needed, on a busy machine
    # late: a dozen in the first hour. What leaks with each call shows at the front desk, which has them all: forty an hour.
    "open_files": Bound(15.0),
    "threads": Bound(4.0),
    "children": Bound(3.0),
    "children_rss_mib": Bound(64.0, share=0.15),
    "children_open_files": Bound(40.0),
    "zombies": Bound(2.0),
    "tasks": Bound(6.0),
    "endless keys": Bound(4.0),
    "connections": Bound(15.0),
}
"""An hour. With forty calls in it, a descriptor lost with every second call is seen, a thread, a process, a task or a key with every sixth, and
half a MiB a call."""
UNITS = {"rss_mib": "MiB", "children_rss_mib": "MiB"}
MOST_REDIS_KIB_A_CALL = 64.0
"""A call's record lives on for its time to live, and a ledger's line for days: memory grows with the calls that ended, but not by more."""
_SERVED = ("resolved", "transferred_to_human", "callback_booked")
"""Endings. On a busy machine a stand-in may have served a caller: his call went another way than it should, and is at work all the same."""
_MOST_UNSERVED = 0.5
"""Of the calls: with more of them the soak has not soaked what it was to."""
_LEFT_OVER = 2
"""Processes below one of the table: so many more than before the first call may be warm ones that are just being replaced."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One series: whose, of what, its points (seconds, value), and what was found."""

    process: str
    what: str
    points: tuple[tuple[float, float], ...]
    trend: Trend


def warm_up_seconds(minutes: float) -> float:
    """What is left out of the judgement, at the beginning."""
    return max(LEAST_WARM_UP_SECONDS, WARM_UP_SHARE * minutes * 60)


def judged(soaked: Soaked) -> list[Judged]:
    """All series. The load generator's own are judged too, and no problem of the mesh: see ``problems``."""
    found = []
    for process, what, points in series(soaked.samples):
        at, values = [point[0] for point in points], [point[1] for point in points]
        trend = judge(at, values, BOUNDS[what], warm_up_seconds=warm_up_seconds(soaked.minutes))
        found.append(Judged(process, what, tuple(points), trend))
    return found


def series(samples: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, list[tuple[float, float]]]]:
    """Process, what, points; for each that was there in any sample."""
    names = dict.fromkeys(name for sample in samples for name in sample["processes"])
    kept = [what for what in BOUNDS if what not in ("tasks", "endless keys", "connections")]
    for name in names:
        for what in kept:
            if name == CALLERS and what.startswith("children"):
                continue  # its children are the mesh
            yield (
                name,
                what,
                [(s["seconds"], float(s["processes"][name][what])) for s in samples if name in s["processes"]],
            )
    for name in dict.fromkeys(name for sample in samples for name in sample["tasks"]):
        yield name, "tasks", [(s["seconds"], float(s["tasks"][name])) for s in samples if name in s["tasks"]]
    looks = [(s["seconds"], s["redis"]) for s in samples if s["redis"]]
    if looks:
        yield "redis", "endless keys", [(at, float(sum(look["endless"].values()))) for at, look in looks]
        yield "redis", "connections", [(at, float(look["clients"])) for at, look in looks]


def redis_kib_a_call(soaked: Soaked) -> float | None:
    """What Redis holds more after the last call than before the first, for each that ended; None when none did."""
    before, after = soaked.idle_before.get("redis"), soaked.idle_after.get("redis")
    ended = len(soaked.calls)
    if not before or not after or not ended:
        return None
    return float(after["memory_bytes"] - before["memory_bytes"]) / 1024 / ended


def problems(soaked: Soaked, found: Sequence[Judged]) -> list[str]:
    """What must not be; empty for a mesh that can run on."""
    out = [
        f"{one.process}: {one.what} grows by {one.trend.slope:.1f} an hour (at least {one.trend.low:.1f}; {one.trend.bound:.1f} are allowed)"
        for one in found
        if one.trend.verdict == GROWS and one.process != CALLERS
    ]
    out += soaked.deaths
    out += [f"{name} was started again: its process is another one" for name in _replaced(soaked.samples)]
    out += _left_over(soaked)
    unserved = sum(call.ending not in _SERVED for call in soaked.calls)
    if not soaked.calls and not (
        soaked.samples and soaked.samples[-1]["ended"]
    ):  # of a killed one only the samples know
        out.append("no call ended: nothing was soaked")
    elif unserved > _MOST_UNSERVED * len(soaked.calls):
        out.append(f"{unserved} of {len(soaked.calls)} calls were not served: this says nothing about a mesh at work")
    kib = redis_kib_a_call(soaked)
    if kib is not None and kib > MOST_REDIS_KIB_A_CALL and len(soaked.calls) >= 10:
        out.append(f"Redis keeps {kib:.0f} KiB of each call ({MOST_REDIS_KIB_A_CALL:.0f} are allowed)")
    return out


def _replaced(samples: Sequence[Mapping[str, Any]]) -> list[str]:
    seen: dict[str, set[int]] = {}
    for sample in samples:
        for name, one in sample["processes"].items():
            seen.setdefault(name, set()).add(one["pid"])
    return [name for name, pids in seen.items() if len(pids) > 1]


def _left_over(soaked: Soaked) -> list[str]:
    before, after = soaked.idle_before.get("processes", {}), soaked.idle_after.get("processes", {})
    return [
        f"{name}: {one['children']} processes below it when all calls are over, {before[name]['children']} before the first"
        for name, one in after.items()
        if name in before and name != CALLERS and one["children"] > before[name]["children"] + _LEFT_OVER
    ]
