"""A job whose main process is gone. LiveKit's child processes end by themselves about 0.4 s later, in silence and without a word
to anybody; told at once, a job can give its call up before, so that no guardian has to wait for its lease.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable


def when_orphaned(then: Callable[[], None]) -> None:
    """Calls ``then``, once, in the running event loop, when the process that this one belongs to is gone, however it went. In a
    process that belongs to nobody nothing happens."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    loop, sentinel = asyncio.get_running_loop(), parent.sentinel

    def gone() -> None:
        loop.remove_reader(sentinel)
        then()

    loop.add_reader(sentinel, gone)
