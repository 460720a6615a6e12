"""`python -m ledger run`: what is made in which order, and how it stops.

Boot: settings -> database (brought up to date) -> metrics -> health -> the duties. Redis may be away: they wait for it.
Stop: SIGTERM -> each duty finishes what it is doing -> health, metrics and database close, the last spans go. Nothing has to be
saved: killed at any moment, the next one goes on where the database says.
Exit codes: 0 stopped, 2 settings, database or port unusable.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from aiohttp import web
from handoff.ledger import LedgerLine
from handoff.redis_store import RedisStore
from handoff.store import Store
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from telemetry import tracing
from telemetry.log_lines import JsonLines

from ledger import health, tickets
from ledger.database import DatabaseUnusable, LedgerDatabase
from ledger.duties import Duty
from ledger.lines import Lines
from ledger.metrics import Metrics
from ledger.settings import Settings, SettingsError
from ledger.streams import StreamReader
from ledger.tickets import Tickets
from ledger.traces import write_roots
from ledger.watch import REASONS, Watch

log = logging.getLogger("ledger.run")

_FINISH_SECONDS = 5.0
"""What a page takes many times over."""


class Ledger:
    """The duties over one store and one database; ``metrics`` and ``reason`` tell how they go."""

    def __init__(self, settings: Settings, *, store: Store, database: LedgerDatabase) -> None:
        self._settings, self._database = settings, database
        self._watch = Watch(store, database, settings=settings)
        self.metrics = Metrics(
            lags=self._lags,
            without_ending=self._without_ending,
            callbacks=lambda: self._counted(tickets.counts),
            overdue=lambda: self._counted(self._overdue),
        )
        lines, promised = Lines(store, database), Tickets(store, database, settings=settings)
        self.endings = StreamReader("ledger", database, fetch=lines.fetch, write=lines.write, on_written=self._written)
        callbacks = StreamReader("callbacks", database, fetch=promised.fetch, write=promised.write)
        made = StreamReader("callbacks made", database, fetch=promised.fetch_done, write=promised.write_done)
        poll, look = settings.poll_seconds, settings.watch_seconds
        self.duties = (
            Duty("endings", self.endings.catch_up, every_seconds=poll),
            Duty("callbacks", callbacks.catch_up, every_seconds=poll),
            Duty("made", made.catch_up, every_seconds=poll),
            Duty("due", promised.keep_queue, every_seconds=look),
            Duty("watch", self._watch.step, every_seconds=look),
        )

    def reason(self) -> str:
        """Why the ledger does not do its work now; empty when it does. Asks the database."""
        if not self._database.ping():
            return "database_unreachable"
        return next((duty.problem for duty in self.duties if duty.problem), "")

    def _written(self, lines: Sequence[LedgerLine]) -> None:
        self.metrics.written(line.ending.value for line in lines)
        write_roots(lines)

    def _lags(self) -> dict[str, float]:
        return {duty.name: duty.lag_seconds for duty in self.duties}

    def _without_ending(self) -> dict[str, int]:
        return {reason: self._watch.count(reason) for reason in REASONS}

    def _overdue(self, session: Session) -> dict[str, int]:
        bound = self._settings.callback_bound_seconds
        return tickets.overdue_by_service(session, now=time.time(), bound_seconds=bound)

    def _counted(self, count: Callable[[Session], dict[str, int]]) -> dict[str, int]:
        try:
            with self._database.reading() as session:
                return count(session)
        except SQLAlchemyError:
            return {}


def run() -> int:
    """Runs until SIGTERM or Ctrl-C; returns the exit code."""
    try:
        settings = Settings.from_env()
        _log_at(settings.log_level)
        database = LedgerDatabase(settings)
        database.prepare()
    except (SettingsError, DatabaseUnusable) as e:
        print(f"ledger: {e}", file=sys.stderr)
        return 2
    tracing.start("ledger", endpoint=settings.otlp_endpoint)
    try:
        return asyncio.run(_serve(settings, database))
    finally:
        # Here, for asyncio.run waits for the threads that are in the middle of a transaction.
        database.close()
        tracing.stop()


async def _serve(settings: Settings, database: LedgerDatabase) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as closing:
        store = RedisStore.connect(settings.redis_url)
        closing.push_async_callback(store.aclose)
        ledger = Ledger(settings, store=store, database=database)
        try:
            await _listen(settings, ledger, closing)
        except OSError as e:
            print(
                f"ledger: cannot listen on VOICEMESH_METRICS_PORT {settings.metrics_port} or VOICEMESH_HEALTH_PORT"
                f" {settings.health_port} of {settings.bind_host} ({e.strerror or type(e).__name__}): give free ones",
                file=sys.stderr,
            )
            return 2
        running = {asyncio.create_task(duty.run(stop)) for duty in ledger.duties}
        log.info("the ledger is open")
        await stop.wait()
        await _finished(running)
    return 0


async def _finished(running: set[asyncio.Task[None]]) -> None:
    """What takes longer than _FINISH_SECONDS is cancelled: it will be done again by the next one."""
    _, late = await asyncio.wait(running, timeout=_FINISH_SECONDS)
    while late:
        for task in late:
            task.cancel()
        # Once may not be enough: Python 3.11's wait_for, in Redis's client, loses one that comes when its wait is just over.
        _, late = await asyncio.wait(late, timeout=1.0)


async def _listen(settings: Settings, ledger: Ledger, closing: AsyncExitStack) -> None:
    server = ledger.metrics.serve(host=settings.bind_host, port=settings.metrics_port)
    closing.callback(server.shutdown)
    runner = web.AppRunner(health.application(ledger.reason), access_log=None)
    await runner.setup()
    closing.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, settings.bind_host, settings.health_port).start()


def _log_at(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("alembic").setLevel(logging.WARNING)
