"""What the mesh's processes cost over a while, by name, and what the callers cost, who are no part of it. Linux only."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from bench.density import meter

_MIB = 1024 * 1024
_NEXT_TO_NONE_CORES = 0.3


@dataclass(frozen=True, slots=True)
class Cost:
    """Cores and MiB of PSS by process name, with all that is below it; ``callers`` and ``machine`` are cores, too."""

    seconds: float
    cores: Mapping[str, float]
    mib: Mapping[str, float]
    caller_cores: float
    machine_cores: float
    """Busy with anything."""

    @property
    def system_cores(self) -> float:
        """The mesh's."""
        return sum(self.cores.values())

    @property
    def system_mib(self) -> float:
        """The mesh's."""
        return sum(self.mib.values())

    @property
    def other_cores(self) -> float:
        """Work that has nothing to do with these calls."""
        return max(0.0, self.machine_cores - self.system_cores - self.caller_cores)


class Costing:
    """``begin`` it, ``look`` while the load is there (memory is read then), and ``end`` it."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._first = _cpu(self._pids)
        self._began, self._busy, self._mine = time.monotonic(), _busy(), _own()
        self._mib: dict[str, float] = {}

    def look(self) -> None:
        """Memory is the most of all looks: a level's calls are all there at one of them."""
        for name, pid in self._pids.items():
            with suppress(psutil.Error, OSError):
                self._mib[name] = max(self._mib.get(name, 0.0), meter.read(pid, is_worker=False).pss / _MIB)

    def end(self) -> Cost:
        """From the beginning until now."""
        seconds, last = time.monotonic() - self._began, _cpu(self._pids)
        cores = {name: max(0.0, last[name] - before) / seconds for name, before in self._first.items() if name in last}
        return Cost(
            round(seconds, 1), cores, dict(self._mib), (_own() - self._mine) / seconds, (_busy() - self._busy) / seconds
        )


def _cpu(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds of each tree so far, with those of its children that have ended: a call's job does not live to be read."""
    found = {}
    for name, pid in pids.items():
        with suppress(psutil.Error):
            root = psutil.Process(pid)
            total = 0.0
            for process in (root, *root.children(recursive=True)):
                with suppress(psutil.Error):
                    t = process.cpu_times()
                    total += t.user + t.system + t.children_user + t.children_system
            found[name] = total
    return found


def _own() -> float:
    t = psutil.Process(os.getpid()).cpu_times()
    return float(t.user + t.system)


def _busy() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0))


def beside(costs: Sequence[Cost]) -> list[str]:
    """What is to be said when the machine had other work; nothing when it had next to none."""
    most = max((cost.other_cores for cost in costs), default=0.0)
    if most <= _NEXT_TO_NONE_CORES:
        return []
    return [
        f"The machine had other work, up to {most:.1f} of its {os.cpu_count()} cores: by itself it would carry more, and answer sooner. What a"
        " call costs, and what must not be, hold all the same."
    ]
