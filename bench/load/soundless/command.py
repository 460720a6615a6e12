"""`python -m bench.load soundless`."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

from bench.load.knee import Limits
from bench.load.mix import Dealer
from bench.load.soundless.caller import Callers, Manners
from bench.load.soundless.report import soundless_report
from bench.load.soundless.stage import Setting, Stage
from bench.load.soundless.steps import Crowd, Steps

if TYPE_CHECKING:
    from bench.load.command import Run


async def soundless(run: Run, folder: Path) -> int:
    """0 when nothing was that must not be, else 1. Raises MeshError."""
    options, say = run.options, run.console.say
    limits = Limits(options.most_response_ms, options.most_gap_ms, options.most_failed / 100)
    setting = Setting(lease_seconds=options.lease, sentence_seconds=options.sentence)
    manners = Manners(options.think, options.turns, options.second)
    about = {
        "mix": options.mix_text,
        "lease": f"{options.lease:g} s",
        "think": f"{options.think[0]:g} to {options.think[1]:g} s",
        "turns": options.turns,
        "seed": options.seed,
    }
    steps: Steps | None = None
    try:
        async with Stage(folder, setting, say=say, on_mesh=run.on_mesh) as stage:
            say(f"{len(stage.workers)} workers are there, each a process; no call yet")
            callers = Callers(stage.hub, manners, random.Random(options.seed))
            crowd = Crowd(callers, Dealer(options.mix), options.rate)
            steps = Steps(stage, crowd, limits=limits, hold=options.minutes * 60, kills=options.kills, say=say)
            try:
                await steps.run(options.calls, rate=options.rate, goes_on=options.all)
            finally:
                await crowd.end(0)
    finally:
        code = 1
        if steps is not None and steps.levels:  # also when it is broken off
            report = soundless_report(
                steps, limits, command=run.command, began_at=run.began_at, machine=run.machine(**about)
            )
            code = run.written(report, folder)
    return code
