"""Moments of a call at which it can be struck: each waits until the call is there, and a little longer by chance."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from handoff.lifecycle import State

from local.chaos.processes import until
from local.chaos.scene import MOMENT_SECONDS, Scene

Moment = Callable[[Scene], Awaitable[None]]


async def greeting(scene: Scene) -> None:
    """The first agent says its first words."""
    await _voice(scene)
    await _chance(scene, 1.5)


def speaking(service: str = "", *, line: int = 1) -> Moment:
    """An agent (of that service) answers the caller's ``line``-th line, aloud."""

    async def moment(scene: Scene) -> None:
        await _line(scene, line)
        if service:
            await scene.floor(service)
        await _voice(scene)
        await _chance(scene, 1.0)

    return moment


def thinking(*, line: int = 1) -> Moment:
    """The caller's ``line``-th line was just said, and is not answered yet."""

    async def moment(scene: Scene) -> None:
        await _line(scene, line)
        await _chance(scene, 0.5)

    return moment


def listening(*, line: int = 2) -> Moment:
    """The caller is in the middle of his ``line``-th line."""

    async def moment(scene: Scene) -> None:
        await _line(scene, line - 1)

        async def speaks() -> bool:
            return scene.caller.is_speaking

        await until(speaks, what="a caller who speaks", seconds=MOMENT_SECONDS)
        await _chance(scene, 0.8)

    return moment


def handoff_is(state: State) -> Moment:
    """The call's latest handoff has come into that state."""

    async def moment(scene: Scene) -> None:
        await scene.handoff(state)
        await _chance(scene, 0.05)

    return moment


async def after_refund(scene: Scene) -> None:
    """The refund stands in billing's database; whether the agent knows yet is chance."""

    async def is_done() -> bool:
        return await asyncio.to_thread(scene.refunds) > 0

    await until(is_done, what="a refund", seconds=2 * MOMENT_SECONDS)
    await _chance(scene, 0.03)


async def _line(scene: Scene, line: int) -> None:
    async def is_said() -> bool:
        return scene.caller.lines_spoken >= line and not scene.caller.is_speaking

    await until(is_said, what=f"the caller's line {line}", seconds=MOMENT_SECONDS)


async def _voice(scene: Scene) -> None:
    await until(scene.caller.is_spoken_to, what="a voice", seconds=MOMENT_SECONDS)


async def _chance(scene: Scene, seconds: float) -> None:
    await asyncio.sleep(scene.chance.uniform(0.0, seconds))
