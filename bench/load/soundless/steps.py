"""Ever more made-up calls at once, level after level, each measured for a while and then struck by killed workers."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from handoff.redis_store import RedisStore
from redis.asyncio import Redis

from bench.load.cost import Cost, Costing
from bench.load.knee import Limits, why_not
from bench.load.mix import Dealer
from bench.load.redis_look import Look, look
from bench.load.soundless.caller import Callers
from bench.load.soundless.histogram import Histogram
from bench.load.soundless.stage import Stage
from local.chaos.soundless.run import ledger_lines

_FILLS_SECONDS = 15.0
"""Beyond what the rate needs; a level that is not full by then is measured as it is, and says how full it was."""
_COME_TO_AN_END_SECONDS = 120.0
_ENDINGS_A_SECOND = 20.0


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds: ``idle`` without a call, ``settle`` once a level is full, ``recover`` after a kill (seizures, successors, and the worker's
    coming back)."""

    idle: float = 10.0
    settle: float = 6.0
    recover: float = 20.0


@dataclass(frozen=True, slots=True)
class Level:
    """``calls`` at once were wanted, ``live`` were there (mean). Times in milliseconds; see Histogram.spread."""

    calls: int
    live: float
    ended: int
    failures: Mapping[str, int]
    answers_ms: Mapping[str, float]
    """What the mesh adds: from the caller's word to the agent's voice, which here takes no time to think."""
    gaps_ms: Mapping[str, float]
    steps_ms: Mapping[str, Mapping[str, float]]
    store_ms: Mapping[str, Mapping[str, float]]
    lag_ms: Mapping[str, float]
    """By how much the workers' loops are late."""
    handoffs_a_second: float
    stayed: Mapping[str, int]
    successors_for_nothing: int
    """Calls seized from agents that lived."""
    two_voices: int
    cost: Cost
    redis_commands_a_second: float
    redis_cores: float
    redis_bytes_a_call: float
    load: float
    broken: Sequence[str] = ()
    why: str = ""
    silences_ms: Mapping[str, float] = field(default_factory=dict)
    """After the level's kills: from the strike to the next voice."""
    struck_calls: int = 0


class Crowd:
    """Keeps as many calls going as are wanted; one that ends is followed by another."""

    def __init__(self, callers: Callers, dealer: Dealer, rate: float) -> None:
        self.callers, self._dealer, self._apart = callers, dealer, 1 / rate
        self.wanted = 0
        self._calls: set[asyncio.Task[None]] = set()
        self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            if len(self._calls) < self.wanted:
                task = asyncio.create_task(self.callers.call(self._dealer.next()))
                self._calls.add(task)
                task.add_done_callback(self._calls.discard)
            await asyncio.sleep(self._apart * self.callers.chance.uniform(0.6, 1.4))

    async def end(self, within_seconds: float) -> int:
        """No more calls; those that go on come to their end. How many did not, and are cut off."""
        self.wanted = 0
        self._keeping.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeping
        if self._calls:
            await asyncio.wait(self._calls, timeout=within_seconds)
        left = len(self._calls)
        for task in self._calls:
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        return left


