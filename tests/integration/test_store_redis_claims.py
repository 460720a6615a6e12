"""Jobs that come for a floor that was seized for one of them, on a real Redis: see claim_suite.py."""

from __future__ import annotations

import asyncio

from claim_suite import AWAITED, ClaimSuite, claimed
from handoff.call import Floor
from handoff.errors import FloorLost
from recovery_suite import seized
from store_steps import PASSED, MakeStore, opened


class TestClaimsInRedis(ClaimSuite):
    pass


async def test_of_jobs_in_many_processes_one_has_the_floor(make_store: MakeStore) -> None:
    stores = [make_store() for _ in range(8)]
    await opened(stores[0], lease_seconds=PASSED)
    await seized(stores[0], epoch=1, agent_id=AWAITED)
    tries = [claimed(store, f"AJ_{n}") for n, store in enumerate(stores)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    (winner,) = [result for result in results if isinstance(result, Floor)]
    assert sum(isinstance(result, FloorLost) for result in results) == 7
    assert await stores[0].load_floor("call-1") == winner
