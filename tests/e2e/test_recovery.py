"""Calls whose surroundings are struck at fixed moments: a short selection of `make chaos`, which strikes with everything.

The verdict of each is chaos's own: an ending in the record, a voice again, one voice at a time, nothing done twice, nobody asked again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from local.chaos.faults import BY_NAME
from local.chaos.run import Row, Stage, struck_call
from local.supervisor.mesh import Mesh

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

SEED = 6


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def stage(two_billings: Mesh) -> AsyncIterator[Stage]:
    stage = Stage.on(two_billings)
    yield stage
    await stage.aclose()


async def struck(stage: Stage, name: str) -> Row:
    row = await struck_call(stage, BY_NAME[name], seed=SEED)
    print(row)
    assert row.missed == "", "it was not struck"
    assert row.problems == ()
    return row


async def test_a_call_goes_on_when_the_taker_is_killed_as_it_gets_the_floor(stage: Stage) -> None:
    await struck(stage, "taker-taken")


async def test_a_call_outlives_a_redis_that_comes_back_empty(stage: Stage) -> None:
    row = await struck(stage, "redis-empty")
    assert row.ending == "resolved"


async def test_a_caller_is_spoken_to_again_after_livekit_was_killed(stage: Stage) -> None:
    await struck(stage, "livekit-killed")
