"""One service with several workers over real gRPC on loopback: who is asked, who is asked next, and what a breaker shared makes of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from handoff.errors import PeerUnreachable
from handoff.giver import Giver, PoolStatus
from handoff.lifecycle import State
from handoff.memory_store import MemoryStore
from handoff.outcome import Accepted, Declined, Expired, Outcome, Refusal
from handoff.resolver import Resolver
from handoff.taker import Listener, Taker, serve
from handoff.testing import FakeClock, make_context

from tests.integration.billing_service import PATIENT_SECONDS, Places

HOST = "127.0.0.1"


@dataclass
class Worker:
    """One process of billing's, as far as handoffs see it."""

    places: Places
    listener: Listener

    @property
    def address(self) -> str:
        return f"{HOST}:{self.listener.port}"


@dataclass
class Workers:
    """Two workers over one store, and a giver that knows both."""

    store: MemoryStore
    first: Worker
    second: Worker
    giver: Giver = field(init=False)

    def __post_init__(self) -> None:
        self.giver = Giver(
            {"billing": f"{self.first.address}|{self.second.address}"}, offer_timeout_seconds=PATIENT_SECONDS
        )

    async def offer(self, handoff_id: str = "h1") -> Outcome:
        return await self.giver.offer(make_context(handoff_id, call=None), "billing")

    @property
    def kept(self) -> tuple[list[str], list[str]]:
        return self.first.places.kept, self.second.places.kept


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    store = MemoryStore(now=FakeClock())
    async with AsyncExitStack() as closing:

        async def worker() -> Worker:
            places = Places(capacity=4)
            listener = await serve(Taker("billing", "1.2.3", store=store, admission=places), host=HOST, port=0)
            closing.push_async_callback(listener.stop)
            return Worker(places, listener)

        running = Workers(store, await worker(), await worker())
        closing.push_async_callback(running.giver.aclose)
        yield running


async def test_the_worker_with_most_room_is_offered_the_call(workers: Workers) -> None:
    workers.first.places.kept += ["a", "b"]
    workers.second.places.kept += ["c"]
    assert isinstance(await workers.offer(), Accepted)
    assert workers.kept == (["a", "b"], ["c", "h1"])


async def test_calls_spread_over_the_workers(workers: Workers) -> None:
    for number in range(6):
        assert isinstance(await workers.offer(f"h{number}"), Accepted)
    assert [len(kept) for kept in workers.kept] == [3, 3]


@pytest.mark.parametrize("kind", ["full", "draining"])
async def test_a_worker_without_room_is_passed_over(workers: Workers, kind: str) -> None:
    workers.first.places.draining = kind == "draining"
    workers.first.places.capacity = 0 if kind == "full" else 4
    assert isinstance(await workers.offer(), Accepted)
    assert workers.kept == ([], ["h1"])


async def test_a_worker_that_is_gone_is_passed_over(workers: Workers) -> None:
    await workers.first.listener.stop()
    workers.second.places.kept += ["a", "b", "c"]
    assert isinstance(await workers.offer(), Accepted)
    assert workers.kept == ([], ["a", "b", "c", "h1"])


async def test_a_worker_that_fills_up_in_that_moment_is_followed_by_the_next(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.first.places, "try_admit", lambda handoff_id: Refusal.AT_CAPACITY)
    assert isinstance(await workers.offer(), Accepted)
    assert workers.kept == ([], ["h1"])


async def test_when_all_are_full_the_service_is_full(workers: Workers) -> None:
    workers.first.places.capacity = workers.second.places.capacity = 0
    outcome = await workers.offer()
    assert isinstance(outcome, Declined)
    assert outcome.reason is Refusal.AT_CAPACITY


async def test_a_refusal_that_is_no_matter_of_room_is_not_offered_around(workers: Workers) -> None:
    well_travelled = make_context("h1", services=("triage", "billing") * 6)
    outcome = await workers.giver.offer(well_travelled, "billing")
    assert isinstance(outcome, Declined)
    assert outcome.reason is Refusal.HOP_LIMIT


