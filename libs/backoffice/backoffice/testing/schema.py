"""Whether the migrations make the tables that the rows describe."""

from __future__ import annotations

from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine

from backoffice.database import Database, migrations_config


def schema_differences(database_url: str, *metadata: MetaData) -> list[Any]:
    """What Alembic would change in the migrated database to make it as the rows say; empty when they agree."""
    ours = {table.name for data in metadata for table in data.tables.values()}
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "include_object": lambda _, name, kind, *__: kind != "table" or name in ours,
                },
            )
            # Alembic takes several, which its annotations do not say.
            return list(compare_metadata(context, list(metadata)))  # type: ignore[arg-type]
    finally:
        engine.dispose()


def take_back(database: Database, revision: str) -> None:
    """Takes the office's own schema back to an older version, rows and all; ``database.prepare()`` brings it up again."""
    with database._migrating_engine().begin() as connection:
        command.downgrade(migrations_config(connection, database._own_migrations(), "alembic_version"), revision)
