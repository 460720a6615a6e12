"""The engine, and the schema brought up to date at start; several processes may start at once.

On SQLite a transaction that writes begins with BEGIN IMMEDIATE: it waits for the lock at its beginning, where waiting is
allowed, instead of failing in its middle. Readers stay readers (write-ahead log).
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from backoffice import customers
from backoffice.settings import Settings

_LOCK_WAIT_SECONDS = 10
"""Longest wait for another writer; effects take milliseconds, migrations a second."""
_CONNECT_SECONDS = 5
"""Longest wait for a PostgreSQL that does not answer; an agent waits about as long for a tool."""
_SHARED_VERSIONS, _OWN_VERSIONS = "backoffice_version", "alembic_version"
_MIGRATIONS = Path(__file__).parent / "migrations"


class DatabaseUnusable(Exception):
    """The database cannot be opened or brought up to date. The message names the kind of fault and what to check."""


class Database:
    """One database of one office. Sessions are for one thread; the tools run in threads."""

    def __init__(self, settings: Settings, *, package: str, seed: Callable[[Session], None] | None = None) -> None:
        """``package`` holds migrations/versions; ``seed`` adds the office's examples to an empty database."""
        self._settings, self._package, self._seed = settings, package, seed
        try:
            self._engine = _engine(settings.database_url)
        except (SQLAlchemyError, ImportError) as e:
            raise DatabaseUnusable(_advice(e)) from None

    def prepare(self) -> None:
        """Migrates to the newest schema and seeds the examples. Raises DatabaseUnusable."""
        try:
            with self._migrating_engine().begin() as connection, Session(connection) as session:
                hold(session, "migrations")
                _migrate(connection, _MIGRATIONS / "versions", _SHARED_VERSIONS)
                _migrate(connection, self._own_migrations(), _OWN_VERSIONS)
                if self._settings.seed_examples and _is_empty(connection):
                    self._add_examples(session)
                _check_references(connection)
        except (SQLAlchemyError, ImportError, OSError) as e:
            raise DatabaseUnusable(_advice(e)) from None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that changes nothing."""
        with Session(self._engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits at its end, one writer at a time on SQLite. An exception rolls back."""
        with Session(self._writing_engine()) as session, session.begin():
            yield session

    def ping(self) -> bool:
        """Whether the database answers and has the schema."""
        try:
            with self._engine.connect() as connection:
                connection.execute(text(f"SELECT version_num FROM {_OWN_VERSIONS}")).one()
        except SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        """Closes the pool."""
        self._engine.dispose()

    def _writing_engine(self) -> Engine:
        return self._engine.execution_options(writes=True)

    def _migrating_engine(self) -> Engine:
        return self._engine.execution_options(writes=True, migrates=True)

    def _add_examples(self, session: Session) -> None:
        customers.add_to(session)
        if self._seed is not None:
            self._seed(session)
        session.flush()

    def _own_migrations(self) -> Path:
        package = importlib.import_module(self._package)
        return Path(str(package.__file__)).parent / "migrations" / "versions"


def hold(session: Session, *what: str) -> None:
    """Waits until nobody else holds ``what``, then holds it until the transaction ends.

    For looks and leaps that no row lock covers, in a writing session: on SQLite that session is alone already, on PostgreSQL
    it takes an advisory lock.
    """
    if session.get_bind().dialect.name == "postgresql":
        digest = hashlib.sha256("\0".join(what).encode()).digest()
        key = int.from_bytes(digest[:8], "big", signed=True)
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def _engine(url: str) -> Engine:
    # pysqlite and psycopg both have a time limit, under other names; SQLite's is set with its other ways below.
    is_server = make_url(url).get_backend_name() == "postgresql"
    # Text as text, whatever encoding the database was made with: of an SQL_ASCII one psycopg would make bytes.
    limits: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS, "client_encoding": "utf8"} if is_server else {}
    engine = create_engine(url, pool_pre_ping=True, connect_args=limits)
    if is_server:
        event.listen(engine, "connect", _connected_to_server)
    else:
        event.listen(engine, "connect", _connected)
        event.listen(engine, "begin", _begin)
    return engine


def _connected_to_server(connection: Any, _: object) -> None:
    # Outside a transaction, or the first rollback would undo it.
    connection.autocommit = True
    connection.execute(f"SET lock_timeout = '{_LOCK_WAIT_SECONDS}s'")
    connection.autocommit = False


def _connected(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_LOCK_WAIT_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    # A table that a migration makes anew is dropped for a moment, whoever refers to it; checked at the end instead.
    connection.exec_driver_sql(f"PRAGMA foreign_keys = {'OFF' if options.get('migrates') else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")


def _check_references(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if dangling is not None:
            raise IntegrityError("a migration left a reference to nothing", None, Exception(dangling[0]))


def migrations_config(connection: Connection, versions: Path, version_table: str) -> Config:
    """Alembic's configuration for one folder of versions, on a connection that is inside a transaction."""
    config = Config()
    for name, value in (
        ("script_location", str(_MIGRATIONS)),
        ("version_locations", str(versions)),
        ("path_separator", "newline"),
    ):
        config.set_main_option(name, value.replace("%", "%%"))
    config.attributes.update(connection=connection, version_table=version_table)
    return config


def _migrate(connection: Connection, versions: Path, version_table: str) -> None:
    command.upgrade(migrations_config(connection, versions, version_table), "head")


def _is_empty(connection: Connection) -> bool:
    """Whether no table has a row: examples must never mix with real customers."""
    metadata = MetaData()
    metadata.reflect(connection)
    tables = [t for name, t in metadata.tables.items() if name not in (_SHARED_VERSIONS, _OWN_VERSIONS)]
    return all(connection.execute(select(1).select_from(table).limit(1)).first() is None for table in tables)


def _advice(e: Exception) -> str:
    """Kind of fault only: a driver's own text may hold the password of the address."""
    if isinstance(e, ImportError):
        return f"a module is not installed ({e.name}): install the driver for DATABASE_URL, or use a sqlite:/// address"
    return (
        f"the database of DATABASE_URL cannot be used ({type(e).__name__}): check that its folder exists and can be written,"
        " or that the server is up and the name and password are right"
    )
