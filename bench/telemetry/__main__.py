"""`python -m bench.telemetry [--times 5000] [--calls 2 --rounds 3]`: what it costs that the mesh tells of itself.

Without ``--calls`` the steps alone, in seconds. With it, beside them, what so many calls cost a worker with traces and without, in turns: about a
minute for each, twice for each round.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.density.stage import CrowdDied
from bench.telemetry.calls import Cost, in_turns
from bench.telemetry.steps import Figure, all_of
from local.console import Console
from local.interruptible import run_interruptible
from local.supervisor.errors import MeshError
from local.supervisor.mesh import ROOT
from local.supervisor.run_dir import RunDir


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when all was measured, 1 when not, 128 + signal when interrupted."""
    options = _parser().parse_args(arguments)
    return run_interruptible(_all(options, Console()), on_first=lambda: None, on_second=lambda: None)


async def _all(options: argparse.Namespace, console: Console) -> int:
    load = os.getloadavg()[0]
    lines = [*table_of_steps(all_of(options.times)), "", f"Load average when it began: {load:.1f}.", ""]
    costs: list[Cost] = []
    try:
        if options.calls:
            with RunDir.claim(ROOT / ".run", "bench") as run_dir:
                measured = in_turns(
                    run_dir.path,
                    calls=options.calls,
                    rounds=options.rounds,
                    window_seconds=options.window,
                    say=console.say,
                )
                async for cost in measured:
                    costs.append(cost)
                    console.say(str(cost))
            lines += table_of_calls(costs)
    except (MeshError, CrowdDied) as error:
        console.complain(str(error))
        return 1
    page = "\n".join([*_head(), *lines]).rstrip() + "\n"
    console.plain(page)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"telemetry-{datetime.now(UTC):%Y-%m-%d}.md").write_text(page, "utf-8")
    return 0


def _head() -> list[str]:
    command = " ".join(["python -m bench.telemetry", *sys.argv[1:]])
    return ["# What telemetry costs", "", f"`{command}`, {os.cpu_count()} processors, shared.", ""]


def table_of_steps(figures: Iterable[Figure]) -> list[str]:
    """One row each."""
    rows = [
        "| step, in µs | n | min | median | p95 | processor time of its process |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in figures:
        ordered = sorted(one.micros)
        p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
        rows.append(
            f"| {one.what} | {len(ordered)} | {ordered[0]:.1f} | {statistics.median(ordered):.1f} | {p95:.1f} | {one.cpu_micros:.1f} |"
        )
    return rows


def table_of_calls(costs: Sequence[Cost]) -> list[str]:
    """Medians with their ranges, then each run."""
    rows = [
        "| a call in a steady state | runs | cores of its process | cores of the worker | MiB of its process |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, is_traced in (("without traces", False), ("with", True)):
        some = [cost for cost in costs if cost.is_traced is is_traced]
        cells = [_range([c.jobs_cores for c in some], 3), _range([c.worker_cores for c in some], 3)]
        rows.append(f"| {name} | {len(some)} | {' | '.join(cells)} | {_range([c.private_mib for c in some], 1)} |")
    loads = ", ".join(f"{cost.load:.1f}" for cost in costs)
    return [
        *rows,
        "",
        f"In turns, without first; medians, in brackets the least and the most. Load averages before each: {loads}.",
    ]


def _range(values: Sequence[float], digits: int) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry", description=__doc__)
    parser.add_argument("--times", type=int, default=5000, metavar="N", help="how often each step is measured")
    parser.add_argument("--calls", type=int, default=0, metavar="N", help="so many calls at once, on a mesh; 0: none")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="with and without, so often")
    parser.add_argument("--window", type=float, default=28.0, metavar="S", help="how long calls are measured")
    parser.add_argument("--out", type=Path, default=None, metavar="DIR", help="writes the result there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
