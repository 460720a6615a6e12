"""The same interleavings over a real Redis, side by side with the memory store: both must answer alike."""

from __future__ import annotations

import pytest
import redis
from handoff.redis_store import RedisStore
from handoff.store import Store
from handoff.testing import OutageStore
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from recovery_machine import RecoveryMachine

from tests.integration.conftest import PATIENCE, Place

_SETTINGS = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


@pytest.mark.timeout(120)
def test_redis_and_memory_answer_alike_in_any_interleaving(place: Place) -> None:
    class RedisMachine(RecoveryMachine):
        def make_stores(self) -> list[Store]:
            self.memory = OutageStore()
            return [self.memory, RedisStore.connect(place.url, **PATIENCE)]

        def lose_everything(self) -> None:
            self.memory.forget_everything()
            with redis.Redis.from_url(place.direct_url) as client:
                client.flushall()

    run_state_machine_as_test(RedisMachine, settings=_SETTINGS)
