"""Log lines that never stand in a call's way: a full disc, a closed pipe or a reader that sleeps costs lines, and nothing else.

The lines of all jobs are written by the worker's main process. A write that blocks there would stop its event loop, and with it every
call's offer, lease watch and drain: so a thread of its own writes, from a queue that is bounded.
"""

from __future__ import annotations

import atexit
import logging
import queue
import threading
import time
from contextlib import suppress

_MAX_WAITING = 10_000
"""Lines that wait for a writer that is stuck; some 2 MB."""
_LAST_SECONDS = 1.0
"""How long an ending process waits for its last lines."""


class SteadyHandler(logging.Handler):
    """Hands records to ``writer`` in a thread. What cannot be written is counted, and told when it can be again."""

    def __init__(self, writer: logging.Handler, *, max_waiting: int = _MAX_WAITING) -> None:
        super().__init__()
        self._writer = writer
        self._writer.handleError = self._failed  # type: ignore[method-assign]
        self._waiting: queue.Queue[logging.LogRecord | None] = queue.Queue(max_waiting)
        self._lost = 0
        self._counting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    @property
    def lost(self) -> int:
        """Lines that could not be written since the last one that could."""
        return self._lost

    def emit(self, record: logging.LogRecord) -> None:
        """Never blocks, never raises."""
        if self._thread is None:
            self._start()
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self._count()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="log_lines", daemon=True)
                self._thread.start()
                atexit.register(self.close)

    def _write(self) -> None:
        while (record := self._waiting.get()) is not None:
            before = self._lost
            self._handle(record)
            if before and self._lost == before:  # this one was written
                self._tell(before)

    def _handle(self, record: logging.LogRecord) -> None:
        try:
            self._writer.handle(record)
        except Exception:  # noqa: BLE001 - a handler may raise anything; there is nobody to tell
            self._count()

    def _tell(self, lost: int) -> None:
        self._lost = 0
        text = "%d log lines were lost: they could not be written"
        self._handle(logging.LogRecord("voicemesh.log", logging.WARNING, __file__, 0, text, (lost,), None))

    def _failed(self, record: logging.LogRecord) -> None:
        self._count()

    def _count(self) -> None:
        with self._counting:
            self._lost += 1

    def close(self) -> None:
        """Writes what waits, for a second at most."""
        super().close()
        if self._thread is None or not self._thread.is_alive():
            return
        until = time.monotonic() + _LAST_SECONDS
        with suppress(queue.Full):
            self._waiting.put(None, timeout=_LAST_SECONDS)
            self._thread.join(max(0.0, until - time.monotonic()))
