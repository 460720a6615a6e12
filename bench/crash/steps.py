"""Where the time goes between a strike and the next voice, from what the workers wrote about that call."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

SEIZED, HEARD_AGAIN = "seized", "heard again"
_SAYS = {SEIZED: "is seized for", HEARD_AGAIN: ": heard again"}
"""What a log line of the guardian, and of a successor, says."""


def log_lines(folder: Path) -> list[Mapping[str, object]]:
    """Every JSON line of the processes' logs, by time."""
    found = []
    for path in sorted(folder.glob("*.log")):
        for line in path.read_text("utf-8", errors="replace").splitlines():
            if line.startswith("{"):
                try:
                    found.append(json.loads(line))
                except ValueError:
                    continue  # a killed process's last line
    return sorted((line for line in found if isinstance(line.get("at"), int | float)), key=lambda line: line["at"])


def steps_of(lines: Iterable[Mapping[str, object]], *, call_id: str, struck_at: float) -> dict[str, int]:
    """Milliseconds from the strike to the first time that each step was written of, for that call; a step nobody wrote of is left out."""
    found: dict[str, int] = {}
    for line in lines:
        at = line["at"]
        assert isinstance(at, int | float)
        if line.get("call_id") != call_id or at < struck_at:
            continue
        for step, says in _SAYS.items():
            if says in str(line.get("message", "")):
                found.setdefault(step, round((at - struck_at) * 1000))
    return found


def medians(steps: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The median of each step over the calls that have it."""
    names = [name for name in _SAYS if any(name in one for one in steps)]
    return {name: round(statistics.median([one[name] for one in steps if name in one])) for name in names}
