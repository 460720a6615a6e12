"""Jobs whose process is there and does nothing more: stopped (SIGSTOP, a debugger). Its parent sees that before the lease tells.

Linux tells a process's state in /proc; elsewhere nobody is ever seen stopped, and the lease must do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from worker.main_process.livekit_worker import ClosedJob

LOOK_SECONDS = 0.1
"""Also how long a job must have been stopped: a debugger or a snapshot may stop it for a moment. Ten looks a second at ten jobs
cost 0.2 % of a core."""
_STOPPED = ("T", "t")


class StoppedJobs:
    """One per main process. ``tell`` is called once for each job that was found stopped twice in a row; in which state a process
    is, ``state_of`` says, by the letters of /proc/<pid>/stat."""

    def __init__(
        self,
        jobs: Callable[[], Mapping[int, ClosedJob]],
        tell: Callable[[ClosedJob], None],
        *,
        state_of: Callable[[int], str] | None = None,
    ) -> None:
        self._jobs = jobs
        self._tell = tell
        self._state_of = state_of or process_state
        self._stopped: dict[int, int] = {}

    async def run(self) -> None:
        """Looks every LOOK_SECONDS; never returns."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """One look."""
        stopped = {pid: job for pid, job in self._jobs().items() if self._state_of(pid) in _STOPPED}
        self._stopped = {pid: self._stopped.get(pid, 0) + 1 for pid in stopped}
        for pid, job in stopped.items():
            if self._stopped[pid] == 2:
                self._tell(job)


def process_state(pid: int) -> str:
    """The letter of a process's state; empty when there is no such process, or no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(") ")[2][:1]  # the name before it may hold anything
