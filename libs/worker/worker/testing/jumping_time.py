"""Time for tests: told, not waited for. What takes a minute in a call takes no time here, and happens in the same order each run."""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

_LONGEST_TEST_SECONDS = 3600.0
_TURNS_FOR_EVERYTHING = 50


class _JumpingSelector(selectors.DefaultSelector):
    """Where the loop would sleep, the clock jumps instead."""

    def __init__(self) -> None:
        super().__init__()
        self.slept = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError(
                "everything waits and nothing can happen any more (or a thread works: not on this loop)"
            )
        self.slept += max(timeout, 0.0)
        if self.slept > _LONGEST_TEST_SECONDS:
            raise AssertionError("an hour of this test's time has passed: something waits for ever")
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop for code without real I/O: a wait of any length takes no time, and its order is always the same."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds that were slept so far."""
        return self._jumping.slept


def without_waiting(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs an async test on a JumpingLoop: its deadlines are real, its waits are not."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


async def everything_ran() -> None:
    """Gives way until whatever could run now has run; no time passes."""
    for _ in range(_TURNS_FOR_EVERYTHING):
        await asyncio.sleep(0)
