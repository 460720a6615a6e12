"""What a worker tells the mesh of itself, again and again."""

from __future__ import annotations

import asyncio
import logging

import pytest
from handoff.store import WorkerStatus
from handoff.testing import OutageStore
from worker.main_process.admission import Admission
from worker.main_process.health import Readiness
from worker.main_process.heartbeat import BEAT_SECONDS, GONE_SECONDS, Heartbeat
from worker.testing.jumping_time import without_waiting


class Beating:
    """A worker of billing with ten places, registered with LiveKit; its store's clock is the test's."""

    def __init__(self) -> None:
        self.running = 0
        self.store = OutageStore(now=asyncio.get_running_loop().time)
        self.admission = Admission(10, running=lambda: self.running, hold_seconds=60)
        self.readiness = Readiness(self.admission, initialized=True, registered=True)
        self.heartbeat = Heartbeat("billing", store=self.store, admission=self.admission, readiness=self.readiness)
        self.beats = asyncio.create_task(self.heartbeat.run())

    async def told(self) -> list[WorkerStatus]:
        """What the store has after the next beat."""
        await asyncio.sleep(BEAT_SECONDS * 1.5)
        return list(await self.store.workers())

    def stops(self) -> None:
        self.beats.cancel()


@without_waiting
async def test_calls_that_run_and_calls_on_their_way_take_places() -> None:
    billing = Beating()
    billing.running = 2
    billing.admission.try_admit("h1")
    (status,) = await billing.told()
    assert (status.service, status.capacity, status.taken, status.away) == ("billing", 10, 3, "")
    assert status.worker_id.startswith("billing-")
    billing.running = 0
    billing.admission.release("h1")
    (status,) = await billing.told()
    assert status.taken == 0
    billing.stops()


@without_waiting
async def test_a_full_worker_is_full_and_not_away() -> None:
    billing = Beating()
    billing.running = 10
    (status,) = await billing.told()
    assert (status.taken, status.away, billing.readiness.reason) == (10, "", "at_capacity")
    billing.stops()


@without_waiting
async def test_why_no_call_can_come_is_told() -> None:
    billing = Beating()
    billing.admission.draining = True
    (draining,) = await billing.told()
    billing.admission.draining = billing.readiness.registered = False
    (disconnected,) = await billing.told()
    assert (draining.away, disconnected.away) == ("draining", "livekit_disconnected")
    billing.stops()


@without_waiting
async def test_a_worker_that_lives_is_never_missed_and_one_that_is_killed_is_soon() -> None:
    billing = Beating()
    for _ in range(20):
        assert len(await billing.told()) == 1
    billing.stops()
    await asyncio.sleep(GONE_SECONDS)
    assert await billing.store.workers() == ()


@without_waiting
async def test_a_worker_that_leaves_need_not_be_missed() -> None:
    billing = Beating()
    assert len(await billing.told()) == 1
    billing.stops()
    await billing.heartbeat.leave()
    assert await billing.store.workers() == ()


@without_waiting
async def test_two_workers_of_one_service_are_two() -> None:
    one, other = Beating(), Beating()
    assert (await one.told())[0].worker_id != (await other.told())[0].worker_id
    for each in (one, other):
        each.stops()


@without_waiting
async def test_a_store_that_was_away_is_told_again() -> None:
    billing = Beating()
    billing.store.is_away = True
    await asyncio.sleep(60)
    billing.store.is_away = False
    assert len(await billing.told()) == 1
    billing.stops()


def test_whatever_happens_to_one_beat_the_next_one_follows(caplog: pytest.LogCaptureFixture) -> None:
    @without_waiting
    async def test() -> None:
        billing = Beating()
        noted, billing.store.note_worker = billing.store.note_worker, None  # type: ignore[assignment]
        await asyncio.sleep(BEAT_SECONDS * 1.5)
        billing.store.note_worker = noted  # type: ignore[method-assign]
        assert len(await billing.told()) == 1
        billing.stops()

    with caplog.at_level(logging.ERROR):
        test()
    assert "a heartbeat failed" in caplog.text
