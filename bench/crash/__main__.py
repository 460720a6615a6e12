"""`python -m bench.crash [--calls 30] [--faults job-speaking,...] [--out DIR]`: strikes calls, one kind after the other, and measures.

The faults are those of `make chaos`; here each is struck as often as a percentile wants.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.crash.results import DRAIN, Run, page, summary
from bench.crash.steps import log_lines, steps_of
from local.caller import SpeechUnavailable
from local.chaos.command import mesh_for_chaos, told
from local.chaos.draining import drained
from local.chaos.faults import BY_NAME
from local.chaos.processes import NotThere
from local.chaos.run import Stage, struck_call
from local.console import Console
from local.interruptible import run_interruptible
from local.supervisor.errors import MeshError
from local.supervisor.mesh import ROOT
from local.supervisor.run_dir import RunDir
from local.versions import versions

_OUT = Path(__file__).parents[1] / "results"
_FAULTS = ("job-speaking", "worker-killed", "job-frozen", DRAIN, "livekit-killed", "livekit-stopped")
_CALLS = {"livekit-killed": 15, "livekit-stopped": 15}
"""Most of a kind: these two are one event, a server that is restarted, in two ways."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when nothing happened that must not, 1 when it did, 128 + signal when interrupted."""
    options = _parser().parse_args(arguments)
    console = Console()
    return run_interruptible(_guarded(options, console), on_first=lambda: None, on_second=lambda: None)


async def _guarded(options: argparse.Namespace, console: Console) -> int:
    run = Run(" ".join(["python -m bench.crash", *sys.argv[1:]]), datetime.now(UTC), {})
    load_before, livekit_version = _load(), ""
    try:
        with RunDir.claim(ROOT / ".run", "bench") as run_dir:
            async with mesh_for_chaos(run_dir.path, say=console.say) as mesh:
                stage, livekit_version = Stage.on(mesh), mesh.livekit_version
                try:
                    for name in options.faults.split(","):
                        await _struck(stage, run, name, options.calls, console)
                finally:
                    await stage.aclose()
                    lines = log_lines(run_dir.path / "logs")
                    run.steps = {
                        row.call_id: steps_of(lines, call_id=row.call_id, struck_at=row.struck_at) for row in run.rows
                    }
    except (MeshError, SpeechUnavailable, NotThere) as error:
        console.complain(f"\n{error}")
        run.broken = str(error)
        if not run.rows:
            return 1
    run.machine = {
        "nproc": os.cpu_count(),
        "load_before": load_before,
        "load_after": _load(),
        "versions": versions(livekit_version),
        "python": platform.python_version(),
    }
    name = f"crash-{run.began_at:%Y-%m-%d}"
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / f"{name}.json").write_text(json.dumps(summary(run), indent=1) + "\n", "utf-8")
    (options.out / f"{name}.md").write_text(page(run), "utf-8")
    console.plain(f"\n{page(run)}\nwritten: {name}.md and {name}.json in {options.out}")
    return 1 if run.problems else 0


async def _struck(stage: Stage, run: Run, name: str, calls: int, console: Console) -> None:
    fault, done = BY_NAME[name], 0
    while done < min(calls, _CALLS.get(name, calls)):
        if name == DRAIN:
            rows, moved = await drained(stage, fault, calls=fault.calls)
            run.moved += moved
        else:
            rows = [await struck_call(stage, fault, seed=done)]
        run.rows += rows
        done += len(rows)
        for row in rows:
            console.say(f"{done:>3}/{calls} {told(row)}")


def _load() -> str:
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.crash", description=__doc__)
    parser.add_argument("--calls", type=int, default=30, metavar="N", help="of each kind")
    parser.add_argument(
        "--faults", default=",".join(_FAULTS), help="names of `python -m local chaos --list`, with commas"
    )
    parser.add_argument("--out", type=Path, default=_OUT, metavar="DIR", help="where the results go (bench/results)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
