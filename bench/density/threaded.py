"""`python -m bench.density.threaded`: billing's worker with LiveKit's thread executor, all calls in one process. Only for measuring.

It is not fit to serve. What a mesh needs of a job's process is not there: none can be killed or seen to have died, none has a
process id or an exit code, and one that blocks its loop or breaks the process takes all calls with it.
"""

from __future__ import annotations

from typing import Any

import worker.job.answer  # noqa: F401 - LiveKit's plugins register on the main thread alone
from billing.agent import SERVICE
from livekit.agents import JobExecutorType
from worker.main_process import run
from worker.main_process.livekit_worker import ClosedJob, LiveKitWorker


class _Threads(LiveKitWorker):
    def __init__(self, **options: Any) -> None:
        super().__init__(job_executor_type=JobExecutorType.THREAD, **options)

    @property
    def job_processes(self) -> dict[int, ClosedJob]:
        return {}

    def watch_jobs(self) -> None:
        """A thread has no exit code to tell of."""


if __name__ == "__main__":
    run.LiveKitWorker = _Threads  # type: ignore[misc]
    run.run(SERVICE)
