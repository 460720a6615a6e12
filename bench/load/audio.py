"""The audio tier: ever more spoken calls at once, until a level is not carried."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bench.handoff.results import spread
from bench.load.cost import Cost, Costing
from bench.load.heard import HeardCall
from bench.load.knee import Limits, why_not
from bench.load.lines import Lines

NO_CALL_SECONDS = 20.0
_LOOK_SECONDS = 10.0
_REST_SECONDS = 6.0
"""Between levels: warm processes are made for those that were used."""


@dataclass(frozen=True, slots=True)
class Level:
    """``lines`` callers at once. ``why`` says why it is not carried; empty: it is."""

    lines: int
    calls: tuple[HeardCall, ...]
    cost: Cost
    load: float
    why: str = ""

    @property
    def failed(self) -> int:
        """Calls."""
        return sum(bool(call.failures) for call in self.calls)

    @property
    def held(self) -> float:
        """Calls that were there at once, over the level's whole time: its ends, and the pauses between calls, are less."""
        return sum(call.seconds for call in self.calls) / self.cost.seconds

    def responses_ms(self) -> dict[str, float]:
        """See spread."""
        return spread(ms for call in self.calls for ms in call.responses_ms)

    def gaps_ms(self) -> dict[str, float]:
        """See spread."""
        return spread(gap for call in self.calls for gap in call.gaps_ms)


@dataclass
class Steps:
    """What was measured: what the mesh costs without a call, and the levels."""

    base: Cost = field(default_factory=lambda: Cost(0.0, {}, {}, 0.0, 0.0))
    levels: list[Level] = field(default_factory=list)
    broken_off: bool = False


async def climb(
    steps: Steps,
    lines: Lines,
    levels: Sequence[int],
    *,
    minutes: float,
    limits: Limits,
    say: Callable[[str], None],
) -> None:
    """Fills ``steps`` up to the first level that is not carried; it holds what there was when this is cancelled."""
    steps.base = await _watched(lines, asyncio.sleep(NO_CALL_SECONDS))
    for count in levels:
        say(f"{count} callers at once, for {minutes:g} minutes")
        cost, calls = await _level(lines, count, minutes)
        level = Level(count, tuple(calls), cost, os.getloadavg()[0])
        responses, gaps = level.responses_ms(), level.gaps_ms()
        why = why_not(
            limits,
            calls=len(calls),
            failed=level.failed,
            response_p95=responses.get("p95"),
            gap_p95=gaps.get("p95"),
        )
        steps.levels.append(replace(level, why=why))
        say(_line(steps.levels[-1], responses, gaps))
        if why:
            break
        await asyncio.sleep(_REST_SECONDS)


async def _level(lines: Lines, count: int, minutes: float) -> tuple[Cost, list[HeardCall]]:
    begun = len(lines.done)
    cost = await _watched(lines, lines.hold(count, seconds=minutes * 60, at_least=count))
    return cost, lines.done[begun:]


async def _watched(lines: Lines, doing: Any) -> Cost:
    """``doing`` is awaited; its cost."""
    costing = await asyncio.to_thread(Costing, lines.target.processes())

    async def look() -> None:
        while True:
            await asyncio.to_thread(costing.look)
            await asyncio.sleep(_LOOK_SECONDS)

    looking = asyncio.create_task(look())
    try:
        await doing
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    return await asyncio.to_thread(costing.end)


def _line(level: Level, responses: dict[str, float], gaps: dict[str, float]) -> str:
    def told(figures: dict[str, float]) -> str:
        return f"{figures['median']:.0f} / {figures['p95']:.0f} ms" if figures else "none"

    verdict = f"NOT CARRIED: {level.why}" if level.why else "carried"
    return (
        f"{level.lines} at once: {len(level.calls)} calls, {level.failed} failed; answers {told(responses)}, handoffs {told(gaps)}"
        f" (median / p95); the mesh {level.cost.system_cores:.2f} cores, the callers {level.cost.caller_cores:.2f}; load {level.load:.1f};"
        f" {verdict}"
    )


def per_call(base: Cost, level: Level) -> tuple[float, float]:
    """Cores and MiB that a call adds, at that level; nan when nothing was held."""
    if level.held <= 0:
        return math.nan, math.nan
    cores = (level.cost.system_cores - base.system_cores) / level.held
    return cores, (level.cost.system_mib - base.system_mib) / level.lines
