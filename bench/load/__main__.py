"""`python -m bench.load audio | soak | soundless | keep`: see --help of each, and docs/operations/load.md."""

from __future__ import annotations

import sys

from bench.load.command import main

sys.exit(main())
