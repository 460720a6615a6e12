"""Generates Python from proto/handoff/v1: `python tools/proto.py [--out DIR]` (default: into libs/handoff)."""

from __future__ import annotations

import argparse
import sys
from importlib import resources
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
PACKAGE_ROOT = ROOT / "libs" / "handoff"


def generate(out: Path) -> int:
    """Writes out/handoff/v1/*_pb2.py, .pyi and *_pb2_grpc.py; returns protoc's exit code."""
    sources = sorted(PROTO.rglob("*.proto"))
    names = [path.relative_to(PROTO).as_posix() for path in sources]
    well_known = resources.files("grpc_tools") / "_proto"
    includes = [f"-I{PROTO}", f"-I{well_known}"]
    # Only a file with a service has something to say in *_pb2_grpc.py.
    services = [name for name in names if name.endswith("_service.proto")]
    if code := protoc.main(["protoc", *includes, f"--python_out={out}", f"--pyi_out={out}", *names]):
        return int(code)
    return int(protoc.main(["protoc", *includes, f"--grpc_python_out={out}", *services]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PACKAGE_ROOT, help="folder that gets handoff/v1/")
    return generate(parser.parse_args().out)


if __name__ == "__main__":
    sys.exit(main())
