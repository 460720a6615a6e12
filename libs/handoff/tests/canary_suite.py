"""What every Store must do with canaries, as tests: see store_suite.py."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from handoff.canary import WINDOW, Canary
from handoff.errors import InvalidContext
from handoff.store import Store
from store_steps import MakeStore


async def beats(store: Store, version: str = "2.0", *, weight: int = 10, seconds: float = 60.0) -> Canary:
    """A worker of billing's canary tells that it is there."""
    return await store.note_canary("billing", version=version, weight=weight, seconds=seconds)


async def counted(store: Store, outcomes: str, *, version: str = "2.0") -> list[Canary | None]:
    """What came of handoffs to billing's canary, one after the other: ``s`` spoken, ``f`` failed."""
    return [await store.count_canary("billing", version=version, is_spoken=each == "s") for each in outcomes]


async def share(store: Store) -> int:
    """Per cent of the handoffs to billing that its canary gets."""
    canary = await store.canary("billing")
    return canary.share if canary is not None else 0


class CanarySuite:
    """Give a fixture ``make_store``: a function that makes an empty store, taking a store's settings by name."""

    @pytest.fixture
    def store(self, make_store: MakeStore) -> Store:
        return make_store()

    async def test_a_service_that_nobody_told_of_has_no_canary(self, store: Store) -> None:
        assert await store.canary("billing") is None
        assert await store.stop_canary("billing", why="no more") is None
        assert await store.reset_canary("billing") is None
        assert await counted(store, "f") == [None]
        assert await store.canary("billing") is None

    async def test_what_a_canary_tells_of_itself_comes_back_whole(self, store: Store) -> None:
        told = await beats(store, "2.0-rc.1 + ü", weight=50)
        assert told == await store.canary("billing") == Canary("billing", "2.0-rc.1 + ü", 50, True)
        assert told.agent_name == "billing-canary"
        assert await store.canary("sales") is None

    async def test_a_canary_gets_its_weight_for_as_long_as_its_workers_tell_that_they_are_there(
        self, store: Store
    ) -> None:
        await beats(store, weight=10)
        assert await share(store) == 10
        await beats(store, weight=20)
        assert await share(store) == 20
        await beats(store, seconds=0)
        assert await share(store) == 0
        found = await store.canary("billing")
        assert found is not None and not found.is_there and found.weight == 10

    @pytest.mark.parametrize(
        ("version", "weight"), [("", 10), (" ", 10), ("x" * 300, 10), ("two\nlines", 10), ("2.0", 0), ("2.0", 51)]
    )
    async def test_what_no_canary_may_tell_of_itself_is_refused(self, store: Store, version: str, weight: int) -> None:
        with pytest.raises(InvalidContext):
            await beats(store, version, weight=weight)
        assert await store.canary("billing") is None

    # --- what came of it ------------------------------------------------------------------------------------------
    async def test_what_came_of_its_handoffs_is_counted(self, store: Store) -> None:
        await beats(store)
        assert await counted(store, "sfs") == [None] * 3
        assert await beats(store) == Canary("billing", "2.0", 10, True, spoken=2, failed=1, recent="sfs")

    async def test_two_failures_stop_nothing_and_the_third_does(self, store: Store) -> None:
        await beats(store)
        assert await counted(store, "ff") == [None, None]
        assert await share(store) == 10
        (stopped,) = await counted(store, "f")
        assert stopped is not None
        assert (stopped.share, stopped.why) == (0, "3 of the last 3 handoffs failed")
        assert stopped.stopped_at == pytest.approx(await store.now(), abs=60)

    @pytest.mark.parametrize(
        ("outcomes", "is_stopped"),
        [
            ("s" * 12 + "fff", True),
            ("s" * 13 + "fff", False),
            ("s" * 100 + "ffff", True),
            ("fss" * 2 + "s" * 6 + "f", True),
            ("fs" + "s" * 9 + "f" + "s" * 9 + "f", False),
        ],
        ids=["a fifth", "less than a fifth", "after many good ones", "not in a row", "the first is long past"],
    )
    async def test_a_fifth_of_the_latest_handoffs_is_too_much(
        self, store: Store, outcomes: str, is_stopped: bool
    ) -> None:
        await beats(store)
        told = await counted(store, outcomes)
        assert (told[-1] is not None) is is_stopped
        assert told[:-1] == [None] * (len(outcomes) - 1)
        found = await store.canary("billing")
        assert found is not None
        assert found.recent == outcomes[-WINDOW:]
        assert (await share(store) == 0) is is_stopped

    async def test_of_many_who_count_at_once_one_is_told_that_it_is_stopped(self, store: Store) -> None:
        await beats(store)
        answers = await asyncio.gather(
            *(store.count_canary("billing", version="2.0", is_spoken=False) for _ in range(10))
        )
        assert len([each for each in answers if each is not None]) == 1
        found = await store.canary("billing")
        assert found is not None and found.failed == 10

    async def test_a_version_that_is_stopped_stays_so_whatever_it_tells_and_is_counted(self, store: Store) -> None:
        await beats(store)
        await counted(store, "fff")
        assert await counted(store, "s" * 20 + "fffff") == [None] * 25, "who was on the way still arrives"
        told = await beats(store, weight=50)
        assert (told.share, told.why) == (0, "3 of the last 3 handoffs failed")

    # --- another version, people ----------------------------------------------------------------------------------
    async def test_another_version_begins_anew_and_the_stopped_one_is_not_forgotten(self, store: Store) -> None:
        await beats(store)
        await counted(store, "fff")
        assert await beats(store, "2.1") == Canary("billing", "2.1", 10, True)
        assert (await beats(store)).share == 0

    async def test_a_handoff_counts_for_the_version_that_had_it(self, store: Store) -> None:
        await beats(store)
        await beats(store, "2.1")
        await counted(store, "ff")
        await counted(store, "s", version="2.1")
        found = await store.canary("billing")
        assert found is not None and (found.version, found.spoken, found.failed) == ("2.1", 1, 0)
        (stopped,) = await counted(store, "f")
        assert stopped is not None and stopped.version == "2.0"
        assert await share(store) == 10

    async def test_people_stop_a_canary_and_let_it_go_on(self, store: Store) -> None:
        await beats(store)
        await counted(store, "sf")
        stopped = await store.stop_canary("billing", why="it says Sally to everybody")
        assert stopped is not None
        assert (stopped.share, stopped.why, stopped.spoken) == (0, "it says Sally to everybody", 1)
        assert await store.stop_canary("billing", why="another reason") == stopped
        assert await store.reset_canary("billing") == Canary("billing", "2.0", 10, True)
        assert await share(store) == 10

    async def test_one_service_s_canary_is_no_other_s(self, store: Store) -> None:
        await beats(store)
        other = await store.note_canary("sales", version="2.0", weight=10, seconds=60)
        await counted(store, "fff")
        assert await store.canary("sales") == replace(other, service="sales")

    async def test_a_store_s_other_words_know_nothing_of_it(self, store: Store) -> None:
        await beats(store)
        found: dict[str, Any] = {"workers": await store.workers(), "breaker": await store.breaker_load("billing")}
        assert found == {"workers": (), "breaker": {}}
