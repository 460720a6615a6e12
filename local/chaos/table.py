"""What came of a run, for a person and for a machine: one line a fault, with what the caller heard and how the calls ended."""

from __future__ import annotations

import os
import platform
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from local.chaos.faults import FAULTS, Fault
from local.chaos.run import Row
from local.chaos.verdict import ASKED_AGAIN, DOUBLE_SPEAKER, REPEATED_EFFECT, SILENT_DROP, WRONG_ENDING

if TYPE_CHECKING:
    from local.chaos.soundless.run import Outcome


@dataclass(frozen=True, slots=True)
class Run:
    """A run of chaos. ``load`` is the load average before and after."""

    command: str
    seed: int
    began_at: datetime
    seconds: float
    load: tuple[float, float]
    rows: Sequence[Row]
    broken: str = ""
    """Why the run came to an early end."""
    wanted: Sequence[str] = ()
    """Names of the faults that the run is to strike with at least once."""
    ledger: Sequence[str] = ()
    """What the ledger's database has otherwise than the calls' records."""
    without_audio: Outcome | None = None
    """Of the handoffs in made-up rooms, when they were part of the run."""

    @property
    def struck(self) -> list[Row]:
        """Calls that were struck."""
        return [row for row in self.rows if not row.missed]

    @property
    def problems(self) -> list[tuple[Row, str]]:
        """All that must not happen, with the call in which it did."""
        return [(row, str(problem)) for row in self.rows for problem in row.problems]

    @property
    def not_struck(self) -> list[str]:
        """Names of wanted faults that struck no call: nothing is known of them."""
        struck = {row.fault for row in self.struck}
        return [name for name in self.wanted if name not in struck]

    @property
    def failed(self) -> bool:
        """Whether anything happened that must not, or something was not tried that should be."""
        if self.without_audio is not None and self.without_audio.problems:
            return True
        return bool(self.problems or self.broken or self.not_struck or self.ledger) or not self.struck


def summary(run: Run) -> dict[str, Any]:
    """The run as JSON."""
    return {
        "command": run.command,
        "seed": run.seed,
        "began_at": run.began_at.isoformat(timespec="seconds"),
        "seconds": round(run.seconds, 1),
        "machine": {"nproc": os.cpu_count(), "load": run.load, "python": platform.python_version()},
        "faults": [_figures(fault, _of(run, fault)) for fault in FAULTS if _of(run, fault)],
        "calls": [asdict(row) for row in run.rows],
        "without_audio": None if run.without_audio is None else asdict(run.without_audio),
    }


def page(run: Run) -> str:
    """The run as Markdown; the table is what the terminal shows, too."""
    lines = [
        f"# Chaos, {run.began_at:%Y-%m-%d}",
        "",
        f"`{run.command}`: seed {run.seed}, {len(run.struck)} calls struck in {run.seconds / 60:.1f} minutes, {os.cpu_count()} cores,"
        f" load {run.load[0]:.1f} before and {run.load[1]:.1f} after, Python {platform.python_version()}.",
        "",
        "From the strike to a voice again, where an agent was struck, and the longest silence afterwards, at the caller's ear. Where a"
        " process was started again first (LiveKit), time counts from when it was ready.",
        "",
        *table(run),
        "",
        *_verdict(run),
    ]
    return "\n".join([*lines, ""])


