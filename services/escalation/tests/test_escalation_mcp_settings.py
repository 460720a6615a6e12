"""Settings and schema of the back office: defaults, every problem at once, migrations that match the tables."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from backoffice.database import Database
from backoffice.settings import SettingsError
from escalation_mcp.rows import Row
from escalation_mcp.seed import examples
from escalation_mcp.settings import EscalationSettings
from sqlalchemy import create_engine


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = EscalationSettings.from_env({})
    assert settings.database_url == "sqlite:///escalation.db"
    assert (settings.credit_limit_cents, settings.max_discount_percent) == (50_00, 20)


def test_the_limits_can_be_set() -> None:
    environ = {
        "ESCALATION_CREDIT_LIMIT": "75.50",
        "ESCALATION_MAX_DISCOUNT_PERCENT": "10",
        "ESCALATION_TIME_ZONE": "UTC",
    }
    settings = EscalationSettings.from_env(environ)
    assert (settings.credit_limit_cents, settings.max_discount_percent, settings.time_zone) == (75_50, 10, "UTC")


def test_all_problems_are_reported_together_and_no_value_is_quoted() -> None:
    bad = {
        "ESCALATION_CREDIT_LIMIT": "plenty",
        "ESCALATION_MAX_DISCOUNT_PERCENT": "120",
        "ESCALATION_TIME_ZONE": "Atlantis/Deep",
    }
    with pytest.raises(SettingsError) as refused:
        EscalationSettings.from_env(bad)
    assert len(refused.value.problems) == 3
    assert not any(value in str(refused.value) for value in bad.values())


def test_the_migrations_make_the_tables_and_a_second_start_changes_nothing(database_url: str) -> None:
    settings = EscalationSettings(database_url=database_url)
    for _ in range(2):
        database = Database(settings, package="escalation_mcp", seed=examples)
        database.prepare()
        assert database.ping()
        database.close()
    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": _is_ours})
        assert compare_metadata(context, Row.metadata) == []
    engine.dispose()


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    return kind != "table" or name in Row.metadata.tables
