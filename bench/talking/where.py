"""Where an answer's time goes: the agents' own figures of the measured calls, as the workers logged them (worker/agent/answer_times.py)."""

from __future__ import annotations

import json
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

_LEGS = (
    ("heard", "the words are there"),
    ("over", "the turn is over"),
    ("noted", "what was said is noted"),
    ("spoken", "the answer's first frame is handed over"),
)
"""Names of the log, in order, each with what has happened by then."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer, in milliseconds after the caller's last sound, as the agent's voice detector has it."""

    call_id: str
    ms: dict[str, int]


def answers(logs: Path, call_ids: Collection[str]) -> list[Answered]:
    """What the workers whose logs lie in the folder ``logs`` have written of these calls."""
    found = []
    for path in sorted(logs.glob("*.log")):
        for line in path.read_text("utf-8", errors="replace").splitlines():
            if '"answer_ms"' in line and (answered := _read(line)) is not None and answered.call_id in call_ids:
                found.append(answered)
    return found


def _read(line: str) -> Answered | None:
    try:
        said = json.loads(line)
        return Answered(str(said["call_id"]), {str(name): int(ms) for name, ms in said["answer_ms"].items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # half a line: its worker was stopped


def table(found: Sequence[Answered], at_the_ear_ms: Sequence[int]) -> list[str]:
    """Lines of Markdown; none without an answer. ``at_the_ear_ms``: the same answers, as the recordings have them."""
    if not found:
        return []
    lines = [
        f"Where an answer's time goes, {len(found)} answers, by the agents' clock from the last sound that the voice detector heard:",
        "",
        "| until | median, ms | p95, ms |",
        "| --- | --- | --- |",
        *(_row(told, [answer.ms[name] for answer in found if name in answer.ms]) for name, told in _LEGS),
        _row("(of which the voice makes the first frame in)", [answer.ms.get("voice", 0) for answer in found]),
    ]
    if at_the_ear_ms:
        lines.append(_row("the caller hears it, after the last sound that he made", at_the_ear_ms))
    return [*lines, ""]


def _row(what: str, times: Sequence[int]) -> str:
    return f"| {what} | {statistics.median(times):.0f} | {p95(times)} |" if times else f"| {what} | | |"


def p95(times: Sequence[int]) -> int:
    """The smallest that at least 95 of 100 do not exceed (nearest rank)."""
    return sorted(times)[-(-95 * len(times) // 100) - 1]
