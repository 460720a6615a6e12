"""`python -m local`: the whole mesh on one machine; see `python -m local --help`."""

import sys

from local.cli import main

if __name__ == "__main__":
    sys.exit(main())