class Steps:
    """A run on a stage that is up."""

    def __init__(
        self,
        stage: Stage,
        crowd: Crowd,
        *,
        limits: Limits,
        hold: float,
        kills: int,
        say: Callable[[str], None],
        waits: Waits | None = None,
    ) -> None:
        self._waits = waits or Waits()
        self._stage, self._crowd, self._callers = stage, crowd, crowd.callers
        self._limits, self._hold, self._kills, self._say = limits, hold, kills, say
        self._redis = Redis.from_url(stage.mesh.redis_url)
        self._chance = random.Random(len(stage.workers))
        self.levels: list[Level] = []
        self.base: Cost
        self.redis_base: Look
        self.cut_off = 0
        self.is_whole = False
        """Whether the run came to its end: only then its calls' endings were counted."""
        self.endings: Counter[str] = Counter()
        self.endings_wrong: list[str] = []

    async def run(self, levels: Sequence[int], *, rate: float, goes_on: bool) -> None:
        """Fills ``levels``; stops after the first that is not carried, unless it goes on."""
        self.base = await self._watched(asyncio.sleep(self._waits.idle))
        self.redis_base = await look(self._redis, keys=False)
        for count in levels:
            self._crowd.wanted = count
            await self._filled(count, (count - self._callers.live) / rate * 1.5 + _FILLS_SECONDS)
            await asyncio.sleep(self._waits.settle)
            level = await self._measured(count)
            self._say(line(level))
            if not level.why and self._kills:
                level = await self._struck(level)
            self.levels.append(level)
            if level.why and not goes_on:
                break
        await self._ended()

    async def _filled(self, count: int, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._callers.live < count:
                    await asyncio.sleep(0.2)

    async def _measured(self, count: int) -> Level:
        callers, hub = self._callers, self._stage.hub
        await self._stage.stats()  # from now on
        hub.taken()
        done, nothing = len(callers.done), hub.successors["for nothing"]
        first, lives = await look(self._redis, keys=False), list[int]()
        cost = await self._watched(self._held(lives))
        last, told = await look(self._redis, keys=False), await self._stage.stats()
        ended, live = callers.done[done:], sum(lives) / len(lives)
        heard = hub.taken()
        answers, gaps = heard["answers"].spread(), heard["gaps"].spread()
        failures = Counter(call.failure for call in ended if call.failure)
        for_nothing = hub.successors["for nothing"] - nothing
        why = why_not(
            self._limits,
            # Who is still talking was served until now.
            calls=len(ended) + callers.live,
            failed=failures.total(),
            response_p95=answers.get("p95"),
            gap_p95=gaps.get("p95"),
        )
        if for_nothing > self._limits.failed_share * live:
            why = "; ".join(filter(None, [why, f"{for_nothing} calls were seized from agents that lived"]))
        if live < 0.95 * count:
            why = "; ".join(filter(None, [why, f"only {live:.0f} of {count} calls were there"]))
        return Level(
            calls=count,
            live=round(live, 1),
            ended=len(ended),
            failures=dict(failures),
            answers_ms=answers,
            gaps_ms=gaps,
            steps_ms={name: times.spread() for name, times in merged(told, "steps").items()},
            store_ms={name: times.spread() for name, times in merged(told, "store").items()},
            lag_ms=_lag(told).spread(),
            handoffs_a_second=sum(one["moved"] for one in told) / cost.seconds,
            stayed=dict(sum((Counter(one["stayed"]) for one in told), Counter[str]())),
            successors_for_nothing=for_nothing,
            two_voices=sum(call.two_voices for call in ended),
            cost=cost,
            redis_commands_a_second=(last.commands - first.commands) / cost.seconds,
            redis_cores=(last.cpu_seconds - first.cpu_seconds) / cost.seconds,
            redis_bytes_a_call=(last.memory_bytes - self.redis_base.memory_bytes) / max(1.0, live),
            load=os.getloadavg()[0],
            broken=[agent for one in told for agent in one["broken"]],
            why=why,
        )

    async def _held(self, lives: list[int]) -> None:
        for _ in range(max(1, round(self._hold))):
            await asyncio.sleep(1.0)
            lives.append(self._callers.live)

    async def _struck(self, level: Level) -> Level:
        """Kills workers; what the callers heard of it."""
        hub, before = self._stage.hub, len(self._callers.done)
        hub.taken()
        for name in self._chance.sample(self._stage.workers, self._kills):
            await self._stage.kill(name)
        await asyncio.sleep(self._waits.recover)
        struck = sum(call.was_struck for call in self._callers.done[before:])
        struck += sum(room.ear.was_struck for room in hub.rooms())
        for room in hub.rooms():  # told
            room.ear.was_struck = False
        heard = hub.taken()["silences"].spread()
        if heard:
            self._say(
                f"{self._kills} killed: {struck} calls were there; a voice again after {heard['median']:.0f} / {heard['p95']:.0f} ms"
            )
        return _with(level, silences_ms=heard, struck_calls=struck)

    async def _ended(self) -> None:
        """The callers come to their end, and every call must have one ending."""
        self._say("no more calls; those that go on come to their end")
        self._callers.manners.in_a_hurry = True
        # Not all at once: that would be another load, and one that nobody asked for.
        spread = max(15.0, self._callers.live / _ENDINGS_A_SECOND)
        self._callers.manners.think_seconds = (0.5, spread)
        self.cut_off = await self._crowd.end(_COME_TO_AN_END_SECONDS + spread)
        store = RedisStore.connect(self._stage.mesh.redis_url)
        try:
            endings = Counter([record.call_id async for record in ledger_lines(store)])
        finally:
            await store.aclose()
            await self._redis.aclose()
        good = [call for call in self._callers.done if not call.failure]
        self.endings = Counter(
            {"calls": len(self._callers.done), "with one ending": sum(endings[c.call_id] == 1 for c in good)}
        )
        self.is_whole = True
        self.endings_wrong = [f"{c.call_id} has {endings[c.call_id]} endings" for c in good if endings[c.call_id] != 1]

    async def _watched(self, doing: Any) -> Cost:
        costing = await asyncio.to_thread(Costing, self._stage.processes())
        await doing
        await asyncio.to_thread(costing.look)
        return await asyncio.to_thread(costing.end)


def merged(told: Sequence[Mapping[str, Any]], what: str) -> dict[str, Histogram]:
    """All workers' histograms of a kind, added up by name."""
    found: dict[str, Histogram] = {}
    for one in told:
        for name, data in one[what].items():
            found.setdefault(name, Histogram()).merge(data)
    return found


def _lag(told: Sequence[Mapping[str, Any]]) -> Histogram:
    lag = Histogram()
    for one in told:
        lag.merge(one["lag"])
    return lag


def _with(level: Level, **changes: Any) -> Level:

    return replace(level, **changes)


def line(level: Level) -> str:
    """A level in a line, for a person who waits."""

    def told(figures: Mapping[str, float]) -> str:
        return f"{figures['median']:.0f} / {figures['p95']:.0f}" if figures else "-"

    return (
        f"{level.calls} at once: {level.live:.0f} live, {level.ended} ended, {sum(level.failures.values())} failed; answers"
        f" {told(level.answers_ms)} ms, gaps {told(level.gaps_ms)}, lease {told(level.store_ms.get('renew_floor', {}))};"
        f" {level.handoffs_a_second:.1f} handoffs/s; Redis {level.redis_commands_a_second:.0f}/s, {level.redis_cores:.2f} cores;"
        f" workers {level.cost.system_cores - level.cost.cores.get('redis', 0.0):.2f} cores, callers {level.cost.caller_cores:.2f}, other"
        f" work {level.cost.other_cores:.2f}; load {level.load:.1f}; {f'NOT CARRIED: {level.why}' if level.why else 'carried'}"
    )
