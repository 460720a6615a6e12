"""Questions, answers and news between two processes, one JSON a line, over a stream."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

LONGEST_LINE = 8 * 1024 * 1024
_ASK, _ANSWER, _REFUSE, _TELL = "?", "=", "!", "."
Asked = Callable[..., Awaitable[Any]]
Told = Callable[..., None]


class PipeClosed(Exception):
    """The other process is gone."""


class Refused(Exception):
    """The other side's answer was no: ``code`` and words, as an RPC has them."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Pipe:
    """One end. ``asked`` answers the other side's questions, ``told`` hears its news; both by name, with keyword arguments."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        asked: Mapping[str, Asked],
        told: Mapping[str, Told],
    ) -> None:
        self._reader, self._writer = reader, writer
        self._asked, self._told = asked, told
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self.is_closed = False

    async def ask(self, name: str, /, **arguments: Any) -> Any:
        """Raises Refused, PipeClosed."""
        if self.is_closed:
            raise PipeClosed
        number = next(self._numbers)
        self._waiting[number] = waiting = asyncio.get_running_loop().create_future()
        self._send([_ASK, number, name, arguments])
        try:
            return await waiting
        finally:
            self._waiting.pop(number, None)

    def tell(self, name: str, /, **news: Any) -> None:
        """Nothing comes back; nothing happens when the other side is gone."""
        self._send([_TELL, 0, name, news])

    async def run(self) -> None:
        """Until the other side is gone, or this is cancelled."""
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                while line := await self._reader.readline():
                    self._take(*json.loads(line))
        finally:
            self.is_closed = True
            for waiting in list(self._waiting.values()):
                if not waiting.done():
                    waiting.set_exception(PipeClosed())
            for task in self._answering:
                task.cancel()
            self._writer.close()

    def _take(self, kind: str, number: int, name: str, content: Any) -> None:
        if kind == _TELL:
            self._told[name](**content)
        elif kind == _ASK:
            task = asyncio.create_task(self._answer(number, name, content))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        elif (waiting := self._waiting.get(number)) is not None and not waiting.done():
            if kind == _ANSWER:
                waiting.set_result(content)
            else:
                waiting.set_exception(Refused(*content))

    async def _answer(self, number: int, name: str, arguments: Mapping[str, Any]) -> None:
        try:
            self._send([_ANSWER, number, "", await self._asked[name](**arguments)])
        except Refused as error:
            self._send([_REFUSE, number, "", [error.code, error.message]])

    def _send(self, message: list[Any]) -> None:
        if not self.is_closed and not self._writer.is_closing():
            self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
