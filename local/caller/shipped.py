"""The callers that come with the mesh: listed for a person, and found by name."""

from __future__ import annotations

from pathlib import Path

from local.caller.reader import load_script
from local.caller.script import Script

FOLDER = Path(__file__).resolve().parents[1] / "callers"


def shipped() -> list[Script]:
    """All of them, by name. Raises ScriptError when one cannot be played."""
    return [load_script(path) for path in sorted(FOLDER.glob("*.yaml"))]


def find(asked: Path) -> Path:
    """A file as it is; otherwise the shipped caller of that name (``mumbled`` or ``mumbled.yaml``), when there is one."""
    named = FOLDER / f"{asked.name.removesuffix('.yaml')}.yaml"
    return named if not asked.exists() and asked.parent == Path() and named.exists() else asked


def table() -> str:
    """One line each: its name, the way that its call takes, and its title."""
    rows = [(s.path.stem, " → ".join(s.expect.services or ()) or "-", s.title) for s in shipped()]
    names, ways = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    return "\n".join(f"  {name:<{names}}  {way:<{ways}}  {title}" for name, way, title in rows)
