"""The generated code that is checked in is what proto/ generates today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHECKED_IN = ROOT / "libs" / "handoff" / "handoff" / "v1"


def _generated(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*_pb2*.py*")}


def test_generating_again_changes_nothing(tmp_path: Path) -> None:
    # A process of its own: protoc's descriptors would otherwise meet the ones that are loaded here.
    subprocess.run([sys.executable, ROOT / "tools" / "proto.py", "--out", tmp_path], check=True)
    fresh, checked_in = _generated(tmp_path / "handoff" / "v1"), _generated(CHECKED_IN)
    assert fresh.keys() == checked_in.keys(), "run `make proto` and check the result in"
    stale = [name for name in fresh if fresh[name] != checked_in[name]]
    assert not stale, "run `make proto` and check the result in"


def test_proto_package_path_and_import_path_are_one_name() -> None:
    for path in (ROOT / "proto").rglob("*.proto"):
        package = ".".join(path.relative_to(ROOT / "proto").parent.parts)
        assert f"package {package};" in path.read_text()
        assert (CHECKED_IN.parent.parent / Path(*package.split(".")) / f"{path.stem}_pb2.py").is_file()
