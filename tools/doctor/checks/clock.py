"""One time for all: tokens, certificates and logs are read by the clock of whoever reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from tools.doctor.checks import livekit, redis
from tools.doctor.examination import Answer
from tools.doctor.results import Skipped, Trouble
from tools.doctor.target import Target

WARN_SECONDS = 5.0
FAIL_SECONDS = 30.0
"""LiveKit bears a minute in a token that was made ahead of its time; half of it is the last moment to mend the clock."""


async def clock(target: Target) -> Answer:
    """A worker whose clock is a minute ahead makes tokens that LiveKit refuses: it can bring no successor, and its log lines lie."""
    asked = await asyncio.gather(_of(redis.clock_offset(target)), _of(livekit.clock_offset(target)))
    offsets = {name: offset for name, offset in zip(("Redis", "LiveKit"), asked, strict=True) if offset is not None}
    if not offsets:
        raise Skipped("neither Redis nor LiveKit tells the time: see redis.reachable and livekit.reachable")
    troubles = [
        Trouble(
            f"this machine's clock is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} {name}'s",
            f"this machine, or {name}'s",
            "timedatectl set-ntp true, on the one that is wrong; then timedatectl status shows `synchronized: yes`",
            is_fatal=abs(offset) >= FAIL_SECONDS,
        )
        for name, offset in offsets.items()
        if abs(offset) >= WARN_SECONDS
    ]
    told = ", ".join(f"{name} {offset:+.1f} s" for name, offset in offsets.items())
    return f"this machine's against {told}", troubles


async def _of(asked: Awaitable[float]) -> float | None:
    try:
        return await asked
    except Skipped:
        return None
