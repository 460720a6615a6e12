"""The figures of struck calls, from made-up rows and log lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from bench.crash.results import DRAIN, Run, page, summary
from bench.crash.steps import log_lines, medians, steps_of
from local.chaos.at_the_ear import Heard
from local.chaos.draining import Moved
from local.chaos.run import Row
from local.chaos.verdict import SILENT_DROP, Problem

MACHINE = {"nproc": 2, "load_before": "0.1", "load_after": "0.2", "versions": {"x": "1"}, "python": "3.11"}


def row(fault: str, voice_after_ms: int, silence_ms: int = 700, **more: object) -> Row:
    heard = Heard(voice_after_ms, silence_ms, 0, 0)
    return Row(fault, f"call-{voice_after_ms}", 0.5, 10.0, heard=heard, **more)  # type: ignore[arg-type]


def run_of(*rows: Row, moved: tuple[Moved, ...] = ()) -> Run:
    return Run("python -m bench.crash", datetime(2026, 1, 2, tzinfo=UTC), MACHINE, list(rows), moved=list(moved))


def test_a_kind_has_its_median_its_percentile_and_its_aim() -> None:
    told = page(run_of(row("job-speaking", 400), row("job-speaking", 500), row("job-speaking", 900)))
    assert "| job killed while it speaks | 3 | 500 | 900 | 900 | 500 / 1000 | 700 | 700 | 0.5-0.5 |" in told


def test_a_drain_tells_how_many_were_moved_and_what_silence_it_added() -> None:
    run = run_of(row(DRAIN, 0, 1500), row(DRAIN, 1, 900), moved=(Moved(2000, 1400), Moved(None, 1000)))
    drain = summary(run)["drain"]
    assert (drain["n"], drain["moved"], drain["dropped"]) == (2, 1, 0)
    assert drain["moved_after_ms"]["max"] == 2000
    assert drain["added_silence_ms"]["max"] == 100


def test_a_dropped_call_and_one_that_was_not_struck_are_told_of() -> None:
    missed = Row("job-frozen", "call-9", 0.5, 10.0, missed="no job")
    run = run_of(row("job-speaking", 400, problems=(Problem(SILENT_DROP, "no ending"),)), missed)
    assert run.problems == ["job-speaking (call-400): silent drop: no ending", "job-frozen: not struck: no job"]


def test_the_steps_of_a_call_are_counted_from_its_strike(tmp_path: Path) -> None:
    lines = [
        {"at": 9.0, "call_id": "call-1", "message": "epoch 2 of the call is seized for triage-r2-ab"},
        {"at": 10.05, "call_id": "call-1", "message": "epoch 3 of the call is seized for triage-r3-cd"},
        {"at": 10.06, "call_id": "call-2", "message": "epoch 2: heard again"},
        {"at": 10.45, "call_id": "call-1", "message": "epoch 3: heard again"},
    ]
    (tmp_path / "triage.log").write_text("\n".join([*map(json.dumps, lines), '{"cut', "not json"]))
    found = steps_of(log_lines(tmp_path), call_id="call-1", struck_at=10.0)
    assert found == {"seized": 50, "heard again": 450}
    assert medians([found, {"seized": 70}]) == {"seized": 60, "heard again": 450}
