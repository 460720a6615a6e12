"""One look for all viewers, only while somebody looks, and news only when there is some."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.watching import LOOK_SECONDS, MOST_VIEWERS, Snapshot, Watching

_TURNS = 20


@dataclass
class World:
    """What is to be seen, and time that passes when it is told to."""

    seen: dict[str, Any] = field(default_factory=lambda: {"live": 0})
    at: float = 0.0
    looks: int = 0
    pauses: list[float] = field(default_factory=list)
    look_takes: float = 0.0
    is_broken: bool = False
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def look(self) -> Snapshot:
        self.looks += 1
        self.at += self.look_takes
        if self.is_broken:
            raise RuntimeError("a fault of our own")
        return Snapshot(self.at, dict(self.seen))

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await self.goes_on.wait()
        self.goes_on.clear()

    async def passes(self, **seen: Any) -> None:
        """Time until after the next look, at which that is seen."""
        self.seen |= seen
        self.at += 1.0
        self.goes_on.set()
        await settled()


async def settled() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def watching(world: World) -> Watching:
    return Watching(world.look, pause=world.pause, monotonic=lambda: world.at)


async def next_of(follower: AsyncGenerator[str, None]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(await anext(follower))
    return told


async def test_nobody_is_looked_for_while_nobody_looks(world: World, watching: Watching) -> None:
    await settled()
    assert world.looks == 0
    async with aclosing(watching.follow()) as follower:
        assert await next_of(follower) == {"at": 0.0, "live": 0}
        assert watching.is_looking
    assert not watching.is_looking
    await world.passes(live=1)
    assert world.looks == 1


async def test_all_viewers_share_one_look(world: World, watching: Watching) -> None:
    async with aclosing(watching.follow()) as first, aclosing(watching.follow()) as second:
        assert (await next_of(first))["live"] == (await next_of(second))["live"] == 0
        await world.passes(live=1)
        assert (await next_of(first))["live"] == (await next_of(second))["live"] == 1
        assert world.looks == 2


async def test_when_one_of_two_goes_the_other_goes_on(world: World, watching: Watching) -> None:
    async with aclosing(watching.follow()) as stays:
        async with aclosing(watching.follow()) as goes:
            await next_of(goes)
        await next_of(stays)
        await world.passes(live=1)
        assert (await next_of(stays))["live"] == 1


async def test_what_has_not_changed_is_no_news_though_time_goes_on(world: World, watching: Watching) -> None:
    async with aclosing(watching.follow()) as follower:
        await next_of(follower)
        await world.passes()
        await world.passes()
        await world.passes(live=1)
        assert await next_of(follower) == {"at": 3.0, "live": 1}
        assert world.looks == 4


async def test_who_is_slow_gets_the_newest_and_not_all_that_was(world: World, watching: Watching) -> None:
    async with aclosing(watching.follow()) as follower:
        await next_of(follower)
        for live in (1, 2, 3):
            await world.passes(live=live)
        assert (await next_of(follower))["live"] == 3


async def test_who_comes_when_others_look_sees_at_once_what_there_is(world: World, watching: Watching) -> None:
    async with aclosing(watching.follow()) as first, aclosing(watching.follow()) as second:
        await next_of(first)
        assert (await next_of(second))["live"] == 0
        assert world.looks == 1


async def test_who_comes_after_a_while_is_not_shown_what_was(world: World, watching: Watching) -> None:
    async with aclosing(watching.follow()) as follower:
        await next_of(follower)
    world.seen["live"] = 7
    async with aclosing(watching.follow()) as follower:
        assert (await next_of(follower))["live"] == 7


async def test_a_line_on_which_nothing_comes_is_kept_alive(world: World) -> None:
    watching = Watching(world.look, pause=world.pause, monotonic=lambda: world.at, keep_alive_seconds=0.0)
    async with aclosing(watching.follow()) as follower:
        texts = [await anext(follower) for _ in range(10)]
    assert "" in texts
    assert sum(text != "" for text in texts) == 1


@pytest.mark.parametrize(("look_takes", "pause"), [(0.0, LOOK_SECONDS), (0.1, LOOK_SECONDS), (2.0, 8.0)])
async def test_a_look_that_is_dear_is_followed_by_a_longer_pause(
    world: World, watching: Watching, look_takes: float, pause: float
) -> None:
    world.look_takes = look_takes
    async with aclosing(watching.follow()) as follower:
        await next_of(follower)
        await settled()
    assert world.pauses == [pytest.approx(pause)]


async def test_a_look_that_fails_is_followed_by_the_next_one(world: World, watching: Watching) -> None:
    async with aclosing(watching.follow()) as follower:
        await next_of(follower)
        world.is_broken = True
        await world.passes()
        world.is_broken = False
        await world.passes(live=1)
        assert (await next_of(follower))["live"] == 1


async def test_there_is_an_end_to_how_many_look(watching: Watching) -> None:
    followers = [watching.follow() for _ in range(MOST_VIEWERS)]
    for follower in followers:
        assert not watching.is_full
        await anext(follower)
    assert watching.is_full
    await followers[0].aclose()
    assert not watching.is_full
    for follower in followers:
        await follower.aclose()
    assert not watching.is_looking


async def test_a_server_that_stops_is_kept_by_nobody_who_looks(watching: Watching) -> None:
    async with aclosing(watching.follow()) as waits, aclosing(watching.follow()) as comes:
        await next_of(waits)
        waiting = asyncio.ensure_future(anext(waits, "it has ended"))
        await settled()
        watching.close()
        assert await waiting == "it has ended"
        assert await anext(comes, "it has ended") == "it has ended"
    assert not watching.is_looking
