"""What the mesh's processes hold at one moment: memory, open files, threads, children. Those that come and go with calls, together."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass

import psutil

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Held:
    """By one process of the table, and by the tree under it. Memory in MiB of RSS."""

    pid: int
    rss_mib: float
    open_files: int
    """Descriptors: files, sockets, pipes."""
    threads: int
    cpu_seconds: float
    children: int
    """All below it: a worker's template, its waiting processes, its calls' jobs."""
    children_rss_mib: float
    """Together, shared pages counted for each; what is judged is how it moves."""
    children_open_files: int
    zombies: int
    """Ended, and collected by nobody."""


def held(pid: int) -> Held | None:
    """None when the process is gone."""
    try:
        root = psutil.Process(pid)
        with root.oneshot():
            times = root.cpu_times()
            own = (root.memory_info().rss / _MIB, root.num_fds(), root.num_threads(), times.user + times.system)
        children = root.children(recursive=True)
    except psutil.Error:
        return None
    count, rss, files, zombies = 0, 0.0, 0, 0
    for child in children:
        with suppress(psutil.Error):
            if child.status() == psutil.STATUS_ZOMBIE:
                zombies += 1
                continue
            mib, open_files = child.memory_info().rss / _MIB, child.num_fds()
            count, rss, files = count + 1, rss + mib, files + open_files
    mib, open_files, threads, cpu = own
    return Held(pid, round(mib, 2), open_files, threads, round(cpu, 2), count, round(rss, 1), files, zombies)


def all_held(pids: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """By name, as data; those that are gone are left out."""
    return {name: asdict(found) for name, pid in pids.items() if (found := held(pid)) is not None}
