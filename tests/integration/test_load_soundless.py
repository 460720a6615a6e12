"""The soundless tier of a load run, small: twenty calls on real Redis and gRPC, each worker a process of its own, one of them killed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bench.load.knee import Limits
from bench.load.mix import DEFAULT, Dealer, parse
from bench.load.soundless.caller import Callers, Manners
from bench.load.soundless.stage import Setting, Stage
from bench.load.soundless.steps import Crowd, Steps, Waits

CALLS = 20
LIMITS = Limits(None, None, failed_share=0.0)
"""Of time nothing is asked: this machine has other tests to run."""


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_twenty_calls_at_once_are_served_counted_and_survive_a_killed_worker(tmp_path: Path) -> None:
    setting = Setting(lease_seconds=4.0, sentence_seconds=0.2, join_seconds=0.05)
    async with Stage(tmp_path / "run", setting, say=print, on_mesh=lambda _: None) as stage:
        callers = Callers(stage.hub, Manners((0.2, 0.6), turns=2, second_percent=50), random.Random(6))
        crowd = Crowd(callers, Dealer(parse(DEFAULT)), rate=20)
        steps = Steps(stage, crowd, limits=LIMITS, hold=8.0, kills=1, say=print, waits=Waits(1.0, 1.0, 8.0))
        try:
            await steps.run([CALLS], rate=20, goes_on=False)
        finally:
            await crowd.end(0)
        processes = stage.processes()
    (level,) = steps.levels
    assert level.failures == {}
    assert level.two_voices == 0
    assert level.ended > 0
    assert level.gaps_ms["n"] > 0
    assert level.handoffs_a_second > 0
    assert {"accepted", "ready", "taken", "spoken"} <= set(level.steps_ms)
    assert level.store_ms["renew_floor"]["n"] > 0
    assert level.store_ms["overdue"]["n"] > 0, "the guardians look"
    assert steps.cut_off == 0
    assert steps.endings_wrong == [], "each call has one ending, those too whose worker was killed"
    assert steps.endings["calls"] > CALLS, "who ended was followed by another"
    assert len(processes) == 10, "Redis and nine workers"
