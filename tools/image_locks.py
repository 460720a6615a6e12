"""Writes images/*.lock, what each kind of image installs: `make lock` calls it; `python -m tools.image_locks --show` prints the inputs.

The dependencies are those that the members declare in their pyproject.toml; the versions and hashes are requirements.lock's, so that an
image never runs what the tests have not run. Needs uv.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from tools.house import ROOT, project

FOLDER = ROOT / "images"
LOCK = ROOT / "requirements.lock"
_OURS = "voicemesh-"
MEMBERS: dict[str, tuple[str, ...]] = {
    "build": (),
    "worker": (
        "services/triage",
        "services/billing",
        "services/technical",
        "services/sales",
        "services/escalation",
    ),
    "office": ("services/billing[mcp]", "services/technical[mcp]", "services/sales[mcp]", "services/escalation[mcp]"),
    "gateway": ("gateway",),
    "ledger": ("libs/ledger",),
    "scale-down": ("libs/scale_down",),
    "speech": ("libs/handoff", "libs/yaml_lines"),
}
"""Lock -> whose dependencies it holds. ``[mcp]``: those of the extra alone, for a back office has none of its service's."""


def needs(member: str) -> set[str]:
    """What a member needs that is not ours, with what those of ours need on which it sits."""
    folder, _, extra = member.rstrip("]").partition("[")
    table = project(ROOT / folder)
    wanted: list[str] = table["optional-dependencies"][extra] if extra else table["dependencies"]
    found: set[str] = set()
    for requirement in wanted:
        found |= needs(_folder_of(requirement)) if requirement.startswith(_OURS) else {requirement}
    return found


def inputs(lock: str) -> list[str]:
    """Everything that goes into a lock, sorted."""
    own = FOLDER / f"{lock}.in"
    lines = own.read_text().splitlines() if own.is_file() else []
    mine = {line for line in lines if line and not line.startswith("#")}
    return sorted(mine.union(*(needs(member) for member in MEMBERS[lock])))


def pins(lock: Path) -> list[str]:
    """A lock file's lines without hashes: name, version, and for which Python or machine."""
    found = re.findall(r"^([a-z0-9][^=\s\[]*)(?:\[[^]]*\])?(==[^\\\n]+?)\s*\\?$", lock.read_text(), flags=re.MULTILINE)
    return sorted(name + rest for name, rest in found)


def _folder_of(requirement: str) -> str:
    name = requirement.removeprefix(_OURS).replace("-", "_")
    return next(f"{room}/{name}" for room in ("libs", "services") if (ROOT / room / name).is_dir())


def compile_all() -> int:
    """uv's exit code."""
    constraints = FOLDER / ".constraints"
    constraints.write_text("\n".join(pins(LOCK)))
    try:
        for lock in MEMBERS:
            command = ["uv", "pip", "compile", "--quiet", "--python-version", "3.11", "--python-platform", "linux"]
            command += [
                "--generate-hashes",
                "--no-emit-index-url",
                "--custom-compile-command",
                "make lock",
                "--no-annotate",
            ]
            command += ["--constraint", str(constraints), "-", "-o", str(FOLDER / f"{lock}.lock")]
            done = subprocess.run(command, input="\n".join(inputs(lock)), text=True, cwd=ROOT)
            if done.returncode:
                return done.returncode
    finally:
        constraints.unlink()
    return 0


def main() -> int:
    """Exit code 0, or uv's."""
    parser = argparse.ArgumentParser(prog="python -m tools.image_locks", description=__doc__)
    parser.add_argument("--show", action="store_true", help="print what goes into each lock instead")
    if parser.parse_args().show:
        for lock in MEMBERS:
            print(f"{lock}: {', '.join(inputs(lock))}")
        return 0
    return compile_all()


if __name__ == "__main__":
    sys.exit(main())
