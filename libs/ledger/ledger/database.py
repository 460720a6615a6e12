"""The ledger's database: that of the back offices, with the ledger's tables alone in it."""

from __future__ import annotations

import logging
from pathlib import Path

from alembic import command
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from backoffice.database import Database, DatabaseUnusable, hold, migrations_config
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ledger.settings import Settings

log = logging.getLogger("ledger.database")

__all__ = ["DatabaseUnusable", "LedgerDatabase", "hold", "is_there"]


class LedgerDatabase(Database):
    """``reading()``, ``writing()``, ``ping()``, ``close()`` as in every office. Raises DatabaseUnusable when made for a kind of
    database whose driver is missing."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, package="ledger")

    def prepare(self) -> None:
        """Migrates to the newest schema; several may do so at once. One of a newer release is left as it is: releases only add to it, with
        defaults for those before them. Raises DatabaseUnusable."""
        try:
            with self._migrating_engine().begin() as connection, Session(connection) as session:
                hold(session, "migrations")
                command.upgrade(migrations_config(connection, self._own_migrations(), "alembic_version"), "head")
        except CommandError as e:
            if not isinstance(e.__cause__, ResolutionError):
                raise
            log.warning("the database has the schema of a newer release")
        except (SQLAlchemyError, OSError) as e:
            # Kind of fault only: a driver's own text may hold the password of the address.
            raise DatabaseUnusable(
                f"the database of DATABASE_URL cannot be used ({type(e).__name__}): check that its folder exists and can be"
                " written, or that the server is up and the name and password are right"
            ) from None


def is_there(settings: Settings) -> bool:
    """Whether a SQLite file exists; to open one that does not would make it. A server is there until it is asked."""
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return True
    return Path(url.database).is_file()
