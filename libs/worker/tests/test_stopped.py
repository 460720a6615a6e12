"""A job that is stopped is told of by its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest
from worker.main_process.livekit_worker import ClosedJob
from worker.main_process.stopped import LOOK_SECONDS, StoppedJobs, process_state
from worker.testing.jumping_time import without_waiting

JOB = ClosedJob("call-1", "billing-1", "", None)


class Job:
    """A job's process, in the state that a test wants."""

    def __init__(self) -> None:
        self.state = "S"
        self.told: list[ClosedJob] = []
        self.watch = StoppedJobs(lambda: {4711: JOB}, self.told.append, state_of=lambda _: self.state)

    def looked_at(self, *states: str) -> int:
        """How often it was told of by then."""
        for self.state in states:
            self.watch.look()
        return len(self.told)


@pytest.mark.parametrize("state", ["T", "t"])
def test_a_job_that_is_found_stopped_twice_is_told_of_once(state: str) -> None:
    job = Job()
    assert job.looked_at("S", state) == 0
    assert job.looked_at(state) == 1
    assert job.looked_at(state, state, state) == 1
    assert job.told == [JOB]


def test_a_job_that_was_stopped_for_a_moment_is_left_alone() -> None:
    assert Job().looked_at("T", "R", "T", "S", "D", "D", "") == 0


def test_a_job_that_is_stopped_again_later_is_told_of_again() -> None:
    assert Job().looked_at("T", "T", "R", "T", "T") == 2


@without_waiting
async def test_it_goes_on_looking() -> None:
    job = Job()
    job.state = "T"
    looking = asyncio.create_task(job.watch.run())
    await asyncio.sleep(LOOK_SECONDS * 3.5)
    looking.cancel()
    assert job.told == [JOB]


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="no /proc")
def test_a_real_process_is_seen_stopped_and_going_on_and_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert process_state(process.pid) not in ("T", "")
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        assert process_state(process.pid) == "T"
        process.send_signal(signal.SIGCONT)
        os.waitpid(process.pid, os.WCONTINUED)
        assert process_state(process.pid) != "T"
        process.kill()
    assert process_state(process.pid) == ""
