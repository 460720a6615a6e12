"""Death and freezing for a task: whatever an agent does to the world goes through here, and stops when the agent does.

A cancelled task still runs its cleanup; a killed process does not. So everything that an agent touches is wrapped: once it is dead, no
call of its goes through, and nothing of its cleanup has an effect. While it is frozen, every call waits, and goes on after the thaw.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any


class Life:
    """Of one agent's process."""

    def __init__(self) -> None:
        self.is_dead = False
        self.died_at = math.inf
        self._moves = asyncio.Event()
        self._moves.set()

    @property
    def is_frozen(self) -> bool:
        """SIGSTOPped."""
        return not self._moves.is_set()

    @property
    def is_well(self) -> bool:
        """Neither dead nor frozen."""
        return not self.is_dead and not self.is_frozen

    def die(self) -> None:
        """SIGKILL."""
        self.is_dead, self.died_at = True, time.monotonic()
        self._moves.set()

    def freeze(self) -> None:
        """SIGSTOP."""
        self._moves.clear()

    def thaw(self) -> None:
        """SIGCONT."""
        self._moves.set()

    async def gate(self) -> None:
        """Returns when the process may go on. Raises CancelledError in a dead one: nobody is told, nothing is tidied up."""
        await self._moves.wait()
        if self.is_dead:
            raise asyncio.CancelledError


class Mortal:
    """Anything with methods, as one agent's process reaches it. ``told`` hears of each call that came through, with its result."""

    def __init__(
        self, inner: Any, life: Life, *, told: Callable[[str, tuple[Any, ...], Any], None] = lambda *_: None
    ) -> None:
        self._inner = inner
        self._life = life
        self._told = told

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if found is self._inner:  # a part of it that is itself
            return self
        if inspect.isasyncgenfunction(found):
            return lambda *args, **kwargs: self._stream(found(*args, **kwargs))
        if inspect.iscoroutinefunction(found):
            return lambda *args, **kwargs: self._call(name, found, args, kwargs)
        return found

    async def _call(self, name: str, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        await self._life.gate()
        # What was sent before the process died arrives all the same.
        sent = asyncio.ensure_future(method(*args, **kwargs))
        sent.add_done_callback(_seen)
        answer = await asyncio.shield(sent)
        self._told(name, args, answer)
        await self._life.gate()
        return answer

    async def _stream(self, inner: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        try:
            async for item in inner:
                await self._life.gate()
                yield item
        finally:
            if isinstance(inner, AsyncGenerator):
                await inner.aclose()


def _seen(sent: asyncio.Future[Any]) -> None:
    """An answer that comes when nobody waits for it any more is no news, whatever it is."""
    if not sent.cancelled():
        sent.exception()
