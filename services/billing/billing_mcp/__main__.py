"""`python -m billing_mcp --host 127.0.0.1 --port 8000`: migrates, then serves. Exit code 2: settings, database or port unusable."""

from __future__ import annotations

from backoffice.run import main as serve

from billing_mcp.seed import examples
from billing_mcp.settings import Settings
from billing_mcp.tools import make_office


def main(argv: list[str] | None = None) -> int:
    """Runs until SIGTERM or Ctrl-C; returns the exit code."""
    return serve("billing", make_office, read_settings=Settings.from_env, seed=examples, argv=argv)


if __name__ == "__main__":
    raise SystemExit(main())
