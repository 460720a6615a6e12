"""A handoff that is in a canary's share: who is asked, what the caller hears of it when the canary fails, and what is counted."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from handoff.canary import Canary
from handoff.errors import StoreUnavailable, WireMismatch
from handoff.outcome import Refusal
from worker.handover.transfer import Moved, Stayed
from worker.testing.jumping_time import without_waiting
from worker.testing.ladder import MOVED, House, climb
from worker.testing.transfer import (
    AbsentTaker,
    DeafTaker,
    DecliningTaker,
    DyingTaker,
    ForeignTaker,
    FrozenTaker,
    SilentTaker,
    Stage,
    TakerWithCanary,
    WillingTaker,
)

STABLE = ["offered", "dispatched billing"]


async def stage_with(canary: WillingTaker, *, weight: int = 50, call_id: str = "") -> Stage:
    """Billing has a canary that behaves so; the call is in its share, whatever that is."""
    stage = Stage(TakerWithCanary(canary))
    await stage.store.note_canary("billing", version="2.0", weight=weight, seconds=60)
    return stage


@pytest.fixture(autouse=True)
def every_call_is_in_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handoff.canary.place_of", lambda service, call_id: 0.0)


async def counted(stage: Stage) -> tuple[int, int]:
    found = await stage.store.canary("billing")
    assert found is not None
    return found.spoken, found.failed


@without_waiting
async def test_a_call_in_the_share_goes_to_the_canary_and_is_counted() -> None:
    stage = await stage_with(WillingTaker())
    assert isinstance(await stage.hand_over(), Moved)
    assert stage.journal[:2] == ["offered to billing-canary", "dispatched billing-canary"]
    assert await stage.floor() == "billing at 2", "in the call it is billing"
    # The version that accepted is counted, when it is one that the store knows: this taker's is "1".
    assert await counted(stage) == (0, 0)


@without_waiting
async def test_what_came_of_it_is_counted_for_the_version_that_accepted() -> None:
    stage = await stage_with(WillingTaker())
    await stage.store.note_canary("billing", version="1", weight=50, seconds=60)
    await stage.hand_over()
    assert await counted(stage) == (1, 0)


@without_waiting
async def test_a_call_that_is_not_in_the_share_goes_where_it_always_went(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handoff.canary.place_of", lambda service, call_id: 50.0)
    stage = await stage_with(WillingTaker())
    assert isinstance(await stage.hand_over(), Moved)
    assert stage.journal[:2] == STABLE


@pytest.mark.parametrize(
    ("canary", "failed"),
    [
        (DecliningTaker(Refusal.AT_CAPACITY), 0),
        (DecliningTaker(Refusal.DRAINING), 0),
        (DecliningTaker(Refusal.STALE), 0),
        (DecliningTaker(Refusal.INVALID), 1),
        (DeafTaker(), 1),
        (ForeignTaker(WireMismatch("another contract")), 1),
    ],
    ids=["full", "draining", "stale", "does not understand", "does not answer", "of another contract"],
)
@without_waiting
async def test_when_the_canary_does_not_take_it_the_others_do_and_the_caller_hears_nothing_of_it(
    canary: WillingTaker, failed: int
) -> None:
    stage = await stage_with(canary)
    outcome = await stage.hand_over()
    assert isinstance(outcome, Moved)
    assert stage.journal[:3] == ["offered to billing-canary", *STABLE]
    assert stage.journal.count("announcement begins") == 1
    assert stage.checkpoint.call.attempts == ()
    assert await counted(stage) == (0, failed)


@pytest.mark.parametrize(
    ("canary", "reason"),
    [
        (AbsentTaker(), "not_ready"),
        (DyingTaker(0.5), "lost"),
        (FrozenTaker(), "lost"),
        (SilentTaker(), "silent"),
    ],
    ids=["never comes", "dies", "frozen", "silent"],
)
@without_waiting
async def test_a_canary_that_fails_on_the_way_gets_this_call_no_more(canary: WillingTaker, reason: str) -> None:
    stage = await stage_with(canary)
    await stage.store.note_canary("billing", version="1", weight=50, seconds=60)
    transfer = await stage.opened()
    assert await stage.move(transfer) == Stayed(reason, by_canary=True)
    assert await counted(stage) == (0, 1)
    del stage.journal[:]
    assert isinstance(await stage.move(transfer), Moved)
    assert stage.journal[:2] == STABLE
    assert await counted(stage) == (0, 1)


@without_waiting
async def test_a_caller_who_leaves_is_no_fault_of_the_canary() -> None:
    class Leaving(WillingTaker):
        async def join(self, handoff_id: str, agent_id: str) -> None:
            self.stage.caller_leaves()

    stage = await stage_with(Leaving())
    await stage.store.note_canary("billing", version="1", weight=50, seconds=60)
    assert await stage.hand_over() == Stayed("caller_left", by_canary=True)
    assert await counted(stage) == (0, 0)


@without_waiting
async def test_three_handoffs_that_fail_stop_it_and_that_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    stage = await stage_with(DeafTaker())
    said = []
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            again = Stage(TakerWithCanary(DeafTaker()))
            again.store._canaries = stage.store._canaries
            assert isinstance(await again.hand_over(), Moved)
            said.append("offered to billing-canary" in again.journal)
    assert said == [True, True, True, False, False]
    stops = [record.getMessage() for record in caplog.records if "is stopped" in record.getMessage()]
    assert len(stops) == 1
    assert "3 of the last 3 handoffs failed (version 2.0, 0 spoken, 3 failed)" in stops[0]


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), TimeoutError()])
@without_waiting
async def test_without_the_store_s_word_nobody_is_sent_to_a_canary(fault: Exception) -> None:
    stage = await stage_with(WillingTaker())

    async def away(*_: Any, **__: Any) -> Canary:
        raise fault

    stage.store.canary = away  # type: ignore[method-assign]
    assert isinstance(await stage.hand_over(), Moved)
    assert stage.journal[:2] == STABLE


@without_waiting
async def test_a_count_that_the_store_does_not_take_costs_the_call_nothing() -> None:
    stage = await stage_with(WillingTaker())

    async def away(*_: Any, **__: Any) -> Canary | None:
        raise StoreUnavailable("away")

    stage.store.count_canary = away  # type: ignore[method-assign]
    assert isinstance(await stage.hand_over(), Moved)


# --- the ladder -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("reason", ["not_ready", "lost", "silent"])
@without_waiting
async def test_the_others_get_the_call_of_a_canary_that_failed_with_one_more_word(reason: str) -> None:
    house = House(will={"billing": [Stayed(reason, by_canary=True), MOVED]})
    assert await (await climb(house)).to("billing") == MOVED
    assert house.journal == ["asks billing", "announces billing", "asks billing", "one moment longer"]


@without_waiting
async def test_after_its_canary_the_service_is_tried_as_ever_a_second_worker_too() -> None:
    faults = [Stayed("not_ready", by_canary=True), Stayed("lost"), MOVED]
    house = House(will={"billing": faults}, another={"billing"})
    assert await (await climb(house)).to("billing") == MOVED
    assert house.journal.count("asks billing") == 3


@without_waiting
async def test_the_faults_of_a_canary_are_none_of_the_service_s_breaker() -> None:
    for _ in range(5):
        house = House(will={"billing": [Stayed("silent", by_canary=True), MOVED]})
        climbing = await climb(house)
        await climbing.to("billing")
        assert await climbing.store.breaker_load("billing") == {}


@without_waiting
async def test_a_caller_who_left_while_a_canary_was_tried_is_not_handed_over_again() -> None:
    house = House(will={"billing": [Stayed("caller_left", by_canary=True)]})
    assert (await (await climb(house)).to("billing")).reason == "caller_left"
    assert house.journal.count("asks billing") == 1
