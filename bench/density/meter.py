"""What a tree of processes costs: CPU seconds and memory, apart for a worker's main process, its template, and the jobs of its calls.

Linux only: memory is counted as PSS, in which a page that several processes share counts once, and that is in /proc alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

MAIN, TEMPLATE, JOBS, IDLE = "main process", "template", "jobs", "idle processes"
_IS_JOB_FROM_THREADS = 12
"""LiveKit's media library starts about twenty threads with the first room, whatever the machine; a waiting process has a few."""
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one process, in bytes."""

    pss: int
    """Its share: a page that four processes use counts a quarter."""
    private: int
    """What nobody else uses: what would be free if it ended."""
    rss: int


@dataclass(frozen=True, slots=True)
class One:
    """One process at one moment."""

    role: str
    cpu: float
    """CPU seconds since it began, user's and kernel's."""
    memory: Memory


@dataclass(frozen=True, slots=True)
class Reading:
    """A tree at one moment; by process id."""

    at: float
    processes: Mapping[int, One]

    def memory(self, role: str = "") -> list[Memory]:
        """Of every process of that role, or of all."""
        return [one.memory for one in self.processes.values() if role in ("", one.role)]

    @property
    def cpu(self) -> float:
        """CPU seconds of all that are there, each since it began."""
        return sum(one.cpu for one in self.processes.values())

    @property
    def pss(self) -> int:
        """Of the whole tree, in bytes."""
        return sum(memory.pss for memory in self.memory())


def read(pid: int, *, is_worker: bool = True) -> Reading:
    """The tree under ``pid`` now. A process that ends meanwhile is left out. Raises psutil.NoSuchProcess when ``pid`` itself is gone."""
    root = psutil.Process(pid)
    found = {}
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.Error, OSError):
            role = _role(process, root) if is_worker else MAIN
            times = process.cpu_times()
            found[process.pid] = One(role, times.user + times.system, memory_of(process.pid))
    return Reading(time.monotonic(), found)


def memory_of(pid: int) -> Memory:
    """Raises OSError when there is no such process, or no such file."""
    return parse(Path(f"/proc/{pid}/smaps_rollup").read_text())


def parse(smaps_rollup: str) -> Memory:
    """The text of /proc/PID/smaps_rollup."""
    kib = {}
    for line in smaps_rollup.splitlines()[1:]:
        name, _, value = line.partition(":")
        kib[name] = int(value.split()[0])
    private = kib["Private_Clean"] + kib["Private_Dirty"]
    return Memory(kib["Pss"] * _KIB, private * _KIB, kib["Rss"] * _KIB)


def cpu_between(before: Reading, after: Reading) -> dict[str, float]:
    """By role: cores that were busy with it, of the processes that were there the whole time."""
    seconds = after.at - before.at
    used = dict.fromkeys((MAIN, TEMPLATE, JOBS, IDLE), 0.0)
    for pid, one in after.processes.items():
        if (earlier := before.processes.get(pid)) is not None:
            used[one.role] += (one.cpu - earlier.cpu) / seconds
    return used


def mean(values: Iterable[int]) -> float:
    """0 of nothing."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else 0.0


def _role(process: psutil.Process, root: psutil.Process) -> str:
    """The template is the worker's child that serves forks; a job's process is the template's child."""
    if process.pid == root.pid:
        return MAIN
    if process.ppid() == root.pid:
        return TEMPLATE  # and multiprocessing's resource tracker, which costs nothing
    return JOBS if process.num_threads() >= _IS_JOB_FROM_THREADS else IDLE
