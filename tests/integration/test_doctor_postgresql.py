"""`make doctor` on a real PostgreSQL: a database without tables, one of this release, one of an older one, and a server that lets nobody in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from backoffice.database import Database
from backoffice.settings import Settings as OfficeSettings
from backoffice.testing.postgresql import Server
from ledger.database import LedgerDatabase
from ledger.migrations import versions
from ledger.settings import Settings as LedgerSettings
from sqlalchemy import text

from tests.integration.doctor_mistakes import patient
from tools.doctor.examination import examine
from tools.doctor.results import Result, Verdict
from tools.doctor.table import CHECKS
from tools.doctor.target import Kind, Target


@pytest.fixture
def url(postgresql_server: Server) -> Iterator[str]:
    """Of an empty database."""
    name = postgresql_server.create()
    yield postgresql_server.url(name)
    postgresql_server.drop(name)


async def looked(process: str, url: str, check: str) -> Result:
    target = Target(kind=Kind.OWN, home=".env", variables={process: {"DATABASE_URL": url}})
    (result,) = await examine(target, patient(CHECKS, check))
    return result


async def test_the_ledgers_tables_are_missed_found_and_known_to_be_old(url: str) -> None:
    missed = await looked("ledger", url, "databases.ledger")
    assert [each.what for each in missed.troubles] == ["it was never migrated: it has no table alembic_version"]
    database = LedgerDatabase(LedgerSettings(database_url=url))
    database.prepare()
    assert (await looked("ledger", url, "databases.ledger")).verdict is Verdict.OK
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    old = await looked("ledger", url, "databases.ledger")
    database.close()
    newest = max(path.name[1:5] for path in Path(versions.__file__).parent.glob("v*.py"))
    (trouble,) = old.troubles
    assert trouble.what == f"it is at 0001, and this release needs {newest}"
    assert "start ledger again" in trouble.mend


async def test_a_back_office_has_two_sets_of_tables(url: str) -> None:
    missed = await looked("billing_mcp", url, "databases.offices")
    assert [each.what for each in missed.troubles] == ["it was never migrated: it has no table backoffice_version"]
    database = Database(OfficeSettings(database_url=url, seed_examples=False), package="billing_mcp")
    database.prepare()
    database.close()
    assert (await looked("billing_mcp", url, "databases.offices")).verdict is Verdict.OK


async def test_who_is_not_let_in_is_told_without_his_password(url: str) -> None:
    scheme, _, rest = url.partition("://")
    wrong = f"{scheme}://nobody-known:canary-password@{rest.rpartition('@')[2]}-not-there"
    refused = await looked("ledger", wrong, "databases.ledger")
    (trouble,) = refused.troubles
    assert trouble.what == "its database cannot be used (OperationalError)"
    assert trouble.where == "DATABASE_URL of ledger, in .env"
    assert "canary" not in str(refused)
