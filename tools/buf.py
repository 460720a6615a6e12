"""`buf lint` with a buf from the PATH, from the cache, or built by Go; where none of these is at hand, a visible SKIP."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

from local.settings import LocalSettings
from local.supervisor.errors import NotFound
from local.supervisor.go_install import go_install

VERSION = "1.50.0"
PACKAGE = f"github.com/bufbuild/buf/cmd/buf@v{VERSION}"
ROOT = Path(__file__).resolve().parents[1]


async def find_buf(settings: LocalSettings) -> str:
    """Path of a buf. Raises NotFound."""
    if on_path := shutil.which("buf", path=settings.search_path):
        return on_path
    cached = settings.binaries_dir / f"buf-{VERSION}"
    if cached.is_file():
        return str(cached)
    go = shutil.which("go", path=settings.search_path)
    if go is None:
        raise NotFound("neither buf nor Go is installed")

    def say(line: str) -> None:
        print(line, flush=True)

    return str(await go_install(PACKAGE, binary=cached, go=go, env=settings.inherited, say=say))


def main() -> int:
    """Exit code of `buf lint`; 0 after a SKIP."""
    try:
        buf = asyncio.run(find_buf(LocalSettings.from_env()))
    except NotFound as error:
        print(f"SKIP buf lint: {error.what}")
        return 0
    return subprocess.run((buf, "lint"), cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
