"""A soak that is over, read again from its folder: to judge it anew, or to judge what a killed one had sampled."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.load.heard import HeardCall
from bench.load.soak import Soaked
from local.supervisor.errors import MeshError

_LISTS = ("responses_ms", "gaps_ms", "failures")


def reread(folder: Path) -> tuple[Soaked, dict[str, Any]]:
    """The soak, and what its report said of itself (command, began_at, machine); of one that wrote no report, what its samples tell.
    Raises MeshError when there are no samples."""
    try:
        samples = [json.loads(line) for line in (folder / "samples.jsonl").read_text("utf-8").splitlines()]
    except OSError as error:
        raise MeshError(f"no soak in {folder}: {error.strerror}", advice="name the folder of a soak's run") from None
    if not samples:
        raise MeshError(f"the soak in {folder} ended before its first sample", advice="run it again")
    report = folder / "soak.json"
    told: dict[str, Any] = json.loads(report.read_text("utf-8")) if report.exists() else {}
    is_whole = bool(told.get("idle_after"))
    soaked = Soaked(
        minutes=float(told.get("minutes", round(samples[-1]["seconds"] / 60, 1))),
        lines=int(told.get("lines", 1)),
        samples=samples[1 : -1 if is_whole else None],
        calls=[HeardCall(**call | {name: tuple(call[name]) for name in _LISTS}) for call in told.get("calls", [])],
        idle_before=samples[0],
        idle_after=samples[-1] if is_whole else {},
        broken_off=not is_whole,
    )
    began_at = told.get("began_at") or datetime.now(UTC).isoformat()
    return soaked, {
        "command": told.get("command", "python -m bench.load soak"),
        "began_at": datetime.fromisoformat(began_at),
        "machine": told.get("machine") or {},
    }