def table(run: Run) -> list[str]:
    """One Markdown row for each fault that was tried."""
    lines = [
        "| fault | n | voice again, ms: median | p95 | max | aim | longest silence, s: median | max | two voices, ms | endings |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for fault in FAULTS:
        rows = _of(run, fault)
        if rows:
            lines.append(_line(_figures(fault, rows)))
    if run.without_audio is not None:
        lines.append(_line_without_audio(run.without_audio))
    return lines


def _line_without_audio(outcome: Outcome) -> str:
    """``n``: of strikes. A silence there ends with the next voice, so its length stands in the first columns alone."""
    endings = ", ".join(f"{count} {name}" for name, count in sorted(outcome.endings.items()))
    voice: Mapping[str, object] = outcome.silences_ms or {"median": "-", "p95": "-", "max": "-"}
    title = f"{outcome.handoffs} handoffs without audio, a fault in every tenth"
    doubles = sum(problem.startswith("two voices") for problem in outcome.problems)
    cells = [title, sum(outcome.struck.values()), voice["median"], voice["p95"], voice["max"], "", "-", "-", doubles]
    return "| " + " | ".join(str(cell) for cell in [*cells, endings]) + " |"


def _of(run: Run, fault: Fault) -> list[Row]:
    return [row for row in run.struck if row.fault == fault.name]


def _figures(fault: Fault, rows: Sequence[Row]) -> dict[str, Any]:
    heard = [row.heard for row in rows if row.heard is not None]
    of_agents = [row.heard for row in rows if row.heard is not None and row.has_voice_again]
    voices = [h.voice_after_ms for h in of_agents if h.voice_after_ms is not None]
    return {
        "fault": fault.name,
        "title": fault.title,
        "n": len(rows),
        "voice_after_ms": spread(voices),
        "aim_ms": fault.aim_ms,
        "longest_silence_ms": spread([h.longest_silence_ms for h in heard]),
        "two_voices_ms": sum(h.two_voices_ms for h in heard),
        "frozen_heard_ms": sum(h.struck_heard_ms for h in heard) if _lives_on(fault) else 0,
        "endings": dict(Counter(row.ending or "none" for row in rows)),
        "load": [round(row.load, 1) for row in rows],
    }


def _lives_on(fault: Fault) -> bool:
    """Whether the struck agent is only kept from the call for a while."""
    return "frozen" in fault.name or fault.name == "partition"


def _line(figures: dict[str, Any]) -> str:
    voice, silence = figures["voice_after_ms"], figures["longest_silence_ms"]
    aim = "{} / {}".format(*figures["aim_ms"]) if figures["aim_ms"] else ""
    endings = ", ".join(f"{count} {name}" for name, count in figures["endings"].items())
    cells = [
        figures["title"],
        figures["n"],
        *(voice[name] if voice else "-" for name in ("median", "p95", "max")),
        aim,
        *(f"{silence[name] / 1000:.1f}" if silence else "-" for name in ("median", "max")),
        figures["two_voices_ms"],
        endings,
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def spread(values: Sequence[float]) -> dict[str, float] | None:
    """Median, 95th percentile (nearest rank) and maximum; None of nothing."""
    if not values:
        return None
    ranked = sorted(values)
    p95 = ranked[-(-95 * len(ranked) // 100) - 1]
    return {"median": round(statistics.median(ranked)), "p95": p95, "max": ranked[-1]}


def _verdict(run: Run) -> list[str]:
    kinds = Counter(problem.kind for row in run.rows for problem in row.problems)
    counted = ", ".join(
        f"{kinds.get(kind, 0)} {kind}s" for kind in (SILENT_DROP, DOUBLE_SPEAKER, REPEATED_EFFECT, WRONG_ENDING)
    )
    lines = [f"**Verdict**: {counted}; {kinds.get(ASKED_AGAIN, 0)} times asked again."]
    lines += [f"- {row.fault} ({row.call_id}): {problem}" for row, problem in run.problems]
    lines += [f"- not struck: {row.fault} ({row.missed})" for row in run.rows if row.missed]
    tried = {row.fault for row in run.rows}
    lines += [f"- not struck: {name} (there was no time for it)" for name in run.not_struck if name not in tried]
    lines += [f"- {difference}" for difference in run.ledger]
    if run.without_audio is not None:
        lines += [f"- without audio: {problem}" for problem in run.without_audio.problems]
    return [*lines, f"- {run.broken}"] if run.broken else lines
