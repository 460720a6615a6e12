"""Runs the house's checks and prints one table of them: `python -m tools.check all [--full] | lint | unit | contract | ...`

Every check runs, whatever failed before it; the last lines give the number of tests. Checks that only compute share the machine two at a
time, and print when they are done; those that talk to real servers, and all that are heard, have it to themselves, one after the other.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from tools.house import ROOT, packages

_TEMP = ROOT / ".run" / "tmp" / f"check-{os.getpid()}"
_TIDY_SECONDS = 60.0
"""What a check that is ended has to stop its own processes."""
_FEW_CALLS = "\nOf the spoken calls a few were placed, and none by browser or by telephone; FULL=1 places all of them."
_NO_TESTS = 5
"""pytest's exit code when it found none: an empty tier must not pass for a green one."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table. A check with ``tests`` counts them."""

    name: str
    command: tuple[str, ...]
    group: str
    tests: tuple[str, ...] = ()
    alone: bool = False
    """Whether it is disturbed by a neighbour."""
    bound_seconds: float = 1200.0
    """Some times what it takes on a slow machine. A check that has not ended by then hangs, and is ended."""
    seconds: float = 0.0
    ok: bool = False
    passed: int = 0
    failed: int = 0
    skipped: int = 0


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", *arguments)


def _program(name: str, *arguments: str) -> tuple[str, ...]:
    """One that the lock installs beside the interpreter."""
    return (str(Path(sys.executable).with_name(name)), *arguments)


def _tier(
    name: str,
    *places: str,
    more: tuple[str, ...] = (),
    timeout_seconds: int = 120,
    alone: bool = False,
    bound_seconds: float = 1200.0,
) -> Check:
    report = str(_TEMP / f"{name}.xml")
    kept = (f"--basetemp={_TEMP}/{name}", "-o", f"cache_dir=.run/pytest/{name}")
    options = ("-q", f"--timeout={timeout_seconds}", f"--junitxml={report}", *kept, *more)
    command = _python("pytest", *options, *places)
    return Check(name, command, name, tests=places, alone=alone, bound_seconds=bound_seconds)


def _units(name: str, *places: str, group: str = "") -> Check:
    """What lies beside its code, without network and clock."""
    tier = _tier(name, *places, more=("-m", "not database"), timeout_seconds=60)
    return replace(tier, group=group or name)


def checks(*, full: bool = True) -> list[Check]:
    """All of them: cheap ones first, then long ones that leave room for short ones beside them. ``full``: with every spoken call that
    there is, rather than the few that every run places."""
    typed = [str(package.relative_to(ROOT)) for package in packages()]
    databases = ("libs/backoffice", "libs/ledger", "services")
    calls = ("--durations=12",) if full else ("-m", "short")
    waits = ("--durations=12",) if full else ("-m", "not long")
    # More than all other units together: as one process it would run on alone when the others are done.
    worker = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "libs/worker").rglob("test_*.py"))
    return [
        _units("worker-1", *worker[::2], group="unit"),
        _units("worker-2", *worker[1::2], group="unit"),
        _units("handoff", "libs/handoff", group="unit"),
        _units(
            "backoffice",
            "libs/backoffice",
            "libs/ledger",
            "libs/scale_down",
            "libs/telemetry",
            "libs/yaml_lines",
            group="unit",
        ),
        _units("services", "services", "gateway/tests"),
        _units("local", "local/tests", "bench/tests"),
        Check("ruff", _python("ruff", "check", "."), "lint"),
        Check("format", _python("ruff", "format", "--check", "--quiet", "."), "lint"),
        Check("sizes", _python("tools.line_cap"), "lint"),
        Check("imports", _program("lint-imports"), "lint"),
        Check("buf lint", _program("buf", "lint"), "lint"),
        _tier("postgresql", *databases, more=("--database=postgresql",)),
        Check("types", _python("mypy", *typed), "lint"),
        # Built before the tests that need it, so that no test waits for it.
        Check("livekit", _python("local", "fetch"), "livekit"),
        _tier("sqlite", *databases, more=("-m", "database")),
        Check("model", _python("tools.model"), "model"),
        Check("mutants", _python("tools.model", "--mutants"), "model"),
        _tier("contract", "tests/contract", timeout_seconds=60),
        # Fetched before the tests that need it, so that no test waits for it.
        Check("helm", (str(ROOT / "tools" / "helm"),), "helm"),
        _tier("charts", "tests/charts"),
        # Likewise.
        Check("promtool", (str(ROOT / "tools" / "promtool"),), "rules"),
        _tier("rules", "tests/rules", timeout_seconds=600),
        # Snippets of skills, run: by Helm, and by LiveKit's server.
        _tier("skill", "tests/skill", timeout_seconds=300, alone=True),
        Check("evals", _python("local", "eval", "--run-dir", str(_TEMP / "eval")), "eval", alone=True),
        # These mostly wait for one another's processes: two files at a time.
        _tier("integration", "tests/integration", more=("-n", "2", "--dist", "loadfile", *waits), alone=True),
        _tier("e2e", "tests/e2e", timeout_seconds=300, alone=True, more=calls, bound_seconds=3600.0),
    ]


