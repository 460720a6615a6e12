"""The pages' own scripts in node, on a document of paper: see paper_page.mjs."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PAGES = HERE.parent / "pages"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


def as_modules(folder: Path) -> Path:
    """The pages' scripts, as modules to node."""
    for script in PAGES.glob("*.js"):
        shutil.copy(script, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def told(program: str, scripts: Path, *steps: str) -> dict[str, Any]:
    """What the gateway was asked since the first step, and what the page shows after the last one."""
    assert NODE is not None
    command = [NODE, str(HERE / program), str(scripts), *steps]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
