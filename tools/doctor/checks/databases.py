"""The databases: the ledger's, and those of the back offices whose addresses are known here. Nothing is migrated by looking."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path

import backoffice.database
from alembic.script import ScriptDirectory
from backoffice.database import migrations_config
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from local.supervisor.mesh import BACK_OFFICES, LEDGER
from tools.doctor.examination import Answer
from tools.doctor.results import Skipped, Trouble
from tools.doctor.target import Target

_CONNECT_SECONDS = 4


async def ledger(target: Target) -> Answer:
    """Without its database the ledger keeps nothing: after a week Redis forgets endings and promised callbacks."""
    return await _look_at(target, LEDGER)


async def offices(target: Target) -> Answer:
    """A back office whose tables are not there answers no tool: its agent can only offer a callback."""
    known = [name for name in BACK_OFFICES.values() if target.variables.get(name, {}).get("DATABASE_URL")]
    if not known:
        raise Skipped("no back office's DATABASE_URL is known here; their own /health/ready tells (services.offices)")
    answers = await asyncio.gather(*(_look_at(target, name) for name in known))
    troubles = [trouble for answer in answers if not isinstance(answer, str) for trouble in answer[1]]
    return f"{len(known)} reachable and migrated", troubles


async def _look_at(target: Target, process: str) -> Answer:
    url = target.of(process).get("DATABASE_URL", "")
    if not url:
        raise Skipped(f"DATABASE_URL of {process} is not known here: inside, `python -m {process}` would say")
    where = f"DATABASE_URL of {process}, in {target.home}"
    try:
        behind = await asyncio.to_thread(_behind, url, process)
    except _Away as away:
        return "", [
            Trouble(f"its database cannot be used ({away})", where, f"start it, or mend DATABASE_URL; then {target.restart(process)}")
        ]  # fmt: skip
    if behind:
        return "", [
            Trouble(behind, where, f"{target.restart(process)}: it migrates when it starts, and its log says why it did not")
        ]  # fmt: skip
    return "reachable and migrated"


class _Away(Exception):
    """In a word or two; never the driver's own text, which may hold the password."""


def _behind(url: str, process: str) -> str:
    """What the schema lacks; empty when it is of this release, or of a newer one."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _Away("its address cannot be read") from None
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:" and not Path(parsed.database).is_file():
            return f"there is no file {Path(parsed.database).name} yet: it was never migrated"
        limits: dict[str, object] = {"timeout": _CONNECT_SECONDS}
    else:
        limits = {"connect_timeout": _CONNECT_SECONDS}
        parsed = parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed
    engine = None
    try:
        engine = create_engine(parsed, connect_args=limits)
        with engine.connect() as connection:
            return next(filter(None, (_lacks(connection, *each) for each in _versions_of(process))), "")
    except (SQLAlchemyError, ImportError, OSError) as error:
        raise _Away(type(error).__name__) from None
    finally:
        if engine is not None:
            engine.dispose()


def _versions_of(process: str) -> list[tuple[Path, str]]:
    """Folders of migrations, and the tables that say how far each has come."""
    own = Path(str(importlib.import_module(process).__file__)).parent / "migrations" / "versions"
    shared = Path(backoffice.database.__file__).parent / "migrations" / "versions"
    return (
        [(own, "alembic_version")] if process == LEDGER else [(shared, "backoffice_version"), (own, "alembic_version")]
    )


def _lacks(connection: Connection, versions: Path, table: str) -> str:
    script = ScriptDirectory.from_config(migrations_config(connection, versions, table))
    if not inspect(connection).has_table(table):
        return f"it was never migrated: it has no table {table}"
    found = set(connection.execute(text(f"SELECT version_num FROM {table}")).scalars())
    known = {revision.revision for revision in script.walk_revisions()}
    if not found:
        return f"it was never migrated: its table {table} is empty"
    # Of a newer release: releases only add.
    if found - known or script.get_current_head() in found:
        return ""
    return f"it is at {', '.join(sorted(found))}, and this release needs {script.get_current_head()}"
