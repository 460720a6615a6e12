"""A drain: LiveKit is told first, then every call is asked to move until none is left or the time is over."""

from __future__ import annotations

import asyncio

from livekit import api
from worker.main_process.draining import ASK_AGAIN_SECONDS, MOVE_TOPIC, drained
from worker.testing.jumping_time import everything_ran, without_waiting

JOBS = (("call-1", "billing-1"), ("call-2", "billing-2"))


class PaperWorker:
    """Its calls leave when a test says so; notes the order of what happens."""

    def __init__(self, *, is_stubborn: bool = False) -> None:
        self.jobs = JOBS
        self.steps: list[str] = []
        self.is_empty = asyncio.Event()
        self._is_stubborn = is_stubborn

    async def drain(self) -> None:
        self.steps.append("LiveKit is told")
        try:
            async with asyncio.timeout(5.0):
                await self.is_empty.wait()
        except TimeoutError:
            if self._is_stubborn:
                raise

    async def tell(self, room: str, identity: str, *, topic: str) -> None:
        assert topic == MOVE_TOPIC
        self.steps.append(f"{identity} in {room}")
        if identity == "billing-1":  # its room cannot be reached
            raise api.TwirpError("unavailable", "LiveKit is away", status=503)


ASKED = ["billing-1 in call-1", "billing-2 in call-2"]


@without_waiting
async def test_livekit_is_told_before_any_call_is_asked_to_move() -> None:
    worker = PaperWorker()
    draining = asyncio.create_task(drained(worker, worker))
    await everything_ran()
    assert worker.steps == ["LiveKit is told", *ASKED]
    worker.is_empty.set()
    assert await draining


@without_waiting
async def test_calls_that_are_still_here_are_asked_again() -> None:
    worker = PaperWorker()
    draining = asyncio.create_task(drained(worker, worker))
    await everything_ran()
    worker.jobs = JOBS[1:]
    await asyncio.sleep(ASK_AGAIN_SECONDS + 0.1)
    assert worker.steps == ["LiveKit is told", *ASKED, ASKED[1]]
    worker.jobs = ()
    await asyncio.sleep(ASK_AGAIN_SECONDS)
    worker.is_empty.set()
    assert await draining
    assert len(worker.steps) == 4


@without_waiting
async def test_calls_that_never_move_are_told_of_and_asked_no_more() -> None:
    worker = PaperWorker(is_stubborn=True)
    assert not await drained(worker, worker)
    asked = len(worker.steps)
    await asyncio.sleep(10)
    assert len(worker.steps) == asked


@without_waiting
async def test_a_call_that_was_still_on_its_way_here_is_asked_when_it_has_come() -> None:
    worker = PaperWorker()
    worker.jobs = ()
    draining = asyncio.create_task(drained(worker, worker))
    await everything_ran()
    worker.jobs = JOBS[1:]
    await asyncio.sleep(ASK_AGAIN_SECONDS + 0.1)
    assert worker.steps == ["LiveKit is told", ASKED[1]]
    worker.is_empty.set()
    assert await draining
