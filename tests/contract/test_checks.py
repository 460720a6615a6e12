"""`make test` runs every test there is, and its last lines count them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tools import check, house

DATABASES = ("sqlite", "postgresql")


def test_every_test_belongs_to_exactly_one_tier() -> None:
    """The two tiers of databases run a part of the units' folders: those tests that the units leave out."""
    folders = [Path(folder) for one in check.checks() if one.name not in DATABASES for folder in one.tests]
    for module in house.modules():
        if module.name.startswith("test_"):
            assert sum(module.is_relative_to(folder) for folder in folders) == 1, module


def test_what_the_units_leave_out_is_run_on_each_database() -> None:
    chosen = {one.name: one.command for one in check.checks()}
    assert "not database" in chosen["unit"]
    assert "database" in chosen["sqlite"]
    assert "--database=postgresql" in chosen["postgresql"]
    offices = {Path(folder) for folder in ("libs/backoffice", "libs/ledger", "services")}
    assert all({Path(f) for f in one.tests} == offices for one in check.checks() if one.name in DATABASES)


def test_all_runs_every_check() -> None:
    assert {one.group for one in check.checks()} == set(check.GROUPS["all"])


def test_the_last_lines_give_the_number_of_tests() -> None:
    unit, lint = (next(c for c in check.checks() if c.name == name) for name in ("unit", "ruff"))
    done = [replace(lint, ok=True), replace(unit, ok=True, passed=7, skipped=1), replace(unit, ok=True, passed=2)]
    assert check.table(done, 4.0).splitlines()[-2:] == ["10 tests in 4 s", "9 passed, 0 failed, 1 skipped"]


def test_a_failed_check_is_named_even_when_no_test_failed() -> None:
    types = next(c for c in check.checks() if c.name == "types")
    assert check.table([types], 4.0).splitlines()[-1] == "FAILED: types"


def test_what_is_heard_or_served_has_the_machine_to_itself() -> None:
    assert {one.name for one in check.checks() if one.alone} == {"evals", "integration", "e2e"}


def test_checks_that_share_the_machine_come_back_in_their_order_each_with_its_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def says(name: str, *, seconds: float = 0.0, code: int = 0, alone: bool = False) -> check.Check:
        program = f"import sys, time; time.sleep({seconds}); print('{name} speaks'); sys.exit({code})"
        return check.Check(name, (sys.executable, "-c", program), "lint", alone=alone)

    done = check.run_all([says("slow", seconds=0.5), says("wrong", code=1), says("last")])
    assert [(one.name, one.ok) for one in done] == [("slow", True), ("wrong", False), ("last", True)]
    told = capsys.readouterr().out
    assert all(told.count(f"{name} speaks") == 1 for name in ("slow", "wrong", "last"))
