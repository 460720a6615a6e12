"""`python -m gateway.phone`; see `python -m gateway.phone --help`."""

import sys

from gateway.phone.command import main

if __name__ == "__main__":
    sys.exit(main())
