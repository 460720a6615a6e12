"""The protocol under fire: real Redis, real gRPC, the real guardians; agents and workers that are killed and frozen at every step.

`python -m local chaos --soundless` is the same with 10,000 handoffs.
"""

from __future__ import annotations

import pytest

from local.chaos.soundless.run import under_fire

HANDOFFS = 300
SEED = 6
"""Another seed strikes other handoffs; what must be true is true of all."""


@pytest.mark.timeout(300)
async def test_every_call_ends_once_nobody_speaks_at_once_and_no_context_comes_twice(redis_url: str) -> None:
    outcome = await under_fire(redis_url, handoffs=HANDOFFS, seed=SEED, every=5)
    print(outcome)
    assert outcome.problems == ()
    assert outcome.handoffs >= HANDOFFS
    assert sum(outcome.endings.values()) == outcome.calls
    assert sum(outcome.struck.values()) >= HANDOFFS // 10, "it was under fire"
    assert outcome.recoveries > 0, "somebody had to go on for somebody else"
