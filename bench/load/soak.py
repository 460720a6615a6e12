"""The soak: a steady rate of spoken calls on a real mesh, samples of what its processes hold, and whether any of it grows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from redis.asyncio import Redis
from redis.exceptions import RedisError

from bench.load.heard import HeardCall
from bench.load.lines import Lines
from bench.load.metrics import tasks_of
from bench.load.processes import all_held
from bench.load.redis_look import look
from bench.load.target import Target

CALLERS = "callers"
"""The load generator itself, among the processes."""
_SETTLES_SECONDS = 45.0
"""Before the first call warm processes are made; after the last one jobs end, warm ones are replaced, leases pass."""
_TELL_SECONDS = 60.0


@dataclass
class Soaked:
    """What a soak brought, also one that was broken off."""

    minutes: float
    lines: int
    samples: list[dict[str, Any]] = field(default_factory=list)
    calls: list[HeardCall] = field(default_factory=list)
    idle_before: dict[str, Any] = field(default_factory=dict)
    idle_after: dict[str, Any] = field(default_factory=dict)
    """Samples without a call, from before the first one and from after the last one."""
    deaths: list[str] = field(default_factory=list)
    broken_off: bool = False


class Sampler:
    """Samples of one target, each also a line in ``path``: what was sampled is not lost with the run."""

    def __init__(self, target: Target, path: Path) -> None:
        self._target, self._path = target, path
        url = target.redis_url
        self._redis = Redis.from_url(url) if url.startswith(("redis://", "rediss://")) else None
        self._began = time.monotonic()

    async def sample(self, **more: Any) -> dict[str, Any]:
        """One, now; ``more`` is added to it. What does not answer is left out of it."""
        pids = dict(self._target.processes())
        held, tasks = await asyncio.gather(
            asyncio.to_thread(all_held, {**pids, CALLERS: os.getpid()}), tasks_of(self._target.metrics_urls)
        )
        taken: dict[str, Any] = {
            "seconds": round(time.monotonic() - self._began, 1),
            "load": round(os.getloadavg()[0], 2),
            "busy_cores": round(psutil.cpu_percent() / 100 * (os.cpu_count() or 1), 2),
            "processes": held,
            "tasks": tasks,
            "redis": await self._look(),
            **more,
        }
        await asyncio.to_thread(self._note, taken)
        return taken

    async def _look(self) -> dict[str, Any]:
        if self._redis is None:
            return {}
        try:
            return asdict(await look(self._redis))
        except RedisError:
            return {}

    def _note(self, taken: Mapping[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(taken) + "\n")

    async def aclose(self) -> None:
        """The connection of its own."""
        if self._redis is not None:
            await self._redis.aclose()


async def soak(
    lines: Lines,
    sampler: Sampler,
    *,
    minutes: float,
    count: int,
    every_seconds: float,
    say: Callable[[str], None],
    soaked: Soaked,
) -> None:
    """Fills ``soaked`` as it goes, so that it holds what there was when this is cancelled."""
    say("no call yet: what is held when everything is idle?")
    await asyncio.sleep(_SETTLES_SECONDS)
    soaked.idle_before = await sampler.sample(ended=0, failed=0, live=0)
    sampling = asyncio.create_task(_sample(lines, sampler, every_seconds, soaked, say, minutes))
    try:
        soaked.calls = lines.done
        await lines.hold(count, seconds=minutes * 60)
    finally:
        sampling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sampling
    say("the last call is over; what is left when everything is idle?")
    await asyncio.sleep(_SETTLES_SECONDS)
    soaked.idle_after = await sampler.sample(**_counts(lines))
    soaked.deaths = lines.target.deaths()


async def _sample(
    lines: Lines, sampler: Sampler, every_seconds: float, soaked: Soaked, say: Callable[[str], None], minutes: float
) -> None:
    began, told = time.monotonic(), time.monotonic()
    for number in range(1, 1_000_000):
        await asyncio.sleep(max(0.0, began + number * every_seconds - time.monotonic()))
        soaked.samples.append(await sampler.sample(**_counts(lines)))
        if time.monotonic() - told >= _TELL_SECONDS:
            told = time.monotonic()
            say(_progress(soaked.samples[-1], (told - began) / 60, minutes))


def _counts(lines: Lines) -> dict[str, int]:
    failed = sum(bool(call.failures) for call in lines.done)
    return {"ended": len(lines.done), "failed": failed, "live": lines.live}


def _progress(sample: Mapping[str, Any], at_minutes: float, minutes: float) -> str:
    held = sample["processes"]
    mesh = {name: one for name, one in held.items() if name != CALLERS}
    main = sum(one["rss_mib"] for one in mesh.values())
    below = sum(one["children"] for one in mesh.values())
    return (
        f"{at_minutes:.0f} of {minutes:g} minutes: {sample['ended']} calls ({sample['failed']} failed), {sample['live']} live;"
        f" {len(mesh)} processes {main:.0f} MiB, {below} below them; load {sample['load']}"
    )
