"""`python -m bench.density [--calls 0,4,8] [--executor process|thread] [--speech stub|embedded] [--out DIR]`: how many calls one worker holds.

Lets ever more callers talk to one worker, and reads what its processes cost; callers who listen tell what it sounds like meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.density.levels import Level, heard, held, quiet
from bench.density.results import Run, page, summary
from bench.density.stage import EMBEDDED, PROCESS, STUB, THREAD, CrowdDied, Stage
from local.console import Console
from local.interruptible import run_interruptible
from local.supervisor.errors import MeshError
from local.supervisor.mesh import ROOT
from local.supervisor.run_dir import RunDir
from local.versions import versions

_SPARE = 8
"""Places of the worker above the largest level: for those who listen, and for the handoffs."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the whole ramp was measured, 1 when it came to an early end, 128 + signal when interrupted."""
    options = _parser().parse_args(arguments)
    console = Console()
    stages: list[Stage] = []
    return run_interruptible(
        _guarded(options, console, stages),
        on_first=lambda: console.say("stopping everything (once more to kill it)"),
        on_second=lambda: [stage.kill_all() for stage in stages] and None,
    )


async def _guarded(options: argparse.Namespace, console: Console, stages: list[Stage]) -> int:
    try:
        with RunDir.claim(ROOT / ".run", "bench") as run_dir:
            idle = await quiet(most_cores=options.most_busy, wait_seconds=options.wait)
            console.say(f"{idle:.2f} cores are busy with something else")
            stage = Stage(
                run_dir.path,
                executor=options.executor,
                speech=options.speech,
                most_calls=max(options.calls) + _SPARE,
                env=dict(pair.split("=", 1) for pair in options.env),
                say=console.say,
            )
            stages.append(stage)
            load = os.getloadavg()[0]
            async with stage:
                run = await _run(options, console, stage, load)
    except MeshError as error:
        console.complain(f"\n{error}")
        return 1
    name = f"density-{run.began_at:%Y-%m-%d}-{run.executor}-{run.speech}{options.suffix}"
    console.plain(f"\n{page(run)}")
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"{name}.json").write_text(json.dumps(summary(run), indent=1) + "\n", "utf-8")
        (options.out / f"{name}.md").write_text(page(run), "utf-8")
        console.plain(f"written: {name}.md and {name}.json in {options.out}")
    return 1 if run.broken else 0


async def _run(options: argparse.Namespace, console: Console, stage: Stage, load_before: float) -> Run:
    began_at, levels, broken = datetime.now(UTC), list[Level](), ""
    for calls in sorted(options.calls):
        try:
            level = await held(stage, calls, window_seconds=options.window)
        except CrowdDied as error:
            broken = str(error)
            break
        if options.heard is None or calls in options.heard:
            answers, handoffs = await heard(
                stage,
                # One call is one call: the base is not measured beside another that listens.
                listeners=min(options.listeners, 1) if calls == 0 else options.listeners,
                questions=options.questions,
                handoffs=options.handoffs,
            )
            level = replace(level, answers=tuple(answers), handoffs=tuple(handoffs))
        levels.append(level)
        console.say(_progress(level))
    machine = {
        "nproc": os.cpu_count(),
        "load_before": f"{load_before:.2f}",
        "load_after": f"{os.getloadavg()[0]:.2f}",
        "versions": {**versions(stage.mesh.livekit_version), "python": platform.python_version()},
    }
    return Run(_command(), began_at, options.executor, options.speech, machine, levels, broken)


def _progress(level: Level) -> str:
    answers = sorted(ms for one in level.answers for ms in one.after_ms)
    gaps = [one.gap_ms for one in level.handoffs]
    return (
        f"{level.calls:>3} calls: {level.worker_cores:.2f} cores, {level.mib:.0f} MiB, machine {level.machine_cores:.2f} of"
        f" {os.cpu_count()} cores (load {level.load:.1f}), answers {answers}, gaps {gaps}{f', {level.lost} LOST' if level.lost else ''}"
    )


def _command() -> str:
    return " ".join(["python -m bench.density", *sys.argv[1:]])


def _levels(given: str) -> list[int]:
    return sorted({int(one) for one in given.split(",")})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.density", description=__doc__)
    parser.add_argument("--calls", type=_levels, default=[0, 2, 4, 6, 8], metavar="N,N", help="levels of the ramp")
    parser.add_argument("--executor", choices=(PROCESS, THREAD), default=PROCESS, help="a process a call, or a thread")
    parser.add_argument("--speech", choices=(STUB, EMBEDDED), default=STUB, help="remote, by a stub; or the embedded")
    parser.add_argument("--window", type=float, default=28.0, metavar="S", help="how long a level's cost is measured")
    parser.add_argument("--heard", type=_levels, default=None, metavar="N,N", help="at which of them callers listen (all)")
    parser.add_argument("--listeners", type=int, default=2, metavar="N", help="callers who listen, beside a level's")
    parser.add_argument("--questions", type=int, default=6, metavar="N", help="of each caller who listens")
    parser.add_argument("--handoffs", type=int, default=3, metavar="N", help="to the worker, at each level")
    parser.add_argument("--most-busy", type=float, default=0.3, metavar="C", help="waits until other work needs as few cores")
    parser.add_argument("--wait", type=float, default=60.0, metavar="S", help="but no longer than this")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="one more variable of the worker"
    )
    parser.add_argument("--suffix", default="", metavar="WORD", help="added to the names of the files")
    parser.add_argument("--out", type=Path, default=None, metavar="DIR", help="writes the result there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
