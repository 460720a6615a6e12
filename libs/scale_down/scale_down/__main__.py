"""`python -m scale_down [run]`: keeps the deletion cost of every worker pod of its namespace, until SIGTERM.

Exit codes: 0 stopped, 2 the settings, the ServiceAccount's files or a port are not usable.
"""

from __future__ import annotations

import argparse

from scale_down.run import run


def main(argv: list[str] | None = None) -> int:
    """The exit code, as above."""
    parser = argparse.ArgumentParser(prog="python -m scale_down", description=__doc__)
    # An image's entry point is the module alone; there is one thing to do.
    parser.add_argument("command", nargs="?", choices=["run"], default="run", help="what it does without a word, too")
    parser.parse_args(argv)
    return run()


if __name__ == "__main__":
    raise SystemExit(main())
