"""A worker that drains with several live calls: each is moved to another worker, and its caller hears nothing special.

Its callers have asked to wait, as most who are on a line say nothing: on a small machine with an embedded voice, five who talk at once
would show what the machine does not bear. Two at a time they then talk on with the agent that has their call now.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass

from local.caller import new_access, save_audio
from local.chaos.at_the_ear import measure
from local.chaos.caller import PatientCaller, Stayed
from local.chaos.callers import CALLERS
from local.chaos.faults import Fault
from local.chaos.processes import NotThere, until
from local.chaos.run import Row, Stage, heal
from local.chaos.verdict import Before, is_moved, judge
from local.ended import ended

_THERE_SECONDS = 30.0
_TALKS_ON_SECONDS = 45.0
_MOVED_SECONDS = 30.0
_CALL_SECONDS = 240.0
_ENDING_SECONDS = 20.0
_AT_ONCE = 2
_JOINS_SECONDS = 2.0
"""Before the first word of a call there is silence anyway."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One call of a drained worker. Milliseconds; None when it was never moved."""

    moved_after_ms: int | None
    usual_silence_ms: int
    """The longest silence before he asked to wait: what this caller is used to wait for an answer."""


async def drained(stage: Stage, fault: Fault, *, calls: int, worker: str = "billing") -> tuple[list[Row], list[Moved]]:
    """Fills ``worker`` with calls of its direct line (its twin is away meanwhile), starts the twin, and sends SIGTERM."""
    mesh, twin = stage.mesh, f"{worker}.2"
    await mesh.process(twin).stop()
    load = os.getloadavg()[0]
    callers: list[PatientCaller] = []
    calling: list[asyncio.Task[Stayed]] = []
    owners: dict[str, str] = {}
    waits_at: list[float] = []
    try:
        for _ in range(calls):  # one after the other: they are to be on the line, not to be a rush
            caller = await _caller(stage, fault)  # only now: a caller's time runs from here
            callers.append(caller)
            calling.append(asyncio.create_task(caller.run(within_seconds=_CALL_SECONDS)))
            owners[caller.call_id] = await _owner(stage, caller.call_id)
            await until(caller.waits, what="a caller who waits", seconds=_THERE_SECONDS)
            waits_at.append(time.time())
        await mesh.restart(twin)
        mesh.process(worker).send(signal.SIGTERM)
        struck_at = time.time()
        moves = await asyncio.gather(*(_moved(stage, call_id, owner) for call_id, owner in owners.items()))
        talked_on_at: list[float] = []
        for number in range(0, calls, _AT_ONCE):
            talked_on_at += await asyncio.gather(*map(_talked_on, callers[number : number + _AT_ONCE]))
        stayed = await asyncio.gather(*calling)
    finally:
        for task in calling:
            task.cancel()
        await asyncio.gather(*calling, return_exceptions=True)
    times = [_Times(struck_at, *each) for each in zip(waits_at, moves, talked_on_at, strict=True)]
    found = [await _row(stage, fault, one, at, load) for one, at in zip(stayed, times, strict=True)]
    await heal(mesh)
    return [row for row, _ in found], [moved for _, moved in found]


@dataclass(frozen=True, slots=True)
class _Times:
    """Of one call, in seconds since the epoch; ``moved`` is 0 when it never was."""

    struck: float
    waits: float
    moved: float
    talked_on: float


async def _row(stage: Stage, fault: Fault, stayed: Stayed, at: _Times, load: float) -> tuple[Row, Moved]:
    recording, hellos = stayed.recording, stayed.hellos_ms
    # His hello ends a silence that he had asked for: here it is no part of one.
    heard = measure(recording, struck_at=at.talked_on)
    usual = measure(recording, struck_at=recording.started_at + _JOINS_SECONDS, until=at.waits, hellos_ms=hellos)
    call = await ended(stage.store, recording.call_id, within_seconds=_ENDING_SECONDS)
    problems = judge(
        heard=heard,
        recording=recording,
        call=call,
        lines=[line for line in await stage.store.endings() if line.call_id == recording.call_id],
        changes={},
        # To his hello an agent that has nothing else to answer says how it can help, moved or not.
        before=Before(),
        struck_at=at.struck,
        expects=fault.expects(),
    )
    problems += tuple(is_moved(at.moved - at.struck if at.moved else None))
    if problems:
        await asyncio.to_thread(save_audio, recording, stage.mesh.run_dir / recording.call_id)
    after = round((at.moved - at.struck) * 1000) if at.moved else None
    row = Row(
        fault=fault.name,
        call_id=recording.call_id,
        load=load,
        seconds=0.0,
        what="the worker was told to stop",
        struck_at=at.struck,
        heard=heard,
        ending=str(call.ending) if call is not None and call.ending else "",
        services=call.services if call is not None else (),
        problems=problems,
        notes=(f"moved after {after} ms" if after is not None else "ended where it was",),
    )
    return row, Moved(after, usual.longest_silence_ms)


async def _caller(stage: Stage, fault: Fault) -> PatientCaller:
    who = CALLERS[fault.caller]
    replies = who.replies()
    voice = await stage.learn(replies)
    key, secret = stage.mesh.livekit_api_key, stage.mesh.livekit_api_secret
    access = new_access(stage.mesh.livekit_url, api_key=key, api_secret=secret, service=who.service)
    return PatientCaller(replies, voice, access=access)


async def _talked_on(caller: PatientCaller) -> float:
    """He says hello and one line more, is answered, and hangs up. When he began, in seconds since the epoch."""
    began_at, wanted = time.time(), caller.lines_spoken + 1
    caller.talk_on()

    async def has() -> bool:
        return caller.lines_spoken >= wanted and not caller.is_speaking and caller.hears_a_voice

    with suppress(NotThere):  # then the verdict tells of it
        await until(has, what="an answer", seconds=_TALKS_ON_SECONDS)
    caller.hang_up()
    return began_at


async def _owner(stage: Stage, call_id: str) -> str:
    """Who has the floor, once somebody has. Raises NotThere."""

    async def is_held() -> bool:
        return await stage.store.load_floor(call_id) is not None

    await until(is_held, what="an agent in each call", seconds=_THERE_SECONDS)
    floor = await stage.store.load_floor(call_id)
    return floor.agent_id if floor is not None else ""


async def _moved(stage: Stage, call_id: str, agent_id: str) -> float:
    """When (seconds since the epoch) another agent had the floor; 0 when the call ended where it was, or never moved."""
    deadline = time.monotonic() + _MOVED_SECONDS
    while time.monotonic() < deadline:
        floor = await stage.store.load_floor(call_id)
        if floor is None:
            return 0.0
        if floor.agent_id != agent_id:
            return time.time()
        await asyncio.sleep(0.02)
    return 0.0
