"""No module above 400 lines: what is longer is two things. Generated code and data excepted. `python -m tools.line_cap`"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.house import ROOT, modules

CAP = 400


def too_long(root: Path = ROOT) -> list[str]:
    """One line for each file above the cap."""
    lengths = ((path, len((root / path).read_text().splitlines())) for path in modules(root))
    return [f"{path}: {lines} lines, the cap is {CAP}" for path, lines in lengths if lines > CAP]


if __name__ == "__main__":
    found = too_long()
    print("\n".join(found) or f"every module has at most {CAP} lines")
    sys.exit(bool(found))
