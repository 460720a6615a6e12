"""Makes the store's suite and state machine importable: they are shared with the integration tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import settings

pytest.register_assert_rewrite(
    "store_suite",
    "handoff_suite",
    "recovery_suite",
    "refusal_suite",
    "shared_suite",
    "canary_suite",
    "forgetting_suite",
    "store_steps",
    "store_machine",
    "recovery_machine",
)
sys.path.insert(0, str(Path(__file__).parent))

# No test is about wall-clock time; on a busy machine a deadline would make it so.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")
