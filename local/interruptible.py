"""Runs a coroutine that Ctrl-C (or SIGTERM, or a closed terminal) cancels, so that everything it started is stopped."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_interruptible(
    work: Coroutine[None, None, int], *, on_first: Callable[[], None], on_second: Callable[[], None]
) -> int:
    """The coroutine's exit code; 128 + the signal's number when a signal ended it. ``on_first`` may tell that things are
    being stopped, ``on_second`` should make that quick."""

    async def main() -> int:
        received: list[signal.Signals] = []
        task = asyncio.ensure_future(work)

        def receive(number: signal.Signals) -> None:
            received.append(number)
            if len(received) == 1:
                task.cancel()  # first of all: whatever telling of it meets must not keep it from stopping
                on_first()
            else:
                on_second()

        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, receive, number)
        try:
            return await task
        except asyncio.CancelledError:
            if not received:
                raise
            return 128 + received[0]

    return asyncio.run(main())
