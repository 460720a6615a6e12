"""Who is asked when a specialist cannot take the call, in which order, and when nobody is asked any more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from handoff.breaker import FAILURES, Breaker, Permit, State
from handoff.memory_store import MemoryStore
from worker.handover.ladder import Missed
from worker.handover.transfer import Stayed
from worker.testing.jumping_time import without_waiting
from worker.testing.ladder import MOVED, House, climb


# --- the service itself -------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_service_with_room_takes_the_call() -> None:
    house = House()
    assert await (await climb(house)).to("billing") == MOVED
    assert house.journal == ["asks billing", "announces billing"]


@pytest.mark.parametrize(
    ("house", "reason"),
    [
        (House(active={"billing": 10}), "at_capacity"),
        (House(draining={"billing"}), "draining"),
        (House(away={"billing"}), "unreachable"),
    ],
)
@without_waiting
async def test_a_service_without_room_is_not_even_asked_and_that_is_noted_once(house: House, reason: str) -> None:
    house.away |= {"escalation"}
    call = await climb(house, hold_seconds=0)
    assert await call.to("billing") == Missed(reason)
    assert house.journal == []
    assert call.attempts == [("billing", reason)]


@without_waiting
async def test_a_service_that_does_not_tell_how_much_room_it_has_is_asked() -> None:
    house = House(strange={"billing"})
    assert await (await climb(house)).to("billing") == MOVED


@pytest.mark.parametrize("reason", ["lost", "not_ready", "silent"])
@without_waiting
async def test_when_its_worker_fails_on_the_way_another_worker_takes_the_call(reason: str) -> None:
    house = House(another={"billing"}, will={"billing": [Stayed(reason)]})
    assert await (await climb(house)).to("billing") == MOVED
    assert house.journal == ["asks billing", "announces billing", "asks billing", "one moment longer"]


@without_waiting
async def test_without_another_worker_the_failed_one_is_not_asked_again() -> None:
    house = House(away={"escalation"}, will={"billing": [Stayed("lost")]})
    assert await (await climb(house)).to("billing") == Missed("lost")
    assert house.journal == ["asks billing", "announces billing"]


# --- stand-ins ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "house",
    [House(active={"billing": 10}), House(away={"billing"}), House(will={"billing": [Stayed("lost")]})],
    ids=["full", "away", "lost"],
)
@without_waiting
async def test_who_stands_in_takes_the_call_and_is_announced_as_that(house: House) -> None:
    assert await (await climb(house)).to("billing") == MOVED
    assert house.journal[-2:] == ["asks escalation", "announces escalation for billing"]


@without_waiting
async def test_a_stand_in_keeps_half_of_its_places_for_its_own_callers() -> None:
    house = House(active={"billing": 10, "escalation": 6})
    assert await (await climb(house, hold_seconds=0)).to("billing") == Missed("at_capacity")
    house.active["escalation"] = 5
    assert await (await climb(house, hold_seconds=0)).to("billing") == MOVED


@without_waiting
async def test_a_caller_past_patience_gets_a_stand_ins_last_place() -> None:
    call = await climb(House(active={"billing": 10, "escalation": 9}))
    call.is_frustrated = True
    assert await call.to("billing") == MOVED


@without_waiting
async def test_a_stand_in_that_this_agent_may_not_hand_to_is_not_asked() -> None:
    call = await climb(House(active={"billing": 10}), reaches=("billing",), hold_seconds=0)
    assert await call.to("billing") == Missed("at_capacity")
    assert call.house.journal == []


@without_waiting
async def test_who_has_the_call_does_not_stand_in_for_another() -> None:
    call = await climb(House(active={"billing": 10}), service="escalation", hold_seconds=0)
    assert await call.to("billing") == Missed("at_capacity")
    assert call.house.journal == []


@without_waiting
async def test_a_stand_in_that_is_away_leaves_no_trace_in_the_record() -> None:
    call = await climb(House(active={"billing": 10}, away={"escalation"}), hold_seconds=0)
    await call.to("billing")
    assert call.attempts == [("billing", "at_capacity")]


# --- where the ladder is not climbed ------------------------------------------------------------------------------------
@pytest.mark.parametrize("reason", ["caller_left", "hop_limit", "invalid", "no_such_service", "TwirpError"])
@without_waiting
async def test_a_reason_that_is_the_same_everywhere_ends_it(reason: str) -> None:
    house = House(another={"billing"}, will={"billing": [Stayed(reason)]})
    assert await (await climb(house)).to("billing") == Missed(reason)
    assert [line for line in house.journal if line.startswith("asks")] == ["asks billing"]


@without_waiting
async def test_a_caller_who_leaves_while_a_stand_in_comes_is_kept_on_no_line() -> None:
    house = House(active={"billing": 10}, will={"escalation": [Stayed("caller_left")]})
    assert await (await climb(house)).to("billing") == Missed("caller_left")
    assert "hold at 1" not in house.journal


@without_waiting
async def test_nobody_waits_or_is_sent_further_for_the_front_desk() -> None:
    house = House(active={"triage": 10})
    assert await (await climb(house, service="billing", reaches=("triage", "escalation"))).to("triage") == Missed(
        "at_capacity"
    )
    assert house.journal == []


# --- the breaker --------------------------------------------------------------------------------------------------------
async def opened(store: MemoryStore) -> Breaker:
    breaker = Breaker(store)
    for _ in range(FAILURES):
        await breaker.failed(Permit("billing"))
    return breaker


@without_waiting
async def test_a_service_whose_breaker_is_open_is_not_asked_and_its_stand_in_is() -> None:
    call = await climb(House())
    await opened(call.store)
    assert await call.to("billing") == MOVED
    assert call.house.journal == ["asks escalation", "announces escalation for billing"]
    assert call.attempts == [("billing", "failing")]


@pytest.mark.parametrize("reason", ["unreachable", "not_ready", "lost", "silent"])
@without_waiting
async def test_a_service_that_fails_often_enough_opens_its_breaker(reason: str) -> None:
    call = await climb(House(away={"escalation"}, will={"billing": [Stayed(reason)] * FAILURES}))
    for _ in range(FAILURES):
        assert await call.to("billing") == Missed(reason)
    assert await call.to("billing") == Missed("failing")


@pytest.mark.parametrize("reason", ["at_capacity", "draining", "hop_limit", "caller_left", "TwirpError"])
@without_waiting
async def test_no_refusal_and_nobody_elses_fault_opens_it(reason: str) -> None:
    call = await climb(House(away={"escalation"}, will={"billing": [Stayed(reason)] * FAILURES * 2}), hold_seconds=0)
    for _ in range(FAILURES * 2):
        await call.to("billing")
    assert await Breaker(call.store).state("billing") is State.CLOSED


@without_waiting
async def test_a_handoff_that_is_cut_off_gives_its_probe_back() -> None:
    call = await climb(House(fails=asyncio.CancelledError()))
    breaker = await opened(call.store)
    clock: Any = call.store._now
    clock.advance(60)
    with pytest.raises(asyncio.CancelledError):
        await call.to("billing")
    assert await breaker.admit("billing", "the next") == Permit("billing", probe="the next")
