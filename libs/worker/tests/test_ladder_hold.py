"""When a caller waits in line, who comes before whom, and how the wait ends."""

from __future__ import annotations

import asyncio

import pytest
from handoff.testing import make_call
from worker.handover.hold import Waited
from worker.handover.ladder import Missed
from worker.handover.transfer import Stayed
from worker.testing.jumping_time import without_waiting
from worker.testing.ladder import FULL, MOVED, House, climb


@without_waiting
async def test_a_busy_service_is_waited_for_and_takes_the_call_when_it_has_room() -> None:
    house = House(active=dict(FULL))
    asyncio.get_running_loop().call_later(5, house.active.update, {"billing": 9})
    assert await (await climb(house)).to("billing") == MOVED
    assert house.journal == ["hold at 1", "asks billing", "announces billing"]


@without_waiting
async def test_the_wait_is_bounded_and_the_brain_is_told_that_he_waited() -> None:
    house = House(active=dict(FULL))
    began_at = asyncio.get_running_loop().time()
    assert await (await climb(house)).to("billing") == Missed("at_capacity", Waited.TIMED_OUT)
    assert asyncio.get_running_loop().time() - began_at == pytest.approx(30, abs=1)


@pytest.mark.parametrize(
    "house", [House(away={"billing", "escalation"}), House(away={"escalation"}, will={"billing": [Stayed("lost")]})]
)
@without_waiting
async def test_nobody_waits_for_a_service_that_is_away_or_was_lost(house: House) -> None:
    began_at = asyncio.get_running_loop().time()
    missed = await (await climb(house)).to("billing")
    assert isinstance(missed, Missed)
    assert missed.waited is None
    assert asyncio.get_running_loop().time() == began_at


@without_waiting
async def test_two_who_wait_go_through_in_their_order_and_the_impatient_one_first() -> None:
    house = House(active=dict(FULL))
    first, second = await climb(house), await climb(house)
    second.is_frustrated = True
    second.ladder.store = first.ladder.store
    second.checkpoint.call = make_call("call-2", services=("triage",))
    waiting = asyncio.ensure_future(first.to("billing")), asyncio.ensure_future(second.to("billing"))
    await asyncio.sleep(5)
    house.active["billing"] = 9
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert done == {waiting[1]}
    assert await waiting[0] == MOVED


@without_waiting
async def test_who_comes_new_overtakes_nobody_who_waits() -> None:
    house = House(active=dict(FULL))
    first, second = await climb(house), await climb(house)
    second.ladder.store = first.ladder.store
    second.checkpoint.call = make_call("call-2", services=("triage",))
    waits = asyncio.ensure_future(first.to("billing"))
    await asyncio.sleep(5.2)
    house.active["billing"] = 9
    comes = asyncio.ensure_future(second.to("billing"))
    done, _ = await asyncio.wait((waits, comes), return_when=asyncio.FIRST_COMPLETED)
    assert done == {waits}, "the one free place is that of the other"
    assert await comes == MOVED
    assert house.journal[:2] == ["hold at 1", "hold at 2"]


@without_waiting
async def test_who_comes_new_takes_the_place_that_nobody_in_line_needs() -> None:
    house = House(active={"billing": 8})
    call = await climb(house)
    await call.store.wait_in_line("billing", "another call")
    assert await call.to("billing") == MOVED
    house.active["billing"] = 9
    assert await call.to("billing") == MOVED
    assert house.journal[-1] == "announces escalation for billing"


@without_waiting
async def test_who_has_his_place_stands_in_line_no_more_while_he_is_handed_over() -> None:
    house = House(active=dict(FULL))
    call = await climb(house)
    asyncio.get_running_loop().call_later(5, house.active.update, {"billing": 9})
    lines: list[tuple[str, ...]] = []

    async def announce(target: str) -> None:
        lines.append(await call.store.line(target))

    house.announce = announce  # type: ignore[method-assign]
    assert await call.to("billing") == MOVED
    assert lines == [()]


@without_waiting
async def test_places_that_are_given_to_others_each_time_are_not_asked_for_without_end() -> None:
    house = House(active=dict(FULL), will={"billing": [Stayed("at_capacity")] * 99})
    call = await climb(house)
    asyncio.get_running_loop().call_later(5, house.active.update, {"billing": 9})
    assert await call.to("billing") == Missed("at_capacity", Waited.TIMED_OUT)
    assert house.journal.count("asks billing") == 3


@without_waiting
async def test_who_has_waited_in_vain_is_not_put_on_hold_again() -> None:
    call = await climb(House(active=dict(FULL)))
    await call.to("billing")
    assert await call.to("escalation") == Missed("at_capacity")
    assert call.house.journal == ["hold at 1", "at 1"]


@without_waiting
async def test_what_the_caller_wants_instead_of_waiting_is_told() -> None:
    call = await climb(House(active=dict(FULL)))
    asyncio.get_running_loop().call_later(5, call.overheard.note, "Call me back, please.")
    assert await call.to("billing") == Missed("at_capacity", Waited.CALLBACK)
