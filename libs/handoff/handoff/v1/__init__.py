"""Generated from proto/handoff/v1 by `make proto`; never edited by hand, and imported by handoff.wire alone."""
