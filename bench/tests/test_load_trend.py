"""A leak is told from noise, from a step, from a cache that fills up; and a run that is too short says nothing."""

from __future__ import annotations

import math
import random

import pytest

from bench.load.trend import GROWS, STEADY, TOO_SHORT, Bound, judge, theil_sen

EVERY, SAMPLES, WARM_UP = 15.0, 240, 900.0
BOUND = Bound(16.0, share=0.1)
"""MiB an hour, of a process of some hundred."""
TIMES = [number * EVERY for number in range(SAMPLES)]


def verdict(values: list[float], bound: Bound = BOUND) -> str:
    return judge(TIMES, values, bound, warm_up_seconds=WARM_UP).verdict


def noise(size: float, *, seed: int = 7) -> list[float]:
    chance = random.Random(seed)
    return [chance.uniform(-size, size) for _ in TIMES]


def test_a_process_that_leaks_grows() -> None:
    assert verdict([100 + 24 * at / 3600 for at in TIMES]) == GROWS


def test_a_leak_is_found_in_noise_that_is_as_large_as_the_leak_of_the_whole_hour() -> None:
    assert verdict([100 + 40 * at / 3600 + n for at, n in zip(TIMES, noise(20), strict=True)]) == GROWS


def test_a_leak_in_steps_is_found() -> None:
    assert verdict([100 + 4 * (at // 600) for at in TIMES]) == GROWS


def test_one_descriptor_lost_with_every_call_is_found() -> None:
    assert verdict([40.0 + at // 60 for at in TIMES], Bound(6.0)) == GROWS


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([100.0] * SAMPLES, id="flat"),
        pytest.param([100 + n for n in noise(30)], id="noise"),
        pytest.param([100 + 8 * at / 3600 for at in TIMES], id="less than the bound"),
        pytest.param([100 + (60 if at > 2000 else 0) for at in TIMES], id="one step"),
        pytest.param([100 + 50 * (1 - math.exp(-at / 400)) for at in TIMES], id="a cache that fills up"),
        pytest.param([100 + at % 300 / 10 for at in TIMES], id="garbage that is collected"),
        pytest.param([100 + (900 if number % 40 == 7 else 0) for number in range(SAMPLES)], id="outliers"),
        pytest.param([100 + 60 * min(at, 2400) / 2400 for at in TIMES], id="a cache that is full after forty minutes"),
        pytest.param([500 + n for n in noise(300, seed=38)], id="noise whose slope is above the bound by chance"),
        pytest.param([160 - 40 * at / 3600 for at in TIMES], id="shrinks"),
    ],
)
def test_what_is_no_leak_is_steady(values: list[float]) -> None:
    assert verdict(values) == STEADY


def test_growth_in_the_warm_up_alone_does_not_count() -> None:
    assert verdict([100 + 200 * min(at, WARM_UP) / WARM_UP for at in TIMES]) == STEADY


def test_a_large_process_may_grow_by_its_share() -> None:
    assert verdict([800 + 40 * at / 3600 for at in TIMES]) == STEADY
    assert verdict([300 + 40 * at / 3600 for at in TIMES]) == GROWS


def test_a_run_that_is_too_short_says_so() -> None:
    assert judge(TIMES[:80], [100.0 + n for n in range(80)], BOUND, warm_up_seconds=WARM_UP).verdict == TOO_SHORT
    assert judge([], [], BOUND, warm_up_seconds=0).verdict == TOO_SHORT


def test_the_slope_is_an_hours_and_lies_in_its_interval() -> None:
    slope, low, high = theil_sen([(at, 5 * at / 3600 + n) for at, n in zip(TIMES, noise(1), strict=True)])
    assert slope == pytest.approx(5, abs=0.5)
    assert low < slope < high


def test_a_slope_needs_two_moments() -> None:
    with pytest.raises(ValueError, match="two moments"):
        theil_sen([(1.0, 1.0), (1.0, 2.0)])
