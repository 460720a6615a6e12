"""The page of what telemetry costs tells medians with their spread, and keeps the two kinds of calls apart."""

from __future__ import annotations

from bench.telemetry.__main__ import table_of_calls, table_of_steps
from bench.telemetry.calls import Cost
from bench.telemetry.steps import Figure


def test_a_step_has_its_number_least_median_and_95th_percentile() -> None:
    (_, _, row) = table_of_steps([Figure("a span", [float(n) for n in range(1, 101)], 2.5)])
    assert row == "| a span | 100 | 1.0 | 50.5 | 96.0 | 2.5 |"


def test_calls_with_traces_and_without_stand_in_rows_of_their_own_with_least_and_most() -> None:
    costs = [Cost(number % 2 == 1, 0.1 + number / 100, 0.2, 70.0, 1.0) for number in range(6)]
    _, _, without, with_, *_ = table_of_calls(costs)
    assert without.startswith("| without traces | 3 | 0.120 (0.100 to 0.140) |")
    assert with_.startswith("| with | 3 | 0.130 (0.110 to 0.150) |")
