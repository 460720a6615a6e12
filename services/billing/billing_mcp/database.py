"""The engine, and the schema brought up to date at start; several processes may start at once.

On SQLite a transaction that writes begins with BEGIN IMMEDIATE: it waits for the lock at its beginning, where waiting is
allowed, instead of failing in its middle. Readers stay readers (write-ahead log).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from billing_mcp import seed
from billing_mcp.settings import Settings

_LOCK_WAIT_SECONDS = 10
"""Longest wait for another writer; refunds take milliseconds, migrations a second."""
_MIGRATION_LOCK = 727_001
"""Key of PostgreSQL's advisory lock; any number that nobody else uses."""


class DatabaseUnusable(Exception):
    """The database cannot be opened or brought up to date. The message names the kind of fault and what to check."""


class Database:
    """One database. Sessions are for one thread; the tools run in threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        try:
            self._engine = _engine(settings.database_url)
        except (SQLAlchemyError, ImportError) as e:
            raise DatabaseUnusable(_advice(e)) from None

    def prepare(self) -> None:
        """Migrates to the newest schema and seeds the examples. Raises DatabaseUnusable."""
        try:
            with self._writing_engine().begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                _migrate(connection)
                if self._settings.seed_examples:
                    with Session(connection) as session:
                        seed.examples(session)
                        session.flush()
        except (SQLAlchemyError, ImportError, OSError) as e:
            raise DatabaseUnusable(_advice(e)) from None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that changes nothing."""
        with Session(self._engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits at its end, one writer at a time on SQLite."""
        with Session(self._writing_engine()) as session, session.begin():
            yield session

    def ping(self) -> bool:
        """Whether the database answers and has the schema."""
        try:
            with self._engine.connect() as connection:
                connection.execute(text("SELECT version_num FROM alembic_version")).one()
        except SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        """Closes the pool."""
        self._engine.dispose()

    def _writing_engine(self) -> Engine:
        return self._engine.execution_options(writes=True)


def _engine(url: str) -> Engine:
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _connected)
        event.listen(engine, "begin", _begin)
    return engine


def _connected(connection: object, _: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # the driver must not begin transactions by itself
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute(f"PRAGMA busy_timeout = {_LOCK_WAIT_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _advice(e: Exception) -> str:
    """Kind of fault only: a driver's own text may hold the password of the address."""
    if isinstance(e, ImportError):
        return (
            f"the driver for DATABASE_URL is not installed (module {e.name}): install it, or use sqlite:///billing.db"
        )
    return (
        f"the database of DATABASE_URL cannot be used ({type(e).__name__}): check that its folder exists and can be written,"
        " or that the server is up and the name and password are right"
    )
