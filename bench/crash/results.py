"""The outcome of a run, for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from bench.crash.steps import medians
from local.chaos.draining import Moved
from local.chaos.faults import BY_NAME
from local.chaos.run import Row
from local.chaos.table import spread

DRAIN = "drain-of-many"


@dataclass(slots=True)
class Run:
    """What was run, where, and what came out."""

    command: str
    began_at: datetime
    machine: Mapping[str, Any]
    rows: list[Row] = field(default_factory=list)
    steps: dict[str, Mapping[str, int]] = field(default_factory=dict)
    """By call: milliseconds from the strike to each step that was written of."""
    moved: list[Moved] = field(default_factory=list)
    """The calls of drained workers."""
    broken: str = ""
    """Why the run came to an early end."""

    def of(self, fault: str) -> list[Row]:
        """The calls of one kind that were struck."""
        return [row for row in self.rows if row.fault == fault and not row.missed]

    @property
    def problems(self) -> list[str]:
        """What must not happen, and did; and calls that could not be struck."""
        found = [f"{row.fault} ({row.call_id}): {problem}" for row in self.rows for problem in row.problems]
        found += [f"{row.fault}: not struck: {row.missed}" for row in self.rows if row.missed]
        return [*found, f"the run ended early: {self.broken}"] if self.broken else found


def summary(run: Run) -> dict[str, Any]:
    """Everything that the page says, as data."""
    return {
        "command": run.command,
        "began_at": run.began_at.isoformat(timespec="seconds"),
        "machine": dict(run.machine),
        "faults": [_figures(run, name) for name in _names(run)],
        "drain": _drain(run),
        "problems": run.problems,
        "calls": [asdict(row) | {"steps_ms": dict(run.steps.get(row.call_id, {}))} for row in run.rows],
    }


def page(run: Run) -> str:
    """The run as Markdown."""
    machine = run.machine
    lines = [
        f"# Crashes and drains, {run.began_at:%Y-%m-%d}",
        "",
        f"`{run.command}`, embedded voices and playbook, {machine['nproc']} cores, load {machine['load_before']} before and"
        f" {machine['load_after']} after, Python {machine['python']}.",
        "",
        "At the caller's ear, milliseconds: from the strike to the first voice that is not the struck agent's (LiveKit: from the moment"
        " that the server was ready again), and the longest silence from the strike on.",
        "",
        "| what | n | voice again: median | p95 | max | aim: median / p95 | longest silence: median | p95 | load |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_line(_figures(run, name)) for name in _names(run)),
        "",
        *_drain_lines(_drain(run)),
        "Where the time goes, medians, milliseconds from the strike, from what the workers wrote:",
        "",
        "| what | seized | heard again (first frame played) |",
        "| --- | --- | --- |",
        *(_step_line(_figures(run, name)) for name in _names(run)),
        "",
        f"**What must not be: {len(run.problems)}**",
        *(f"- {problem}" for problem in run.problems),
        "",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in machine["versions"].items()) + ".",
        "",
    ]
    return "\n".join(lines)


def _names(run: Run) -> list[str]:
    return [name for name in dict.fromkeys(row.fault for row in run.rows) if name != DRAIN and run.of(name)]


def _figures(run: Run, name: str) -> dict[str, Any]:
    rows = run.of(name)
    heard = [row.heard for row in rows if row.heard is not None]
    return {
        "fault": name,
        "title": BY_NAME[name].title,
        "aim_ms": BY_NAME[name].aim_ms,
        "n": len(rows),
        "voice_after_ms": spread([h.voice_after_ms for h in heard if h.voice_after_ms is not None]),
        "longest_silence_ms": spread([h.longest_silence_ms for h in heard]),
        "steps_ms": medians([run.steps.get(row.call_id, {}) for row in rows]),
        "load": _loads(rows),
    }


def _line(figures: dict[str, Any]) -> str:
    voice, silence = figures["voice_after_ms"] or {}, figures["longest_silence_ms"] or {}
    aim = "{} / {}".format(*figures["aim_ms"]) if figures["aim_ms"] else ""
    cells = [figures["title"], figures["n"], *(voice.get(k, "-") for k in ("median", "p95", "max")), aim]
    cells += [silence.get("median", "-"), silence.get("p95", "-"), figures["load"]]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _step_line(figures: dict[str, Any]) -> str:
    steps = figures["steps_ms"]
    return f"| {figures['title']} | {steps.get('seized', '-')} | {steps.get('heard again', '-')} |"


def _drain(run: Run) -> dict[str, Any] | None:
    rows = run.of(DRAIN)
    if not rows:
        return None
    pairs = [(row, moved) for row, moved in zip(rows, run.moved, strict=True) if row.heard is not None]
    return {
        "n": len(pairs),
        "moved": sum(moved.moved_after_ms is not None for _, moved in pairs),
        "dropped": sum(any(p.kind == "silent drop" for p in row.problems) for row, _ in pairs),
        "moved_after_ms": spread([m.moved_after_ms for _, m in pairs if m.moved_after_ms is not None]),
        "added_silence_ms": spread(
            [max(0, row.heard.longest_silence_ms - m.usual_silence_ms) for row, m in pairs if row.heard is not None]
        ),
        "load": _loads(rows),
    }


def _drain_lines(drain: dict[str, Any] | None) -> list[str]:
    if drain is None:
        return []
    after, added = drain["moved_after_ms"] or {}, drain["added_silence_ms"] or {}
    cells = [drain["n"], drain["moved"], drain["dropped"]]
    cells += [*(after.get(k, "-") for k in ("median", "max")), *(added.get(k, "-") for k in ("median", "p95"))]
    return [
        "A worker with 5 live calls is told to stop (SIGTERM); another of its service runs. Added silence: by how much the longest silence"
        " after it is longer than the same caller's longest before it. Aim: all moved in 10,000 ms, none dropped, 200 ms added at p95.",
        "",
        "| calls | moved | dropped | moved after, ms: median | max | added silence, ms: median | p95 | load |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "| " + " | ".join(str(cell) for cell in (*cells, drain["load"])) + " |",
        "",
    ]


def _loads(rows: Sequence[Row]) -> str:
    loads = [row.load for row in rows]
    return f"{min(loads):.1f}-{max(loads):.1f}"
