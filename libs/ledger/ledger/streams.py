"""Reads a stream of the mesh into the database, so that nothing is skipped and nothing is written twice.

What was read and how far the reading has come are one transaction: killed before it, the same lines are read again; killed
after it, the next ones are. Several readers may run: one at a time writes, and one that was overtaken writes nothing and looks
again.

A cursor is a moment of Redis's clock. A Redis that took over from another, or came back empty, may have a clock that is behind,
and what is added then lies before the cursor. So the whole stream is looked at once more at times: after an outage, and every
LOOK_AGAIN_SECONDS, for a takeover may go unseen.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

from handoff.errors import StoreUnavailable, WireMismatch
from sqlalchemy.orm import Session

from ledger.database import LedgerDatabase, hold
from ledger.rows import Cursor

PAGE = 200
"""Lines in one transaction."""
LOOK_AGAIN_SECONDS = 600.0
T = TypeVar("T")

Fetch = Callable[[str, int], Awaitable[tuple[Sequence[T], str]]]
"""(cursor, at most so many) -> what follows the cursor and is not in the database yet, and the cursor after it."""
Write = Callable[[Session, Sequence[T]], Sequence[Any]]
"""Writes what is not there yet (another reader may have been faster); returns one item for each that it has written."""


class StreamReader(Generic[T]):
    """One stream, by its name in the table of cursors. ``on_written`` is told what was written, when that is certain."""

    def __init__(
        self,
        name: str,
        database: LedgerDatabase,
        *,
        fetch: Fetch[T],
        write: Write[T],
        on_written: Callable[[Sequence[Any]], None] = lambda written: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._database = name, database
        self._fetch, self._write, self._on_written = fetch, write, on_written
        self._monotonic = monotonic
        self._look_again_at = 0.0
        self._page = PAGE

    async def catch_up(self) -> None:
        """Reads to the end of the stream. Raises StoreUnavailable, SQLAlchemyError, and WireMismatch when the next line cannot
        be read: all before it is written, nothing behind it is, until a release of this program comes that can read it."""
        try:
            while await self.step():
                pass
            if self._monotonic() >= self._look_again_at:
                await self.look_again()
                self._look_again_at = self._monotonic() + LOOK_AGAIN_SECONDS
        except StoreUnavailable:
            self._look_again_at = 0.0
            raise

    async def step(self) -> bool:
        """Reads one page; True when there may be more. Raises as catch_up does."""
        seen = await asyncio.to_thread(self._position)
        try:
            items, position = await self._fetch(seen, self._page)
        except WireMismatch:
            if self._page == 1:
                raise
            self._page = 1  # one by one, to get as near to it as possible
            return True
        if position == seen:
            self._page = PAGE
            return False
        await asyncio.to_thread(self._commit, seen, position, items)
        return True

    async def look_again(self) -> None:
        """Writes whatever of the whole stream is not written yet; the cursor stays. Raises as catch_up does."""
        position, end = "", None
        while position != end:
            end = position
            items, position = await self._fetch(position, PAGE)
            if items:
                await asyncio.to_thread(self._commit, None, "", items)

    def _position(self) -> str:
        with self._database.reading() as session:
            cursor = session.get(Cursor, self._name)
            return cursor.position if cursor else ""

    def _commit(self, seen: str | None, position: str, items: Sequence[T]) -> None:
        with self._database.writing() as session:
            hold(session, "stream", self._name)
            if seen is not None and not self._moved(session, seen, position):
                return
            written = self._write(session, items)
        self._on_written(written)

    def _moved(self, session: Session, seen: str, position: str) -> bool:
        """False when another reader has moved the cursor meanwhile."""
        cursor = session.get(Cursor, self._name)
        if cursor is None:
            cursor = Cursor(stream=self._name, position="")
            session.add(cursor)
        if cursor.position != seen:
            return False
        cursor.position = position
        return True
