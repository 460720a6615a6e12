"""`make demo` as a person sees it: the lines of the call, what it leaves to look at, its exit code, and Ctrl-C, or a process that is
killed, in the middle of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

DIALS = "the caller dials"
RESULTS = {"caller_heard.wav", "caller_said.wav", "report.json", "report.html", "logs"}


@contextmanager
def demo(root: Path, run_dir: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The demo at work, its output line by line."""
    command = (sys.executable, "-m", "local", "demo", "--run-dir", str(run_dir), *arguments)
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as started:
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()


def everything_of(started: subprocess.Popen[str]) -> list[psutil.Process]:
    demo = psutil.Process(started.pid)
    return [demo, *demo.children(recursive=True)]


def still_alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.short
def test_the_demo_tells_the_call_as_it_goes_and_leaves_a_report(repo_root: Path, tmp_path: Path) -> None:
    run_dir, processes, lines = tmp_path / "run", list[psutil.Process](), list[str]()
    with demo(repo_root, run_dir) as started:
        assert started.stdout is not None
        for line in started.stdout:
            lines.append(line)
            if DIALS in line:
                processes = everything_of(started)
    printed = "".join(lines)
    assert started.returncode == 0, printed
    for told in (
        "triage is ready",
        "triage  Thanks for calling",
        "intent: billing",
        "handoff triage → billing: spoken after",
        "caller  Yes",
        "done: process_refund RF-20417 49.99",
        "the call ended: resolved",
        "The call went as its script expects.",
    ):
        assert told in printed, printed
    assert {path.name for path in run_dir.iterdir()} >= RESULTS
    report = json.loads((run_dir / "report.json").read_text())
    assert report["services"] == ["triage", "billing"]
    assert [handoff["overlap_ms"] for handoff in report["handoffs"]] == [0]
    assert report["effects"] == ["process_refund RF-20417 49.99"]
    assert len(processes) > len(report["services"])
    assert still_alive(processes) == []


@pytest.mark.parametrize("name", ["triage", "billing", "redis", "livekit", "mcp", "speech"])
def test_whichever_process_is_killed_in_the_middle_of_the_call_it_ends_with_words_that_the_caller_hears(
    name: str, repo_root: Path, tmp_path: Path
) -> None:
    with demo(repo_root, tmp_path / "run", "--chaos", name) as started:
        printed, _ = started.communicate()
    assert started.returncode == 0, printed
    assert "killed; it is started again in a moment" in printed, printed
    assert "The call lived through it." in printed, printed


def test_ctrl_c_in_the_middle_of_the_demos_call_leaves_nothing(repo_root: Path, tmp_path: Path) -> None:
    processes = list[psutil.Process]()
    with demo(repo_root, tmp_path / "run") as started:
        assert started.stdout is not None
        for line in started.stdout:
            if "triage  " in line and not processes:
                processes = everything_of(started)
                started.send_signal(signal.SIGINT)
        assert started.wait(60) == 130
    assert processes
    assert still_alive(processes) == []
