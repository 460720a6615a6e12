"""The outcome of a run, for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from handoff.lifecycle import State

from bench.handoff.placing_calls import BASELINE, MESH, Row

AIM_GAP_P95_MS, AIM_OVERLAP_MS, AIM_CLIPPED_MS = 200, 0, 20
_STEPS = (State.OFFERED, State.ACCEPTED, State.DISPATCHED, State.READY, State.TAKEN, State.SPOKEN)
_AT_THE_EAR = (
    ("gap_ms", "gap"),
    ("overlap_ms", "overlap"),
    ("clipped_ms", "clipped at the beginning"),
    ("shorter_ms", "heard shorter than spoken by"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """What was run, where, and what came out."""

    command: str
    began_at: datetime
    voices: str
    machine: Mapping[str, Any]
    """nproc, load averages before and after, versions."""
    rows: Sequence[Row]

    def of(self, kind: str) -> list[Row]:
        """The calls of one kind that succeeded."""
        return [row for row in self.rows if row.kind == kind and not row.failure]

    @property
    def failed(self) -> list[Row]:
        """The calls that did not."""
        return [row for row in self.rows if row.failure]


def spread(values: Iterable[float | None]) -> dict[str, float]:
    """n, min, median, p95, max. Percentiles by nearest rank: each is a value that was measured. Empty without values."""
    ranked = sorted(v for v in values if v is not None)
    if not ranked:
        return {}

    def rank(part: float) -> float:
        return ranked[max(0, math.ceil(part * len(ranked)) - 1)]

    return {"n": len(ranked), "min": ranked[0], "median": rank(0.5), "p95": rank(0.95), "max": ranked[-1]}


def summary(run: Run) -> dict[str, Any]:
    """Everything that the page says, as data."""
    ear = {
        kind: {name: spread(getattr(row.figures, name) for row in run.of(kind)) for name, _ in _AT_THE_EAR}
        for kind in (MESH, BASELINE)
    }
    return {
        "command": run.command,
        "began_at": run.began_at.isoformat(timespec="seconds"),
        "voices": run.voices,
        "machine": dict(run.machine),
        "calls": {kind: sum(row.kind == kind for row in run.rows) for kind in (MESH, BASELINE)},
        "failed": {kind: sum(row.kind == kind for row in run.failed) for kind in (MESH, BASELINE)},
        "at_the_ear": ear,
        "ratio_of_median_gaps": _ratio(ear[MESH]["gap_ms"], ear[BASELINE]["gap_ms"]),
        "steps": _steps(run.of(MESH)),
        "aims": _aims(ear[MESH]),
        "rows": [asdict(row) for row in run.rows],
    }


def _ratio(mine: Mapping[str, float], other: Mapping[str, float]) -> float | None:
    return round(mine["median"] / other["median"], 2) if mine and other and other["median"] else None


def _steps(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """How long from each state to the next, and where the floor's passing lies between the two voices."""
    found = {}
    for before, after in pairwise(_STEPS):
        took = (round(r.steps[after] - r.steps[before], 1) for r in rows if before in r.steps and after in r.steps)
        found[f"{before} → {after}"] = spread(took)
    found["giver's last frame at the ear → taken"] = spread(row.ear_to_taken_ms for row in rows)
    found["taken → taker's first frame at the ear"] = spread(row.taken_to_ear_ms for row in rows)
    return found


def _aims(ear: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    wanted = {
        "gap p95": (ear["gap_ms"].get("p95"), AIM_GAP_P95_MS),
        "overlap max": (ear["overlap_ms"].get("max"), AIM_OVERLAP_MS),
        "clipped max": (ear["clipped_ms"].get("max"), AIM_CLIPPED_MS),
    }
    return {
        name: {"aim_ms": aim, "measured_ms": got, "met": got is not None and got <= aim}
        for name, (got, aim) in wanted.items()
    }


def page(run: Run) -> str:
    """The Markdown page."""
    data = summary(run)
    machine, calls, failed = data["machine"], data["calls"], data["failed"]
    lines = [
        f"# Handoffs at the caller's ear, {run.began_at:%Y-%m-%d %H:%M} UTC",
        "",
        f"    {run.command}",
        "",
        f"{calls[MESH]} calls through the mesh (triage's worker hands over to billing's) and {calls[BASELINE]} through LiveKit's"
        " own change of agent inside one worker (`session.update_agent`), in turns, on one LiveKit server."
        f" Voices: {run.voices}. Failed: {failed[MESH]} and {failed[BASELINE]}.",
        "",
        *(_aim_line(name, aim) for name, aim in data["aims"].items()),
        "",
        "Milliseconds; frames of 10 ms; p95 by nearest rank.",
        "",
        *_table("at the caller's ear", _ear_rows(data["at_the_ear"])),
        "",
        f"Median gap, mesh to in-process: {_times(data['ratio_of_median_gaps'])}",
        "",
        *_table("the mesh's handoff, step by step", list(data["steps"].items())),
        "",
        f"Machine: {machine['nproc']} cores; load average {machine['load_before']} before, {machine['load_after']} after,"
        f" at most {max((row.load for row in run.rows), default=0.0):.1f} when a call began.",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in machine["versions"].items()) + ".",
    ]
    lines += _failures(run.failed)
    return "\n".join(lines) + "\n"


def _aim_line(name: str, aim: Mapping[str, Any]) -> str:
    got = "nothing measured" if aim["measured_ms"] is None else f"{aim['measured_ms']:g} ms"
    return f"- aim: {name} <= {aim['aim_ms']} ms: {'met' if aim['met'] else 'not met'} ({got})"


def _ear_rows(ear: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[tuple[str, Mapping[str, float]]]:
    return [(f"{what}, {kind}", ear[kind][name]) for name, what in _AT_THE_EAR for kind in (MESH, BASELINE)]


def _table(title: str, rows: Sequence[tuple[str, Mapping[str, float]]]) -> list[str]:
    columns = ("min", "median", "p95", "max", "n")
    lines = [f"| {title} | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
    for name, values in rows:
        lines.append(f"| {name} | {' | '.join(f'{values[c]:g}' if values else '-' for c in columns)} |")
    return lines


def _times(ratio: float | None) -> str:
    return "not to be told." if ratio is None else f"{ratio:g} times."


def _failures(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    return ["", "Failed:", "", *(f"- {row.kind} {row.number}, {row.call_id}: {row.failure}" for row in rows)]
