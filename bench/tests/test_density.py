"""How many calls a pod holds is computed from what was measured, and told as it was computed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from bench.density import meter, stub
from bench.density.__main__ import _parser
from bench.density.capacity import Line, Pod, holds, needed, through
from bench.density.crowd import PERIOD_SECONDS, said
from bench.density.levels import Level
from bench.density.listened import Answers, Handoff, of_recording
from bench.density.meter import Memory, One, Reading
from bench.density.results import Run, page, summary
from local.caller.band import FRAME, RATE

ROLLUP = """55e40fb2c000-7ffdbb4e0000 ---p 00000000 00:00 0                          [rollup]
Rss:                1752 kB
Pss:                 230 kB
Pss_Anon:            112 kB
Shared_Clean:       1600 kB
Private_Clean:        40 kB
Private_Dirty:       112 kB
"""


# --- arithmetic -------------------------------------------------------------------------------------------------------
def test_a_line_goes_through_what_lies_on_it() -> None:
    line = through([(0, 600.0), (2, 760.0), (4, 920.0)])
    assert line.base == pytest.approx(600)
    assert line.each == pytest.approx(80)


def test_one_level_makes_no_line() -> None:
    with pytest.raises(ValueError, match="two levels"):
        through([(4, 1.0), (4, 2.0)])


def test_a_pod_holds_what_the_tighter_of_its_limits_allows() -> None:
    found = holds(Pod(2, 2), cores=Line(0.0, 0.1), mib=Line(740.8, 100.0))
    assert (found.by_cpu, found.by_memory, found.calls) == (14, 10, 10)


def test_a_pod_that_cannot_hold_even_an_idle_worker_holds_nothing() -> None:
    assert holds(Pod(2, 0.5), cores=Line(0.0, 0.1), mib=Line(680, 80)).calls == 0


def test_what_calls_need_is_what_a_pod_of_that_size_holds() -> None:
    cores, mib = Line(0.05, 0.125), Line(680, 75)
    assert holds(needed(50, cores=cores, mib=mib), cores=cores, mib=mib).calls == 50


# --- reading ----------------------------------------------------------------------------------------------------------
def test_a_processes_share_of_memory_is_read_as_the_kernel_writes_it() -> None:
    assert meter.parse(ROLLUP) == Memory(pss=230 * 1024, private=152 * 1024, rss=1752 * 1024)


def _one(role: str, cpu: float, mib: int = 1) -> One:
    return One(role, cpu, Memory(mib << 20, mib << 20, mib << 20))


def test_cores_are_counted_by_role_and_a_process_that_came_in_between_is_not() -> None:
    before = Reading(10.0, {1: _one(meter.MAIN, 5.0), 2: _one(meter.JOBS, 1.0)})
    after = Reading(20.0, {1: _one(meter.MAIN, 6.0), 2: _one(meter.JOBS, 3.0), 3: _one(meter.IDLE, 2.0)})
    assert meter.cpu_between(before, after) == {meter.MAIN: 0.1, meter.TEMPLATE: 0.0, meter.JOBS: 0.2, meter.IDLE: 0.0}


def test_memory_adds_up_over_the_tree_or_over_a_role() -> None:
    reading = Reading(0.0, {1: _one(meter.MAIN, 0, 100), 2: _one(meter.JOBS, 0, 75), 3: _one(meter.JOBS, 0, 75)})
    assert reading.pss == 250 << 20
    assert [memory.pss >> 20 for memory in reading.memory(meter.JOBS)] == [75, 75]


# --- who speaks -------------------------------------------------------------------------------------------------------
def test_the_front_desk_hands_over_and_everybody_else_answers_in_words() -> None:
    desk = [{"role": "system", "content": "You are the front desk."}, {"role": "user", "content": "Hi."}]
    first = [json.loads(line) for line in list(stub.chunks(desk))[:-1]]
    called = [call for chunk in first for choice in chunk["choices"] for call in choice["delta"].get("tool_calls", [])]
    assert [call["function"]["name"] for call in called] == ["transfer_call"]
    billing = [{"role": "system", "content": "You are the billing specialist."}, {"role": "user", "content": "Hi."}]
    assert _words(billing).startswith("Your next invoice is due in ")


def _words(messages: list[dict[str, str]]) -> str:
    chunks = [json.loads(line) for line in list(stub.chunks(messages))[:-1]]
    return "".join(choice["delta"].get("content", "") for chunk in chunks for choice in chunk["choices"])


def test_no_answer_is_the_one_before_it() -> None:
    billing = [{"role": "system", "content": "You are the billing specialist."}]
    assert _words(billing) != _words(billing)


def test_a_caller_speaks_once_in_a_period_and_leaves_room_for_the_answer() -> None:
    period = said()
    assert period.size == int(PERIOD_SECONDS * RATE)
    heard = np.flatnonzero(period)
    assert heard[-1] / RATE < 4.0


def test_an_answer_that_never_came_is_told() -> None:
    said_twice = _sounds(60, (5, 15), (30, 40))
    answered = of_recording(2, said_twice, {"billing-1": _sounds(60, (20, 25))})
    assert len(answered.after_ms) == 1
    assert answered.failure == "1 of 2 questions were answered"


def _sounds(tenths: int, *spans: tuple[int, int]) -> np.ndarray:
    track = np.zeros(tenths * 10 * FRAME, np.int16)
    for start, end in spans:
        track[start * 10 * FRAME : end * 10 * FRAME] = 8000
    return track


# --- the page ---------------------------------------------------------------------------------------------------------
def level(calls: int, **more: object) -> Level:
    values: dict[str, object] = {
        "calls": calls,
        "seconds": 28.0,
        "cores": {meter.MAIN: 0.02, meter.TEMPLATE: 0.0, meter.JOBS: 0.1 * calls, meter.IDLE: 0.0},
        "mib": 680.0 + 80 * calls,
        "mib_by_role": {meter.MAIN: 140.0, meter.TEMPLATE: 80.0, meter.JOBS: 150.0 * calls, meter.IDLE: 100.0},
        "job_private_mib": 75.0 if calls else 0.0,
        "starts_cpu_seconds": 1.5,
        "beside": {"livekit": (0.05, 70.0)},
        "machine_cores": 0.2 + 0.1 * calls,
        "load": 1.0,
    }
    return Level(**{**values, **more})  # type: ignore[arg-type]


def run(*levels: Level) -> Run:
    machine = {"nproc": 2, "load_before": "0.50", "load_after": "1.50", "versions": {}}
    return Run("python -m bench.density", datetime(2026, 1, 2, tzinfo=UTC), "process", "stub", machine, levels)


def test_the_page_tells_what_a_call_costs_and_what_fifty_need() -> None:
    text = page(run(level(0), level(4), level(8)))
    assert "**0.100 cores** a call, 10.0 calls a core and 0.02 with none" in text
    assert "**80 MiB** a call and 680 with none" in text
    assert "| 2 cores, 2 GiB | 13 | 13 | **13** |" in text
    assert "50 calls need 7.2 cores and 5.4 GiB." in text


def test_a_level_that_lost_calls_draws_no_line() -> None:
    broken = level(8, mib=10.0, lost=5)
    assert run(level(0), level(4), broken).line("mib") == run(level(0), level(4)).line("mib")


def test_what_was_heard_stands_beside_the_single_calls() -> None:
    alone = level(0, answers=(Answers(2, (1000, 1100)),), handoffs=(Handoff(200),))
    full = level(8, answers=(Answers(2, (2000,), "1 of 2 questions were answered"),), handoffs=(Handoff(None, "heard: nobody"),))
    text = page(run(alone, full))
    assert "| 9 | 1 | 2000 | 2000 | 2000 | 2.00 | 0 |  |  |  |  | 1 of 2 questions were answered; heard: nobody |" in text
    assert summary(run(alone, full))["levels"][0]["gap_ms"]["median"] == 200


def test_levels_are_given_with_commas() -> None:
    assert _parser().parse_args(["--calls", "8,0,4"]).calls == [0, 4, 8]
