"""The outcome of a run, for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from bench.density import meter
from bench.density.capacity import CPU_SHARE, MEMORY_SHARE, Line, Pod, holds, needed, through
from bench.density.levels import Level
from bench.handoff.results import spread

PODS = (Pod(2, 2), Pod(2, 4), Pod(2, 8), Pod(4, 4), Pod(4, 8))
AIM_CALLS, AIM_TIMES = 50, 2.0
"""So many calls on 2 cores and 2 GiB, answers and handoffs within so many times the single call's."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was run, where, and what came out."""

    command: str
    began_at: datetime
    executor: str
    speech: str
    machine: Mapping[str, Any]
    """nproc, load averages before and after, versions."""
    levels: Sequence[Level]
    broken: str = ""
    """Why the ramp came to an early end."""

    def line(self, cost: str) -> Line | None:
        """``worker_cores`` or ``mib``, over the levels; None with fewer than two."""
        points = [(float(level.calls), float(getattr(level, cost))) for level in self.levels if not level.lost]
        return through(points) if len({calls for calls, _ in points}) > 1 else None


def summary(run: Run) -> dict[str, Any]:
    """Everything that the page says, as data."""
    cores, mib = run.line("worker_cores"), run.line("mib")
    return {
        "command": run.command,
        "began_at": run.began_at.isoformat(timespec="seconds"),
        "executor": run.executor,
        "speech": run.speech,
        "machine": dict(run.machine),
        "broken": run.broken,
        "cores": asdict(cores) if cores else None,
        "mib": asdict(mib) if mib else None,
        "levels": [asdict(level) | _at_the_ear(level) for level in run.levels],
    }


def _at_the_ear(level: Level) -> dict[str, Any]:
    return {
        "answer_ms": spread(ms for one in level.answers for ms in one.after_ms),
        "gap_ms": spread(one.gap_ms for one in level.handoffs),
        "asked": sum(one.asked for one in level.answers),
        "failures": [one.failure for one in (*level.answers, *level.handoffs) if one.failure],
    }


def page(run: Run) -> str:
    """The run as Markdown."""
    machine = run.machine
    lines = [
        f"## {run.executor} executor, {run.speech} speech, {run.began_at:%Y-%m-%d %H:%M} UTC",
        "",
        f"    {run.command}",
        "",
        f"{machine['nproc']} cores for everything: the worker, its callers, LiveKit, Redis, the stub. Load {machine['load_before']} before and"
        f" {machine['load_after']} after.{f' **The ramp ended early: {run.broken}.**' if run.broken else ''}",
        "",
        *_costs(run.levels),
        *_ear(run.levels),
        *_beside(run.levels),
        *_lines(run),
    ]
    return "\n".join(lines)


def _costs(levels: Sequence[Level]) -> list[str]:
    head = "| calls | worker, cores | of these: jobs | main process | CPU s to start a call | worker, MiB | of these: jobs | private, a job"
    rows = [
        [
            level.calls,
            f"{level.worker_cores:.2f}",
            f"{level.cores[meter.JOBS]:.2f}",
            f"{level.cores[meter.MAIN]:.2f}",
            f"{level.starts_cpu_seconds:.1f}" if level.starts_cpu_seconds else "-",
            f"{level.mib:.0f}",
            f"{level.mib_by_role[meter.JOBS]:.0f}",
            f"{level.job_private_mib:.0f}" if level.job_private_mib else "-",
            f"{level.machine_cores:.2f}",
            f"{max(0.0, level.others_cores):.2f}",
            f"{level.load:.1f}",
            level.lost,
        ]
        for level in levels
    ]
    return _table(f"{head} | machine busy, cores | with other work | load | lost |", rows)


def _ear(levels: Sequence[Level]) -> list[str]:
    found = [(level, _at_the_ear(level)) for level in levels if level.answers or level.handoffs]
    if not found:
        return []
    first = found[0][1]
    rows = [
        [
            level.calls + len(level.answers),
            *_cells(ear["answer_ms"], first["answer_ms"]),
            *_cells(ear["gap_ms"], first["gap_ms"]),
            "; ".join(ear["failures"]),
        ]
        for level, ear in found
    ]
    head = "| calls held | answer, ms: n | min | median | p95 | median to the first row's | gap, ms: n | min | median | p95 | to the first row's | failed |"
    return [
        "At the ear: from the caller's last sound to the agent's first; from the giver's last frame to the taker's first. The callers who"
        " listen are counted in; the one who is handed over comes on top.",
        "",
        *_table(head, rows),
    ]


def _cells(mine: Mapping[str, float], first: Mapping[str, float]) -> list[str]:
    if not mine:
        return ["0", "", "", "", ""]
    times = f"{mine['median'] / first['median']:.2f}" if first and first["median"] else ""
    return [*(f"{mine[name]:g}" for name in ("n", "min", "median", "p95")), times]


def _beside(levels: Sequence[Level]) -> list[str]:
    names = list(dict.fromkeys(name for level in levels for name in level.beside))
    rows = []
    for level in levels:
        cells = [level.beside.get(name) for name in names]
        rows.append([level.calls, *(f"{cell[0]:.2f} / {cell[1]:.0f}" if cell else "-" for cell in cells)])
    return ["Beside it, cores / MiB:", "", *_table("| calls | " + " | ".join(names) + " |", rows)]


def _lines(run: Run) -> list[str]:
    cores, mib = run.line("worker_cores"), run.line("mib")
    if cores is None or mib is None:
        return ["Too few levels for a line.", ""]
    rows = []
    for pod in PODS:
        found = holds(pod, cores=cores, mib=mib)
        rows.append([f"{pod.cores:g} cores, {pod.gib:g} GiB", found.by_cpu, found.by_memory, f"**{found.calls}**"])
    need = needed(AIM_CALLS, cores=cores, mib=mib)
    per_core = f", {1 / cores.each:.1f} calls a core" if cores.each > 0 else ""
    return [
        f"By least squares: **{cores.each:.3f} cores** a call{per_core} and {cores.base:.2f} with none;"
        f" **{mib.each:.0f} MiB** a call and {mib.base:.0f} with none. With {CPU_SHARE:.0%} of the cores and {MEMORY_SHARE:.0%} of the memory used:",
        "",
        *_table("| pod | calls by CPU | by memory | holds |", rows),
        f"{AIM_CALLS} calls need {need.cores:.1f} cores and {need.gib:.1f} GiB.",
        "",
    ]


def _table(head: str, rows: Iterable[Sequence[object]]) -> list[str]:
    columns = head.count("|") - 1
    return [head, "|" + " --- |" * columns, *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]
