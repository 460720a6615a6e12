"""A store whose every question is timed: what a worker waits for Redis, its own busy loop included."""

from __future__ import annotations

import inspect
import time
from collections import defaultdict
from typing import Any

from bench.load.soundless.histogram import Histogram


class Timed:
    """``inner``'s coroutine methods, each with the milliseconds that it took, by name; the rest as it is."""

    def __init__(self, inner: Any, times: defaultdict[str, Histogram]) -> None:
        self._inner, self._times = inner, times

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return found
        times = self._times[name]

        async def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return await found(*args, **kwargs)
            finally:
                times.add((time.perf_counter() - began) * 1000)

        return timed
