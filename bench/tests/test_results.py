"""The page says what the rows say."""

from datetime import UTC, datetime

from bench.handoff.measure import Figures
from bench.handoff.placing_calls import BASELINE, MESH, Row
from bench.handoff.results import Run, page, spread, summary

STEPS = {"offered": 0.0, "accepted": 2.0, "dispatched": 12.0, "ready": 600.0, "taken": 1800.0, "spoken": 1840.0}
MACHINE = {"nproc": 2, "load_before": "0.5", "load_after": "0.9", "versions": {"livekit-agents": "1.8.9"}}


def row(kind: str, number: int, gap_ms: int, *, overlap_ms: int = 0) -> Row:
    figures = Figures(gap_ms, overlap_ms, 0, 0, 5000, 5000 + gap_ms)
    steps = STEPS if kind == MESH else {}
    return Row(kind, number, f"call-{number}", 1.0, figures, steps)


def run_of(*rows: Row) -> Run:
    return Run("python -m bench.handoff", datetime(2026, 1, 2, tzinfo=UTC), "tones", MACHINE, rows)


def test_percentiles_are_values_that_were_measured() -> None:
    assert spread(range(1, 21)) == {"n": 20, "min": 1, "median": 10, "p95": 19, "max": 20}
    assert spread([7.0]) == {"n": 1, "min": 7.0, "median": 7.0, "p95": 7.0, "max": 7.0}
    assert spread([None]) == {}


def test_a_failed_call_is_counted_and_told() -> None:
    run = run_of(row(MESH, 1, 50), Row(MESH, 2, "call-2", 1.0, failure="billing said nothing"), row(BASELINE, 1, 100))
    assert summary(run)["failed"] == {MESH: 1, BASELINE: 0}
    assert summary(run)["at_the_ear"][MESH]["gap_ms"]["n"] == 1
    assert "- mesh 2, call-2: billing said nothing" in page(run)


def test_the_ratio_compares_the_median_gaps() -> None:
    assert summary(run_of(row(MESH, 1, 50), row(BASELINE, 1, 100)))["ratio_of_median_gaps"] == 0.5
    assert summary(run_of(row(MESH, 1, 50)))["ratio_of_median_gaps"] is None


def test_each_aim_is_met_or_not() -> None:
    text = page(run_of(row(MESH, 1, 50), row(MESH, 2, 210, overlap_ms=10)))
    assert "- aim: gap p95 <= 200 ms: not met (210 ms)" in text
    assert "- aim: overlap max <= 0 ms: not met (10 ms)" in text
    assert "- aim: clipped max <= 20 ms: met (0 ms)" in text


def test_steps_are_told_from_each_state_to_the_next() -> None:
    steps = summary(run_of(row(MESH, 1, 50)))["steps"]
    assert steps["dispatched → ready"]["median"] == 588.0
    assert steps["taken → spoken"]["median"] == 40.0


def test_a_run_in_which_every_call_failed_has_a_page() -> None:
    assert "nothing measured" in page(run_of(Row(MESH, 1, "call-1", 1.0, failure="no")))
