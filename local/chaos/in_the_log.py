"""What the workers wrote about a struck call, where its record has nothing of it."""

from __future__ import annotations

from pathlib import Path


def tools_that_failed(logs: Path, call_id: str) -> int:
    """How often a back office was asked in this call, and failed or did not answer in time."""
    return sum(
        f'"{call_id}"' in line and '"voicemesh.tools"' in line and '"WARNING"' in line
        for log in logs.glob("*.log")
        for line in log.read_text("utf-8", errors="replace").splitlines()
    )
