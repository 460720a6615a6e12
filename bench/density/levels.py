"""One level of the ramp: so many calls held for a while, what they cost meanwhile, and what is heard of them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import psutil

from bench.density import listened, meter
from bench.density.listened import Answers, Handoff
from bench.density.stage import Stage

_JOINS_EVERY_SECONDS = 1.5
_SETTLES_SECONDS = 16.0
"""A call's first turn is over: greeting, first question, first answer."""
_MIB = 1024 * 1024
_LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Level:
    """``calls`` of the crowd, and their cost over ``seconds``. Cores are CPU seconds a second, memory is MiB of PSS."""

    calls: int
    seconds: float
    cores: Mapping[str, float]
    """The worker's, by role."""
    mib: float
    """The worker's, all of its processes."""
    mib_by_role: Mapping[str, float]
    job_private_mib: float
    """What a call's process has to itself; the mean."""
    starts_cpu_seconds: float
    """CPU seconds of the worker for each call that was new in this level, from its dispatch until it was settled, less what a settled call
    costs in that time; 0 when none was."""
    beside: Mapping[str, tuple[float, float]]
    """Cores and MiB of everything else that runs for these calls, by name."""
    machine_cores: float
    """Busy with anything, these calls or not."""
    load: float
    lost: int = 0
    """Calls of the crowd that had no process of the worker any more."""
    answers: tuple[Answers, ...] = ()
    handoffs: tuple[Handoff, ...] = field(default=())

    @property
    def worker_cores(self) -> float:
        """Of its whole tree."""
        return sum(self.cores.values())

    @property
    def others_cores(self) -> float:
        """Busy with what has nothing to do with the calls."""
        return self.machine_cores - self.worker_cores - sum(cores for cores, _ in self.beside.values())


async def held(stage: Stage, calls: int, *, window_seconds: float) -> Level:
    """Raises CrowdDied."""
    before, new = meter.read(stage.worker.pid), calls - stage.joined
    await stage.call(calls, every_seconds=_JOINS_EVERY_SECONDS)
    await asyncio.sleep(_SETTLES_SECONDS)
    load, beside, first, busy = os.getloadavg()[0], stage.beside(), meter.read(stage.worker.pid), _busy()
    await asyncio.sleep(window_seconds)
    last, besides, busy = meter.read(stage.worker.pid), stage.beside(), _busy() - busy
    seconds = last.at - first.at
    cores = meter.cpu_between(first, last)
    jobs = [memory.private for memory in last.memory(meter.JOBS)]
    # The new ones were there for half of the time in which they came, and the settled ones for all of it.
    steady = sum(cores.values()) * (first.at - before.at - new * _JOINS_EVERY_SECONDS / 2)
    return Level(
        calls=calls,
        seconds=seconds,
        cores=cores,
        mib=last.pss / _MIB,
        mib_by_role={role: sum(m.pss for m in last.memory(role)) / _MIB for role in cores},
        job_private_mib=meter.mean(jobs) / _MIB,
        starts_cpu_seconds=max(0.0, first.cpu - before.cpu - steady) / new if new > 0 else 0.0,
        beside={
            name: (sum(meter.cpu_between(beside[name], after).values()), after.pss / _MIB)
            for name, after in besides.items()
            if name in beside
        },
        machine_cores=busy / seconds,
        load=load,
        lost=max(0, calls - len(jobs)) if jobs else 0,
    )


async def heard(stage: Stage, *, listeners: int, questions: int, handoffs: int) -> tuple[list[Answers], list[Handoff]]:
    """Callers who listen, beside the crowd: all who ask at once, each at his own time, and the handoffs one after the other."""

    async def asks(number: int) -> Answers:
        await asyncio.sleep(number * _SETTLES_SECONDS / 3)
        return await listened.answers(stage.access(), questions=questions)

    async def hand_over() -> list[Handoff]:
        found = []
        for _ in range(handoffs):
            found.append(await listened.handoff(stage.access(listened.GIVER)))
            await asyncio.sleep(1.5)  # the workers start a fresh process for the one that was used
        return found

    asked = [asyncio.ensure_future(asks(number)) for number in range(listeners)]
    try:
        handed = await hand_over()
        return list(await asyncio.gather(*asked)), handed
    finally:
        for task in asked:
            task.cancel()


async def quiet(*, most_cores: float, wait_seconds: float) -> float:
    """Cores that are busy, over five seconds, once they are no more than ``most_cores``, or after ``wait_seconds``. The load average
    tells it minutes late."""
    until = time.monotonic() + wait_seconds
    while True:
        before, began = _busy(), time.monotonic()
        await asyncio.sleep(_LOOK_SECONDS)
        cores = (_busy() - before) / (time.monotonic() - began)
        if cores <= most_cores or time.monotonic() > until:
            return cores


def _busy() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0))