GROUPS = {
    "all": (
        "lint",
        "unit",
        "services",
        "local",
        "contract",
        "helm",
        "charts",
        "rules",
        "sqlite",
        "postgresql",
        "model",
        "livekit",
        "skill",
        "integration",
        "eval",
        "e2e",
    ),
    "lint": ("lint",),
    "unit": ("unit",),
    "services": ("services",),
    "local": ("local",),
    "contract": ("contract",),
    "charts": ("helm", "charts"),
    "rules": ("rules",),
    "offices": ("sqlite", "postgresql"),
    "skill": ("helm", "livekit", "skill"),
    "integration": ("livekit", "integration"),
    "e2e": ("livekit", "e2e"),
}


class Stopped:
    """Ctrl-C, SIGTERM or a closed terminal: each running check is told once and cleans up after itself; the next time it is killed.

    Checks lead sessions of their own, so that a terminal's Ctrl-C does not reach them a second time beside us.
    """

    def __init__(self) -> None:
        self.number = 0
        """Of the signal that came first; 0 while none has."""
        self._running: set[subprocess.Popen[bytes]] = set()

    def listen(self) -> None:
        """From now on."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._receive)

    def run(self, command: Sequence[str], *, is_seen: bool, bound_seconds: float) -> tuple[int, str]:
        """Its return code and, when it is not seen at work, what it printed. One that runs on is told after ``bound_seconds``."""
        pipe = None if is_seen else subprocess.PIPE
        with subprocess.Popen(
            command, cwd=ROOT, stdout=pipe, stderr=pipe and subprocess.STDOUT, start_new_session=True
        ) as child:
            self._running.add(child)
            try:
                if self.number:  # it came while this one started
                    child.send_signal(signal.SIGINT)
                try:
                    printed, _ = child.communicate(timeout=bound_seconds)
                except subprocess.TimeoutExpired:
                    printed = _ended(child)
            finally:
                self._running.discard(child)
        return child.returncode, (printed or b"").decode(errors="replace")

    def _receive(self, number: int, frame: FrameType | None) -> None:
        is_first, self.number = not self.number, self.number or number
        for child in list(self._running):
            with suppress(ProcessLookupError):
                if is_first:
                    child.send_signal(signal.SIGINT)
                else:
                    os.killpg(child.pid, signal.SIGKILL)


def _ended(child: subprocess.Popen[bytes]) -> bytes:
    """Ends a check that hangs; what it printed."""
    child.send_signal(signal.SIGINT)
    try:
        return child.communicate(timeout=_TIDY_SECONDS)[0] or b""
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        return child.communicate()[0] or b""


STOPPED = Stopped()


def run(check: Check) -> Check:
    """Runs it; returns it with what came of it. One that has the machine to itself is seen at work; another's output comes at once
    when it is done, for two at a time could not be read."""
    if STOPPED.number:
        return check
    print(f"\n== {check.name}" if check.alone else f".. {check.name} begins", flush=True)
    began = time.monotonic()
    # Whatever a killed process leaves is left where it is swept.
    command = ("env", f"TMPDIR={_TEMP}", *check.command)
    returned, printed = STOPPED.run(command, is_seen=check.alone, bound_seconds=check.bound_seconds)
    ran = replace(check, seconds=time.monotonic() - began, ok=returned == 0)
    if check.tests:
        ran = _counted(ran)
    told = "" if check.alone else f"\n== {check.name}, {ran.seconds:.0f} s\n{printed}"
    if ran.seconds > check.bound_seconds:
        told += f"\n{check.name}: it had not ended after {check.bound_seconds:.0f} s and was stopped\n"
    if check.tests and returned == _NO_TESTS:
        told += f"{check.name}: no test was found in {', '.join(check.tests)}"
    print(told, end="", flush=True)
    return ran


def run_all(wanted: Sequence[Check]) -> list[Check]:
    """In the order of ``wanted``; two at a time where that disturbs none of them."""
    with ThreadPoolExecutor(2) as lanes:
        computed = {done.name: done for done in lanes.map(run, [check for check in wanted if not check.alone])}
    return [computed.get(check.name) or run(check) for check in wanted]


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


def table(done: list[Check], seconds: float) -> str:
    """The checks, then the sum of the tests on a line of its own. ``seconds``: how long all of it took."""
    lines = [""]
    for check in done:
        tests = f"{check.passed} passed, {check.failed} failed, {check.skipped} skipped" if check.tests else ""
        lines.append(f"{'ok    ' if check.ok else 'FAILED'}  {check.name:<12} {check.seconds:6.1f} s  {tests}".rstrip())
    passed, failed, skipped = (sum(getattr(c, name) for c in done) for name in ("passed", "failed", "skipped"))
    broken = [check.name for check in done if not check.ok]
    lines.append("")
    lines.append(f"FAILED: {', '.join(broken)}" if broken else "all checks are green")
    if any(check.tests for check in done):
        lines.append(f"{passed + failed + skipped} tests in {seconds:.0f} s")
        lines.append(f"{passed} passed, {failed} failed, {skipped} skipped")
    return "\n".join(lines)


def _sweep() -> None:
    """Folders of runs that were killed."""
    for old in _TEMP.parent.glob("check-*"):
        try:
            os.kill(int(old.name.rpartition("-")[2]), 0)
        except ProcessLookupError:
            shutil.rmtree(old, ignore_errors=True)
        except (PermissionError, ValueError):
            continue


def main() -> int:
    """0 when every check of the group passed; 128 + the signal's number when one stopped it."""
    parser = argparse.ArgumentParser(prog="python -m tools.check", description=__doc__)
    parser.add_argument("group", choices=GROUPS, help="which checks to run")
    parser.add_argument("--full", action="store_true", help="of `all`: every spoken call, not only a few of each kind")
    options = parser.parse_args()
    wanted, full = GROUPS[options.group], options.full or options.group != "all"
    STOPPED.listen()
    _sweep()
    _TEMP.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        done = run_all([check for check in checks(full=full) if check.group in wanted])
    finally:
        shutil.rmtree(_TEMP, ignore_errors=True)
    if STOPPED.number:
        return 128 + STOPPED.number
    print(table(done, time.monotonic() - began) if full else f"{_FEW_CALLS}\n{table(done, time.monotonic() - began)}")
    return 0 if all(check.ok for check in done) else 1


if __name__ == "__main__":
    sys.exit(main())
