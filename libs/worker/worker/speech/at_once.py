"""An executor without threads, for work that is shorter than the way to a thread and back.

LiveKit asks its voice detector, 31 times a second for each of its two listeners in a call, in a thread of its own. One answer takes
20 µs; waking that thread, handing it the interpreter and waking the loop again takes ten times that.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class AtOnce(Executor):
    """Does in ``submit`` what it is given: nothing that takes longer than a fraction of a millisecond."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """The future is done when this returns; it has the exception, when there was one."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as e:  # noqa: BLE001 - as every executor does: it is raised where the result is wanted
            done.set_exception(e)
        return done
