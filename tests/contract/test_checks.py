"""`make test` runs every test there is, and its last lines count them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tools import check, house


def test_every_test_belongs_to_exactly_one_tier() -> None:
    folders = [Path(folder) for one in check.checks() for folder in one.tests]
    for module in house.modules():
        if module.name.startswith("test_"):
            assert sum(module.is_relative_to(folder) for folder in folders) == 1, module


def test_all_runs_every_check() -> None:
    assert {one.group for one in check.checks()} == set(check.GROUPS["all"])


def test_the_last_lines_give_the_number_of_tests() -> None:
    unit, lint = (next(c for c in check.checks() if c.name == name) for name in ("unit", "ruff"))
    done = [replace(lint, ok=True), replace(unit, ok=True, passed=7, skipped=1), replace(unit, ok=True, passed=2)]
    assert check.table(done).splitlines()[-2:] == ["10 tests in 0 s", "9 passed, 0 failed, 1 skipped"]


def test_a_failed_check_is_named_even_when_no_test_failed() -> None:
    types = next(c for c in check.checks() if c.name == "types")
    assert check.table([types]).splitlines()[-1] == "FAILED: types"
