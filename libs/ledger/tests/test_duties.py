"""A duty goes on after whatever went wrong, says so once, and tells how long it has been waiting."""

from __future__ import annotations

import asyncio

import pytest
from handoff.errors import StoreUnavailable, WireMismatch
from handoff.testing import FakeClock
from ledger.duties import Duty
from sqlalchemy.exc import OperationalError

FAULTS = [
    (StoreUnavailable("away"), "redis_unreachable"),
    (OperationalError("SELECT 's3cret'", None, Exception("s3cret")), "database_unreachable"),
    (WireMismatch("new"), "unreadable"),
    (RuntimeError("s3cret"), "fault"),
]


class Work:
    """What the duty does: fails while ``fault`` is set."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault

    async def __call__(self) -> None:
        if self.fault is not None:
            raise self.fault


@pytest.mark.parametrize(("fault", "problem"), FAULTS)
async def test_a_fault_is_noted_and_logged_once_without_what_it_says(
    fault: Exception, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    duty = Duty("reading", Work(fault), every_seconds=1)
    for _ in range(3):
        await duty.try_once()
    assert duty.problem == problem
    assert len(caplog.records) == 1
    assert "s3cret" not in caplog.text


async def test_it_is_well_again_as_soon_as_it_was_done_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    work = Work(StoreUnavailable("away"))
    duty = Duty("reading", work, every_seconds=1)
    assert duty.problem == "not_done_yet"
    await duty.try_once()
    work.fault = None
    await duty.try_once()
    assert duty.problem == ""
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


async def test_told_to_stop_it_finishes_what_it_is_doing_and_begins_nothing() -> None:
    stop, begun, done = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        await stop.wait()
        done.append(1)

    running = asyncio.create_task(Duty("reading", work, every_seconds=3600).run(stop))
    await begun.wait()
    stop.set()
    await running
    assert done == [1]


async def test_told_to_stop_it_does_not_wait_for_its_next_turn() -> None:
    stop, duty = asyncio.Event(), Duty("reading", Work(), every_seconds=3600)
    running = asyncio.create_task(duty.run(stop))
    while duty.problem:
        await asyncio.sleep(0)
    stop.set()
    await running
    assert duty.problem == ""


async def test_the_lag_grows_while_it_is_not_done() -> None:
    clock, work = FakeClock(), Work()
    duty = Duty("reading", work, every_seconds=1, monotonic=clock)
    clock.advance(5)
    assert duty.lag_seconds == 5
    await duty.try_once()
    assert duty.lag_seconds == 0
    work.fault = StoreUnavailable("away")
    clock.advance(30)
    await duty.try_once()
    assert duty.lag_seconds == 30
