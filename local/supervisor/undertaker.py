"""Kills what a dead supervisor leaves behind: a process of its own that waits for the supervisor's end of a pipe to close.

The supervisor writes one line for each process group that it starts (`+123`) or has seen to its end (`-123`), and for each
container (`+docker NAME`). The kernel closes the pipe however the supervisor ends; then what is still on the list is killed.
Run by path, with the standard library alone, so that it starts in milliseconds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys


def main() -> None:
    """Reads the list until the pipe closes, then kills every group and container on it."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    living: dict[str, None] = {}
    for line in sys.stdin:
        sign, name = line[:1], line[1:].strip()
        if sign == "+":
            living[name] = None
        else:
            living.pop(name, None)
    for name in living:
        docker, _, container = name.rpartition(" ")
        if docker:
            subprocess.run(
                [docker, "rm", "-f", container], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
            )
        else:
            _kill_group(int(container))


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # gone already, or no longer ours


if __name__ == "__main__":
    main()