async def test_when_none_answers_the_offer_expires(workers: Workers) -> None:
    await workers.first.listener.stop()
    await workers.second.listener.stop()
    assert isinstance(await workers.offer(), Expired)
    with pytest.raises(PeerUnreachable):
        await workers.giver.pool("billing")


async def test_the_pool_of_a_service_is_that_of_its_workers_that_take_calls(workers: Workers) -> None:
    workers.first.places.kept += ["a"]
    assert await workers.giver.pool("billing") == PoolStatus("billing", 8, 1, False, "1.2.3")
    workers.first.places.draining = True
    assert await workers.giver.pool("billing") == PoolStatus("billing", 4, 0, False, "1.2.3")
    workers.second.places.draining = True
    assert (await workers.giver.pool("billing")).draining


@pytest.mark.skipif(sys.platform != "linux", reason="needs a second loopback address")
async def test_of_the_workers_behind_one_name_each_is_asked_for_itself() -> None:
    store = MemoryStore(now=FakeClock())
    behind = ["127.0.0.1", "127.0.0.2"]

    async def lookup(host: str, port: int) -> list[str]:
        return behind

    async with AsyncExitStack() as closing:
        places, port = [Places(capacity=4), Places(capacity=4)], 0
        for address, place in zip(behind, places, strict=True):
            listener = await serve(Taker("billing", "1.2.3", store=store, admission=place), host=address, port=port)
            closing.push_async_callback(listener.stop)
            port = listener.port
        clock = FakeClock()
        giver = Giver(
            {"billing": f"billing:{port}"},
            offer_timeout_seconds=PATIENT_SECONDS,
            resolver=Resolver(lookup=lookup, now=clock),
        )
        closing.push_async_callback(giver.aclose)
        places[0].kept += ["a", "b"]
        assert (await giver.pool("billing")).capacity == 8
        assert isinstance(await giver.offer(make_context("h1", call=None), "billing"), Accepted)
        assert places[1].kept == ["h1"], "it has most room"
        assert await giver.has_another("billing")
        del behind[1]
        clock.advance(60)
        assert (await giver.pool("billing")).capacity == 4, "its pod is gone"


async def test_a_handoff_is_watched_and_withdrawn_where_it_was_accepted(workers: Workers) -> None:
    workers.first.places.kept += ["a"]
    await workers.offer()
    watch = aiter(workers.giver.watch("h1", "billing"))
    assert (await anext(watch)).state is State.ACCEPTED
    await workers.giver.withdraw("h1", "billing", "caller_left")
    assert (await anext(watch)).state is State.WITHDRAWN
    assert workers.kept == (["a"], [])


async def test_the_death_of_the_other_worker_is_no_concern_of_a_handoff(workers: Workers) -> None:
    workers.first.places.kept += ["a"]
    await workers.offer()
    watch = aiter(workers.giver.watch("h1", "billing"))
    await anext(watch)
    await workers.first.listener.stop()
    await workers.store.move("h1", State.READY, taker_id="billing-h1")
    async with asyncio.timeout(PATIENT_SECONDS):
        assert (await anext(watch)).state is State.READY


async def test_after_a_failure_another_worker_is_asked_although_it_has_less_room(workers: Workers) -> None:
    workers.second.places.kept += ["a", "b"]
    await workers.offer("h1")
    assert await workers.giver.has_another("billing")
    await workers.offer("h2")
    assert workers.kept == (["h1"], ["a", "b", "h2"])


async def test_a_full_worker_is_no_other_one(workers: Workers) -> None:
    workers.second.places.capacity = 0
    await workers.offer("h1")
    assert not await workers.giver.has_another("billing")


async def test_a_service_with_one_worker_has_no_other(workers: Workers) -> None:
    giver = Giver({"billing": workers.first.address}, offer_timeout_seconds=PATIENT_SECONDS)
    await giver.offer(make_context("h1"), "billing")
    assert not await giver.has_another("billing")
    assert not await giver.has_another("sales")
    await giver.aclose()
