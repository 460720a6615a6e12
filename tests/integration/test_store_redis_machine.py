"""The same interleavings over a real Redis, side by side with the memory store: both must answer alike."""

from __future__ import annotations

import pytest
from handoff.memory_store import MemoryStore
from handoff.redis_store import RedisStore
from handoff.store import Store
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from store_machine import FloorMachine

_SETTINGS = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


@pytest.mark.timeout(120)
def test_redis_and_memory_answer_alike_in_any_interleaving(redis_url: str) -> None:
    class RedisMachine(FloorMachine):
        def make_stores(self) -> list[Store]:
            return [MemoryStore(), RedisStore.connect(redis_url)]

    run_state_machine_as_test(RedisMachine, settings=_SETTINGS)
