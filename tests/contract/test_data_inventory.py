"""docs/security/data-inventory.md names every Redis key, every table and every column: one that is added fails here until it is listed."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping

import pytest
from handoff.keys import PLAIN, Keys

from tools.house import ROOT, members

PAGE = (ROOT / "docs" / "security" / "data-inventory.md").read_text()
ROWS = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in PAGE.splitlines() if line[:1] == "|"]
LISTED: Mapping[str, list[str]] = {row[0].strip("`"): row[1:] for row in ROWS if row[0].startswith("`")}
SETTINGS = ("VOICEMESH_CALL_TTL_SECONDS", "VOICEMESH_LEDGER_RETENTION_DAYS", "VOICEMESH_CALLBACK_RETENTION_DAYS")


def keys() -> dict[str, str]:
    """Every kind of key, with the names of what is put into it; by the name of its function."""
    found = {}
    for name, member in vars(Keys).items():
        if name.startswith("_") or name == "prefix":
            continue
        if isinstance(member, property):
            found[name] = getattr(PLAIN, name)
        elif inspect.isfunction(member):
            given = [f"<{each}>" for each in inspect.signature(member).parameters if each != "self"]
            found[name] = getattr(PLAIN, name)(*given)
    return found


def tables() -> dict[str, list[str]]:
    """Every table of every database, as ``package.table``, with its columns."""
    found = {}
    for member in members():
        for rows in member.glob("*/rows.py"):
            package = rows.parent.name
            module = importlib.import_module(f"{package}.rows")
            for base in (getattr(module, name) for name in ("Row", "SharedRow") if name in vars(module)):
                for table in base.metadata.tables.values():
                    found[f"{package}.{table.name}"] = [column.name for column in table.columns]
    return found


@pytest.mark.parametrize("name", keys())
def test_every_kind_of_redis_key_is_listed(name: str) -> None:
    assert keys()[name] in LISTED, f"say what {keys()[name]} holds, how long, and how it goes"


@pytest.mark.parametrize("name", tables())
def test_every_table_is_listed_with_all_its_columns(name: str) -> None:
    assert name in LISTED, f"say what {name} holds, how long, and how it goes"
    assert re.split(r", *", LISTED[name][0]) == tables()[name]


def test_the_tables_of_all_six_databases_are_looked_at() -> None:
    assert {name.partition(".")[0] for name in tables()} == {
        *("ledger", "backoffice", "billing_mcp", "technical_mcp", "sales_mcp", "escalation_mcp")
    }
    assert len(tables()) > 30 and len(keys()) > 20


def test_nothing_is_listed_that_is_not_there() -> None:
    there = {*keys().values(), *tables(), *SETTINGS}
    kinds = re.compile(r"voicemesh:|VOICEMESH_|[a-z_]+\.[a-z_]+$")
    assert {name for name in LISTED if kinds.match(name)} - there == set()


@pytest.mark.parametrize("name", SETTINGS)
def test_the_defaults_that_it_tells_are_those_of_the_ledger(name: str) -> None:
    from ledger.settings import Settings

    default = Settings.from_env({"REDIS_URL": "redis://h"})
    told = {
        "VOICEMESH_CALL_TTL_SECONDS": default.call_ttl_seconds,
        "VOICEMESH_LEDGER_RETENTION_DAYS": default.retention_days,
        "VOICEMESH_CALLBACK_RETENTION_DAYS": default.callback_retention_days,
    }
    assert float(LISTED[name][0]) == told[name]
