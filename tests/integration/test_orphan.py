"""A job process learns of its main process's death at once, though the template process that it was forked from lives on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

MAIN = """
import asyncio, multiprocessing, os, signal, sys
from worker.job.orphan import when_orphaned

def job(told):
    async def wait():
        gone = asyncio.Event()
        when_orphaned(gone.set)
        with open(told, "w") as pipe:
            print("waits", file=pipe, flush=True)
            await gone.wait()
            print("orphaned", file=pipe, flush=True)
    asyncio.run(wait())

if __name__ == "__main__":
    multiprocessing.get_context("forkserver").Process(target=job, args=(sys.argv[1],)).start()
    signal.pause()
"""


def test_a_job_is_told_when_its_main_process_was_killed(tmp_path: Path) -> None:
    """livekit-agents starts its jobs from a forkserver: the process that a job was forked from is not its main process."""
    program, told = tmp_path / "main.py", tmp_path / "told"
    program.write_text(MAIN)
    os.mkfifo(told)
    main = subprocess.Popen([sys.executable, str(program), str(told)])
    with told.open() as pipe:
        assert pipe.readline() == "waits\n"
        main.send_signal(signal.SIGKILL)
        main.wait()
        assert pipe.readline() == "orphaned\n"
