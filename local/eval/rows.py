"""The rows of a SQLite database, before and after: what was added, changed and removed."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from local.eval.evidence import Row, TableDiff

BOOKKEEPING = frozenset(
    {"alembic_version", "backoffice_version", "effects", "idempotency", "verification_failures", "sqlite_sequence"}
)
"""Tables that note what was done or tried; what was done stands in the tables of its own."""

Snapshot = Mapping[str, Mapping[tuple[Any, ...], Row]]
"""By table and primary key."""


def snapshot(path: Path) -> Snapshot:
    """All rows of all tables but the bookkeeping."""
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        names = [str(row[0]) for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: _rows(database, name) for name in names if name not in BOOKKEEPING}


def _rows(database: sqlite3.Connection, table: str) -> dict[tuple[Any, ...], Row]:
    columns = database.execute(f'PRAGMA table_info("{table}")').fetchall()
    keys = [column["name"] for column in columns if column["pk"]] or [column["name"] for column in columns]
    rows = (dict(row) for row in database.execute(f'SELECT * FROM "{table}"'))
    return {tuple(row[key] for key in keys): row for row in rows}


def differences(before: Snapshot, after: Snapshot) -> dict[str, TableDiff]:
    """Tables in which something changed."""
    found = {table: _difference(before.get(table, {}), rows) for table, rows in after.items()}
    found |= {table: _difference(rows, {}) for table, rows in before.items() if table not in after}
    return {table: difference for table, difference in found.items() if difference}


def _difference(before: Mapping[tuple[Any, ...], Row], after: Mapping[tuple[Any, ...], Row]) -> TableDiff:
    return TableDiff(
        added=tuple(row for key, row in after.items() if key not in before),
        changed=tuple(row for key, row in after.items() if key in before and before[key] != row),
        removed=tuple(row for key, row in before.items() if key not in after),
    )
