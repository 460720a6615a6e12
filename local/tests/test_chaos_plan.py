"""Which faults strike in which order, and the table of what came of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

import pytest

from local.chaos.at_the_ear import Heard
from local.chaos.command import is_over, must_be_struck
from local.chaos.faults import FAULTS
from local.chaos.plan import FIRST, NoSuchFault, Planned, chosen, plan
from local.chaos.run import Row
from local.chaos.soundless.run import Outcome
from local.chaos.table import Run, page, spread, summary
from local.chaos.verdict import SILENT_DROP, Problem


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_faults_are_chosen_by_name_or_pattern_in_the_tables_order() -> None:
    assert [fault.name for fault in chosen(["drain", "job-f*"])] == ["job-frozen", "drain"]
    assert chosen([]) == FAULTS


def test_a_name_that_fits_no_fault_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(NoSuchFault, match=r"job-forzen.*job-frozen"):
        chosen(["job-forzen"])


def test_each_fault_comes_once_before_any_comes_twice() -> None:
    names = [planned.fault.name for planned in islice(plan(FAULTS, seed=1), len(FAULTS))]
    assert sorted(names) == sorted(fault.name for fault in FAULTS)
    assert tuple(names[: len(FIRST)]) == FIRST, "one of every kind comes before the rest"


def test_the_same_seed_gives_the_same_plan_and_another_one_another() -> None:
    def told(seed: int) -> list[tuple[str, int]]:
        return [(planned.fault.name, planned.seed) for planned in islice(plan(FAULTS, seed=seed), 80)]

    assert told(7) == told(7)
    assert told(7) != told(8)


def test_a_drain_of_many_calls_comes_once() -> None:
    names = [planned.fault.name for planned in islice(plan(FAULTS, seed=1), 4 * len(FAULTS))]
    assert names.count("drain-of-many") == 1


def heard(voice_after_ms: int | None) -> Heard:
    return Heard(voice_after_ms, 900, 0, 0)


def run_of(*rows: Row) -> Run:
    return Run("python -m local chaos", 7, datetime(2026, 1, 2, tzinfo=UTC), 60.0, (0.5, 1.5), rows)


def row(voice_after_ms: int | None = 400, **more: object) -> Row:
    values = {"heard": heard(voice_after_ms), "ending": "resolved", "has_voice_again": True} | more
    return Row("job-speaking", "call-1", 0.5, 20.0, **values)  # type: ignore[arg-type]


def test_the_table_has_a_line_for_each_fault_that_was_tried() -> None:
    told = page(run_of(row(400), row(600), row(500)))
    assert "| job killed while it speaks | 3 | 500 | 600 | 600 | 500 / 1000 | 0.9 | 0.9 | 0 | 3 resolved |" in told
    assert "job frozen" not in told
    assert summary(run_of(row(400)))["faults"][0]["voice_after_ms"] == {"median": 400, "p95": 400, "max": 400}


def test_a_run_fails_by_what_must_not_happen_and_says_in_which_call() -> None:
    dropped = row(None, problems=(Problem(SILENT_DROP, "the call has no ending"),))
    assert not run_of(row()).failed
    assert run_of(row(), dropped).failed
    assert "- job-speaking (call-1): silent drop: the call has no ending" in page(run_of(dropped))
    assert "1 silent drops" in page(run_of(dropped))


def test_where_no_agent_was_struck_the_time_to_a_voice_says_nothing() -> None:
    told = page(run_of(row(0, has_voice_again=False)))
    assert "| job killed while it speaks | 1 | - | - | - | 500 / 1000 | 0.9 | 0.9 | 0 | 1 resolved |" in told


def test_a_caller_who_was_dropped_before_he_could_be_struck_fails_the_run() -> None:
    gave_up = Row("drain", "call-2", 0.5, 60.0, missed="no job", problems=(Problem(SILENT_DROP, "he gave up"),))
    assert run_of(row(), gave_up).failed


def test_a_run_in_which_nothing_could_be_struck_proves_nothing() -> None:
    missed = Row("drain", "call-2", 0.5, 20.0, missed="no job of billing")
    assert run_of(missed).failed
    assert "- not struck: drain (no job of billing)" in page(run_of(row(), missed))


def test_a_run_that_had_no_time_for_a_kind_of_fault_fails_and_names_it() -> None:
    struck = run_of(row())
    assert not struck.failed
    missing = replace(struck, wanted=("job-speaking", "redis-frozen"))
    assert missing.failed
    assert "- not struck: redis-frozen (there was no time for it)" in page(missing).splitlines()


def test_a_run_fails_by_what_the_ledger_has_otherwise() -> None:
    differs = replace(run_of(row()), ledger=["the ledger knows no ending of call-1, which ended as failed"])
    assert differs.failed
    assert "- the ledger knows no ending of call-1, which ended as failed" in page(differs).splitlines()


def test_a_run_fails_by_what_happened_without_audio() -> None:
    outcome = Outcome(7, 1003, 240, 30.0, {"giver killed, ready": 98}, {}, {"resolved": 240}, None, 60, 0, ())
    good = replace(run_of(row()), without_audio=outcome)
    assert not good.failed
    assert (
        "| 1003 handoffs without audio, a fault in every tenth | 98 | - | - | - |  | - | - | 0 | 240 resolved |"
        in page(good)
    )
    bad = replace(good, without_audio=replace(outcome, problems=("call-7 has 0 endings",)))
    assert bad.failed
    assert "- without audio: call-7 has 0 endings" in page(bad).splitlines()


def test_of_all_faults_one_of_every_kind_must_be_struck_and_of_named_ones_each() -> None:
    some = chosen(["drain", "redis-frozen"])
    assert must_be_struck(some, are_named=True) == tuple(fault.name for fault in some)
    assert set(must_be_struck(FAULTS, are_named=False)) == set(FIRST)


@pytest.mark.parametrize(
    ("number", "seconds", "over"), [(2, 640.0, False), (2, 646.0, True), (3, 570.0, False), (3, 590.0, True)]
)
def test_what_must_be_struck_begins_until_shortly_after_the_time_and_anything_else_only_if_it_fits_into_it(
    number: int, seconds: float, over: bool
) -> None:
    planned = Planned(number, FAULTS[0], 1)
    rows = [row(), row()]  # of 20 s each
    assert is_over(planned, rows, seconds=seconds, minutes=10.0, calls=None, musts=2) is over


def test_a_number_of_calls_is_placed_whatever_it_takes() -> None:
    third = Planned(3, FAULTS[0], 1)
    assert not is_over(third, [], seconds=9999.0, minutes=10.0, calls=3, musts=0)
    assert is_over(third, [], seconds=1.0, minutes=10.0, calls=2, musts=0)


def test_a_kind_with_which_the_system_lets_nobody_strike_is_told_of_and_not_held_against_the_run() -> None:
    missed = Row("disk-full", "call-2", 0.5, 20.0, missed="not allowed here", is_impossible=True)
    wanted = must_be_struck(FAULTS, are_named=False, rows=[missed])
    assert set(wanted) == set(FIRST) - {"disk-full"}
    assert must_be_struck(chosen(["disk-full"]), are_named=True, rows=[missed]) == ("disk-full",), (
        "somebody asked for it"
    )
    assert "- not struck: disk-full (not allowed here)" in page(run_of(row(), missed))


def test_percentiles_are_by_the_nearest_rank() -> None:
    assert spread([]) is None
    assert spread(list(range(1, 21))) == {"median": 10, "p95": 19, "max": 20}
