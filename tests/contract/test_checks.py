"""`make test FULL=1` runs every test there is, `make test` all but most of the spoken calls; the last lines count them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tools import check, house

DATABASES = ("sqlite", "postgresql")
RULES = """
import importlib.util

spec = importlib.util.spec_from_file_location("rules", {conftest!r})
rules = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rules)
rules.TIDY_SECONDS = 1.0
pytest_configure, pytest_runtest_protocol = rules.pytest_configure, rules.pytest_runtest_protocol
"""
DEAF = """
def test_it_hears_nothing():
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
"""


def test_every_test_belongs_to_exactly_one_tier() -> None:
    """The two tiers of databases run a part of the units' folders: those tests that the units leave out."""
    folders = [Path(folder) for one in check.checks() if one.name not in DATABASES for folder in one.tests]
    folders.append(Path("tests/cluster"))  # `make test-cluster`: not every machine has one
    for module in house.modules():
        if module.name.startswith("test_"):
            assert sum(module.is_relative_to(folder) for folder in folders) == 1, module


def test_what_the_units_leave_out_is_run_on_each_database() -> None:
    chosen = {one.name: one.command for one in check.checks()}
    assert all(
        "not database" in chosen[name]
        for name in ("worker-1", "worker-2", "handoff", "backoffice", "services", "local")
    )
    assert "database" in chosen["sqlite"]
    assert "--database=postgresql" in chosen["postgresql"]
    offices = {Path(folder) for folder in ("libs/backoffice", "libs/ledger", "services")}
    assert all({Path(f) for f in one.tests} == offices for one in check.checks() if one.name in DATABASES)


def test_all_runs_every_check() -> None:
    assert {one.group for one in check.checks()} == set(check.GROUPS["all"])


def test_only_a_full_run_places_every_spoken_call() -> None:
    def e2e(*, full: bool) -> check.Check:
        return next(one for one in check.checks(full=full) if one.name == "e2e")

    assert "short" in e2e(full=False).command
    assert "short" not in e2e(full=True).command
    others = [[replace(one, command=()) for one in check.checks(full=full)] for full in (True, False)]
    assert others[0] == others[1]


def test_the_last_lines_give_the_number_of_tests() -> None:
    unit, lint = (next(c for c in check.checks() if c.name == name) for name in ("handoff", "ruff"))
    done = [replace(lint, ok=True), replace(unit, ok=True, passed=7, skipped=1), replace(unit, ok=True, passed=2)]
    assert check.table(done, 4.0).splitlines()[-2:] == ["10 tests in 4 s", "9 passed, 0 failed, 1 skipped"]


def test_a_failed_check_is_named_even_when_no_test_failed() -> None:
    types = next(c for c in check.checks() if c.name == "types")
    assert check.table([types], 4.0).splitlines()[-1] == "FAILED: types"


def test_what_is_heard_or_served_has_the_machine_to_itself() -> None:
    assert {one.name for one in check.checks() if one.alone} == {"evals", "skill", "integration", "e2e"}


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


def test_a_check_that_hangs_is_ended_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    program = "import time; print('begins', flush=True); time.sleep(3600)"
    hangs = check.Check("hangs", (sys.executable, "-c", program), "lint", bound_seconds=1.0)
    assert not check.run(hangs).ok
    told = capsys.readouterr().out
    assert "begins" in told
    assert "hangs: it had not ended after 1 s and was stopped" in told


def test_a_test_that_cannot_be_timed_out_ends_its_run(tmp_path: Path) -> None:
    """What pytest-timeout raises is lost in a callback of the event loop, and the test waits on."""
    (tmp_path / "conftest.py").write_text(RULES.format(conftest=str(house.ROOT / "conftest.py")))
    (tmp_path / "test_deaf.py").write_text(DEAF)
    options = ["-p", "no:cacheprovider", "-p", "no:xdist", "-c", "/dev/null", "--timeout=1"]
    folders = ("--rootdir", str(tmp_path), "--confcutdir", str(tmp_path), str(tmp_path))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *folders],
        capture_output=True,
        text=True,
        timeout=50,
        cwd=tmp_path,
    )
    assert run.returncode == 1
    assert "test_it_hears_nothing" in run.stderr, "where it stood"
