"""What stands in the house: its members, its services, its hand-written modules. Read from the folders, not from a list."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("libs", "services", "gateway", "local", "bench", "tools", "tests")
_GENERATED = (Path("libs/handoff/handoff/v1"),)


def members(root: Path = ROOT) -> list[Path]:
    """Folders with a pyproject.toml of their own: the gateway, the libraries, the services."""
    folders = [root / "gateway", *(path for room in ("libs", "services") for path in (root / room).glob("*"))]
    return sorted(folder for folder in folders if (folder / "pyproject.toml").is_file())


def services(root: Path = ROOT) -> list[str]:
    """Names of the services that exist."""
    return [member.name for member in members(root) if member.parent.name == "services"]


def packages(root: Path = ROOT) -> list[Path]:
    """Every importable package of ours: those of the members, and those at the root."""
    # A member that is a package itself (the gateway) holds subpackages, no packages.
    homes = [member for member in members(root) if not (member / "__init__.py").is_file()]
    found = [init.parent for member in homes for init in sorted(member.glob("*/__init__.py"))]
    return [
        *found,
        *(root / name for name in ("gateway", "local", "bench", "tools") if (root / name / "__init__.py").is_file()),
    ]


def modules(root: Path = ROOT, *, tests: bool = True) -> Iterator[Path]:
    """Every hand-written Python file, relative to ``root``; ``tests=False`` leaves out what only tests import."""
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            relative = path.relative_to(root)
            is_ours = not any(relative.is_relative_to(folder) for folder in _GENERATED)
            if is_ours and "build" not in relative.parts and (tests or "tests" not in relative.parts):
                yield relative


@cache
def tree(module: Path) -> ast.Module:
    """The syntax tree of a module (relative to the root)."""
    return ast.parse((ROOT / module).read_text(), filename=str(module))


def project(member: Path) -> dict[str, Any]:
    """The ``[project]`` table of a member."""
    table: dict[str, Any] = tomllib.loads((member / "pyproject.toml").read_text())["project"]
    return table
