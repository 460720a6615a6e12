"""Runs the house's checks and prints one table of them: `python -m tools.check all | lint | unit | contract | ...`

Every check runs, whatever failed before it; the last lines give the number of tests.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from pathlib import Path

from tools.house import ROOT, packages

_TEMP = ROOT / ".run" / "tmp" / f"check-{os.getpid()}"
_NO_TESTS = 5
"""pytest's exit code when it found none: an empty tier must not pass for a green one."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table. A check with ``tests`` counts them."""

    name: str
    command: tuple[str, ...]
    group: str
    tests: tuple[str, ...] = ()
    seconds: float = 0.0
    ok: bool = False
    passed: int = 0
    failed: int = 0
    skipped: int = 0


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *arguments)


def _tier(name: str, *folders: str, timeout_seconds: int = 120) -> Check:
    report = str(_TEMP / f"{name}.xml")
    options = ("-q", f"--timeout={timeout_seconds}", f"--junitxml={report}", f"--basetemp={_TEMP}/pytest")
    return Check(name, _python("pytest", *options, *folders), name, tests=folders)


def checks() -> list[Check]:
    """All of them, cheap ones first."""
    typed = [str(package.relative_to(ROOT)) for package in packages()]
    return [
        Check("ruff", _python("ruff", "check", "."), "lint"),
        Check("format", _python("ruff", "format", "--check", "--quiet", "."), "lint"),
        Check("sizes", _python("tools.line_cap"), "lint"),
        Check("imports", (str(Path(sys.executable).with_name("lint-imports")),), "lint"),
        Check("types", _python("mypy", *typed), "lint"),
        Check("buf lint", _python("tools.buf"), "lint"),
        _tier("unit", "libs", "services", "local/tests", "bench/tests", timeout_seconds=30),
        _tier("contract", "tests/contract", timeout_seconds=60),
        # Built before the tests that need it, so that its progress is seen and no test waits for it.
        Check("livekit", _python("local", "fetch"), "livekit"),
        _tier("integration", "tests/integration"),
        _tier("e2e", "tests/e2e", timeout_seconds=300),
    ]


GROUPS = {
    "all": ("lint", "unit", "contract", "livekit", "integration", "e2e"),
    "lint": ("lint",),
    "unit": ("unit",),
    "contract": ("contract",),
    "integration": ("livekit", "integration"),
    "e2e": ("livekit", "e2e"),
}


def run(check: Check) -> Check:
    """Runs it, its output going where ours goes; returns it with what came of it."""
    print(f"\n== {check.name}", flush=True)
    began = time.monotonic()
    # Whatever a killed process leaves is left where it is swept.
    code = subprocess.run(("env", f"TMPDIR={_TEMP}", *check.command), cwd=ROOT, check=False).returncode
    done = replace(check, seconds=time.monotonic() - began, ok=code == 0)
    if check.tests:
        done = _counted(done)
        if code == _NO_TESTS:
            print(f"{check.name}: no test was found in {', '.join(check.tests)}")
    return done


def _counted(check: Check) -> Check:
    report = _TEMP / f"{check.name}.xml"
    if not report.exists():
        return check
    suites = ET.parse(report).getroot().iter("testsuite")
    total = failed = skipped = 0
    for suite in suites:
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    return replace(check, passed=max(0, total - failed - skipped), failed=failed, skipped=skipped)


def table(done: list[Check]) -> str:
    """The checks, then the sum of the tests on a line of its own."""
    lines = [""]
    for check in done:
        tests = f"{check.passed} passed, {check.failed} failed, {check.skipped} skipped" if check.tests else ""
        lines.append(f"{'ok    ' if check.ok else 'FAILED'}  {check.name:<12} {check.seconds:6.1f} s  {tests}".rstrip())
    passed, failed, skipped = (sum(getattr(c, name) for c in done) for name in ("passed", "failed", "skipped"))
    broken = [check.name for check in done if not check.ok]
    lines.append("")
    lines.append(f"FAILED: {', '.join(broken)}" if broken else "all checks are green")
    if any(check.tests for check in done):
        lines.append(f"{passed + failed + skipped} tests in {sum(c.seconds for c in done):.0f} s")
        lines.append(f"{passed} passed, {failed} failed, {skipped} skipped")
    return "\n".join(lines)


def main() -> int:
    """0 when every check of the group passed."""
    parser = argparse.ArgumentParser(prog="python -m tools.check", description=__doc__)
    parser.add_argument("group", choices=GROUPS, help="which checks to run")
    wanted = GROUPS[parser.parse_args().group]
    _TEMP.mkdir(parents=True, exist_ok=True)
    try:
        done = [run(check) for check in checks() if check.group in wanted]
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(_TEMP, ignore_errors=True)
    print(table(done))
    return 0 if all(check.ok for check in done) else 1


if __name__ == "__main__":
    sys.exit(main())
