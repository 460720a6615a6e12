"""Which faults, in which order: each once, the ones that matter most first, then more of them by chance.

The same seed gives the same plan.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from local.chaos.faults import FAULTS, Fault

FIRST = (
    "job-speaking",
    "job-frozen",
    "worker-killed",
    "drain-of-many",
    "livekit-killed",
    "livekit-stopped",
    "redis-empty",
    "redis-failover",
    "redis-handoff",
    "after-effect",
    "mcp-frozen",
    "speech-frozen",
    "model-stalled",
    "black-hole",
    "giver-ready",
    "taker-taken",
    "service-lost",
    "partition",
    "clock-jump",
    "disk-full",
)
"""One of every kind: a run that has no time for more has these."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One call to be struck. ``seed`` is its own: it decides when exactly."""

    number: int
    fault: Fault
    seed: int


class NoSuchFault(Exception):
    """A name or pattern that fits none of them; the message lists what there is."""


def chosen(patterns: Sequence[str]) -> tuple[Fault, ...]:
    """The faults of these names (``job-*`` is fine), in the table's order; all when none is named. Raises NoSuchFault."""
    for pattern in patterns:
        if not any(fnmatchcase(fault.name, pattern) for fault in FAULTS):
            raise NoSuchFault(f"no fault {pattern!r}; there are {', '.join(fault.name for fault in FAULTS)}")
    return tuple(f for f in FAULTS if not patterns or any(fnmatchcase(f.name, pattern) for pattern in patterns))


def plan(faults: Sequence[Fault], *, seed: int) -> Iterator[Planned]:
    """Without end: a round of all, then rounds shuffled. A call with many callers comes in the first only."""
    chance = random.Random(seed)
    number = 0
    ranks = {name: rank for rank, name in enumerate(FIRST)}
    around = sorted(faults, key=lambda fault: ranks.get(fault.name, len(ranks)))
    while True:
        for fault in around:
            number += 1
            yield Planned(number, fault, chance.getrandbits(32))
        around = [fault for fault in faults if fault.calls == 1] or list(faults)
        chance.shuffle(around)
