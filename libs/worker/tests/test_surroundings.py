"""What a worker says of a Redis that does not serve it: which variable, where, why, and no password."""

from __future__ import annotations

import pytest
from handoff.errors import StoreUnavailable
from handoff.memory_store import MemoryStore
from worker.main_process import surroundings
from worker.testing.text_call import make_settings


class _Refusing(MemoryStore):
    """Tells the time, and lets nobody write."""

    async def humans_on_duty(self) -> int:
        """See Store.humans_on_duty."""
        raise StoreUnavailable("Redis did not answer (NoPermissionError)")


async def test_all_places_of_a_redis_are_named_without_its_password() -> None:
    url = "rediss+sentinel://billing:s3cret@10.0.0.1,10.0.0.2:26380/mymaster?sentinel_password=s3cret"
    settings = make_settings(redis_url=url)
    with pytest.raises(surroundings._NotYet) as told:
        await surroundings._redis(settings, _Refusing())
    assert str(told.value).startswith("REDIS_URL: no Redis serves us at 10.0.0.1:26379, 10.0.0.2:26380 (")
    assert "NoPermissionError" in str(told.value)
    assert "s3cret" not in str(told.value)


async def test_a_redis_that_takes_our_writes_is_well() -> None:
    assert await surroundings._redis(make_settings(), MemoryStore()) == ""
