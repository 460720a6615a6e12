"""`python -m bench.handoff [--calls 20] [--tones] [--out DIR]`: places the calls, prints and writes what came out."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.handoff.placing_calls import BASELINE, MESH, Calls, Row
from bench.handoff.results import Run, page, summary
from bench.handoff.stage import Stage
from local.caller import SpeechUnavailable
from local.console import Console
from local.interruptible import run_interruptible
from local.settings import LocalSettings
from local.supervisor.errors import MeshError
from local.supervisor.mesh import ROOT
from local.supervisor.run_dir import RunDir
from local.versions import versions

_OUT = Path(__file__).parents[1] / "results"
_BREATH_SECONDS = 1.5
"""Between two calls: the workers start a fresh job process for the one that was used."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every call could be measured, 1 when not, 128 + signal when interrupted."""
    options = _parser().parse_args(arguments)
    console = Console()
    stages: list[Stage] = []

    def kill_all() -> None:
        for stage in stages:
            stage.kill_all()

    return run_interruptible(
        _guarded(options, console, stages),
        on_first=lambda: console.say("stopping everything (once more to kill it)"),
        on_second=kill_all,
    )


async def _guarded(options: argparse.Namespace, console: Console, stages: list[Stage]) -> int:
    try:
        with RunDir.claim(ROOT / ".run", "bench") as run_dir:
            stage = Stage(run_dir.path, tones=options.tones, say=console.say)
            stages.append(stage)
            async with stage:
                run = await _run(options, console, stage)
    except (MeshError, SpeechUnavailable) as error:
        console.complain(f"\n{error}")
        return 1
    name = f"handoff-{run.began_at:%Y-%m-%d}{'-tones' if options.tones else ''}"
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{name}.json").write_text(json.dumps(summary(run), indent=1) + "\n", "utf-8")
    (options.out / f"{name}.md").write_text(page(run), "utf-8")
    console.plain(f"\n{page(run)}\nwritten: {name}.md and {name}.json in {options.out}")
    return 1 if run.failed else 0


async def _run(options: argparse.Namespace, console: Console, stage: Stage) -> Run:
    began_at, before, rows = datetime.now(UTC), _load(), list[Row]()
    dying = asyncio.ensure_future(stage.wait_for_death())
    try:
        async with Calls(stage, tones=options.tones, cache_dir=LocalSettings.from_env().cache_dir) as calls:
            for number in range(1, options.calls + 1):
                for kind in (MESH, BASELINE):
                    placing = asyncio.ensure_future(calls.place(kind, number))
                    await asyncio.wait({placing, dying}, return_when=asyncio.FIRST_COMPLETED)
                    if dying.done():
                        placing.cancel()
                        raise dying.result()
                    rows.append(placing.result())
                    console.say(_progress(rows[-1], options.calls))
                    await asyncio.sleep(_BREATH_SECONDS)
    finally:
        dying.cancel()
    machine = {
        "nproc": os.cpu_count(),
        "load_before": before,
        "load_after": _load(),
        "versions": {**versions(stage.mesh.livekit_version), "python": platform.python_version()},
    }
    voices = "tones (bench/handoff/tones.py)" if options.tones else "the embedded speech server's"
    return Run(_command(), began_at, voices, machine, rows)


def _progress(row: Row, calls: int) -> str:
    what = f"{row.number:>3}/{calls} {row.kind:<10}"
    if row.figures is None:
        return f"{what} FAILED: {row.failure}"
    f = row.figures
    clipped = "?" if f.clipped_ms is None else f"{f.clipped_ms}"
    return f"{what} gap {f.gap_ms:>4} ms, overlap {f.overlap_ms} ms, clipped {clipped} ms (load {row.load:.1f})"


def _load() -> str:
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _command() -> str:
    return " ".join(["python -m bench.handoff", *sys.argv[1:]])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.handoff", description=__doc__)
    parser.add_argument(
        "--calls", type=int, default=20, metavar="N", help="handoffs through the mesh, and as many baselines"
    )
    parser.add_argument(
        "--tones", action="store_true", help="tones of known length instead of the embedded voices; faster"
    )
    parser.add_argument("--out", type=Path, default=_OUT, metavar="DIR", help="where the results go (bench/results)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
