"""Becomes the program it is given, after asking the kernel to kill it when its parent dies.

    python launcher.py PARENT_PID PROGRAM [ARGUMENT ...]

The request survives exec, so no process is added. Run by path, with the standard library alone. Where the kernel has no such
request (it is Linux's), undertaker.py alone sees to it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Never returns: becomes the program, or exits 127 when it cannot."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)  # it died before we asked
    try:
        os.execvp(program[0], program)
    except OSError as error:
        print(f"cannot run {program[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)


if __name__ == "__main__":
    main()
