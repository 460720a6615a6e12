"""A breaker keeps everybody from a service that fails, lets one try again, and never mistakes a busy service for a broken one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from handoff.breaker import (
    COOL_SECONDS,
    FAILURES,
    MAX_COOL_SECONDS,
    PROBE_SECONDS,
    WINDOW_SECONDS,
    Breaker,
    Permit,
    State,
)
from handoff.testing import FakeClock, OutageStore, memory_store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def breaker(clock: FakeClock) -> Breaker:
    return Breaker(memory_store(clock))


async def permit(breaker: Breaker, who: str = "somebody") -> Permit:
    given = await breaker.admit("billing", who)
    assert given is not None
    return given


async def opened(breaker: Breaker) -> None:
    tries = [await permit(breaker) for _ in range(FAILURES)]
    for each in tries:
        await breaker.failed(each)


async def test_a_service_that_nobody_has_tried_is_admitted(breaker: Breaker) -> None:
    assert await breaker.admit("billing", "a") == Permit("billing")
    assert await breaker.state("billing") is State.CLOSED


async def test_it_opens_at_the_last_of_so_many_failures_and_not_before(breaker: Breaker) -> None:
    for _ in range(FAILURES - 1):
        await breaker.failed(await permit(breaker))
    last = await permit(breaker)
    assert await breaker.state("billing") is State.CLOSED
    await breaker.failed(last)
    assert await breaker.state("billing") is State.OPEN
    assert await breaker.admit("billing", "a") is None


async def test_only_the_service_that_fails_is_shut_out(breaker: Breaker) -> None:
    await opened(breaker)
    assert await breaker.admit("technical", "a") == Permit("technical")


async def test_a_success_between_failures_makes_them_count_from_the_beginning(breaker: Breaker) -> None:
    for _ in range(FAILURES - 1):
        await breaker.failed(await permit(breaker))
    await breaker.succeeded(await permit(breaker))
    for _ in range(FAILURES - 1):
        await breaker.failed(await permit(breaker))
    assert await breaker.state("billing") is State.CLOSED


async def test_failures_that_lie_far_apart_do_not_open_it(breaker: Breaker, clock: FakeClock) -> None:
    for _ in range(FAILURES * 2):
        await breaker.failed(await permit(breaker))
        clock.advance(WINDOW_SECONDS + 1)
    assert await breaker.state("billing") is State.CLOSED


async def test_after_the_cool_down_one_may_probe_and_nobody_beside_it(breaker: Breaker, clock: FakeClock) -> None:
    await opened(breaker)
    clock.advance(COOL_SECONDS)
    asked = await asyncio.gather(*(breaker.admit("billing", f"pod-{n}") for n in range(10)))
    assert [each for each in asked if each is not None] == [Permit("billing", probe="pod-0")]
    assert await breaker.state("billing") is State.HALF_OPEN


async def test_a_probe_that_succeeds_closes_it(breaker: Breaker, clock: FakeClock) -> None:
    await opened(breaker)
    clock.advance(COOL_SECONDS)
    await breaker.succeeded(await permit(breaker))
    assert await breaker.state("billing") is State.CLOSED
    assert await breaker.admit("billing", "a") == Permit("billing")


async def test_each_probe_that_fails_doubles_the_cool_down_up_to_a_bound(breaker: Breaker, clock: FakeClock) -> None:
    await opened(breaker)
    cool = COOL_SECONDS
    while cool < MAX_COOL_SECONDS:
        clock.advance(cool)
        await breaker.failed(await permit(breaker))
        cool = min(cool * 2, MAX_COOL_SECONDS)
        clock.advance(cool - 0.1)
        assert await breaker.admit("billing", "too early") is None
        clock.advance(0.1 - cool)
    clock.advance(cool)
    await breaker.failed(await permit(breaker))
    clock.advance(MAX_COOL_SECONDS)
    assert await breaker.admit("billing", "a") is not None


async def test_a_prober_that_dies_is_followed_by_another(breaker: Breaker, clock: FakeClock) -> None:
    await opened(breaker)
    clock.advance(COOL_SECONDS)
    await permit(breaker, "dies")
    clock.advance(PROBE_SECONDS)
    second = await permit(breaker, "lives")
    await breaker.failed(Permit("billing", probe="dies"))  # it was only slow: no word of it counts now
    assert await breaker.state("billing") is State.HALF_OPEN
    await breaker.succeeded(second)
    assert await breaker.state("billing") is State.CLOSED


async def test_a_try_from_before_the_opening_neither_closes_nor_lengthens_it(
    breaker: Breaker, clock: FakeClock
) -> None:
    early, late = await permit(breaker), await permit(breaker)
    await opened(breaker)
    await breaker.succeeded(early)
    await breaker.failed(late)
    assert await breaker.state("billing") is State.OPEN
    clock.advance(COOL_SECONDS)
    assert await breaker.admit("billing", "a") is not None


async def test_a_probe_whose_caller_hung_up_leaves_the_next_one_free_to_probe(
    breaker: Breaker, clock: FakeClock
) -> None:
    await opened(breaker)
    clock.advance(COOL_SECONDS)
    await breaker.said_nothing(await permit(breaker, "a"))
    assert await permit(breaker, "b") == Permit("billing", probe="b")


async def test_every_pod_sees_the_same_state(clock: FakeClock) -> None:
    store = memory_store(clock)
    pods = [Breaker(store) for _ in range(FAILURES)]
    permits = [await permit(pod) for pod in pods]
    await asyncio.gather(*(pod.failed(each) for pod, each in zip(pods, permits, strict=True)))
    assert [await pod.admit("billing", "a") for pod in pods] == [None] * FAILURES


async def test_failures_that_are_noted_at_once_are_all_counted() -> None:
    """Each swap loses to another pod's once; none is lost."""
    store = _ContestedStore()
    breaker = Breaker(store)
    for _ in range(FAILURES):
        store.is_contested = True
        await breaker.failed(Permit("billing"))
    assert await breaker.state("billing") is State.OPEN


class _ContestedStore:
    """Somebody else writes the same state a moment before each swap."""

    def __init__(self) -> None:
        self.is_contested = False
        self._store = memory_store()

    async def now(self) -> float:
        return await self._store.now()

    async def breaker_load(self, service: str) -> dict[str, str]:
        return await self._store.breaker_load(service)

    async def breaker_swap(self, service: str, expected_version: int, new: Mapping[str, str]) -> bool:
        if self.is_contested:
            self.is_contested = False
            found = await self._store.breaker_load(service)
            assert await self._store.breaker_swap(service, int(found.get("version", 0)), found)
        return await self._store.breaker_swap(service, expected_version, new)


async def test_while_the_store_is_away_everybody_is_admitted_and_nothing_fails(clock: FakeClock) -> None:
    store = OutageStore(now=clock)
    breaker = Breaker(store)
    await opened(breaker)
    store.is_away = True
    given = await permit(breaker)
    await breaker.failed(given)
    await breaker.succeeded(given)
    await breaker.said_nothing(given)
    store.is_away = False
    assert await breaker.state("billing") is State.OPEN


async def test_a_state_of_another_release_that_cannot_be_read_counts_as_closed(clock: FakeClock) -> None:
    store = memory_store(clock)
    await store.breaker_swap("billing", 0, {"state": "ajar", "failures": "many"})
    breaker = Breaker(store)
    assert await breaker.admit("billing", "a") == Permit("billing")
    await breaker.failed(await permit(breaker))  # and is overwritten
    assert (await store.breaker_load("billing"))["failures"] == "1"
