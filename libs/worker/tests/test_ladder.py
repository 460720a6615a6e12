"""Who is asked when a specialist cannot take the call, in which order, and when nobody is asked any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from handoff.breaker import FAILURES, Breaker, Permit, State
from handoff.errors import PeerUnreachable, WireMismatch
from handoff.memory_store import MemoryStore
from handoff.outcome import Refusal
from handoff.testing import make_call, make_intent, memory_store
from handoff.wire import PoolStatus
from worker.hold import Overheard, Waited
from worker.jumping_time import without_waiting
from worker.ladder import Asked, Ladder, Missed
from worker.testing import hold_call, make_settings
from worker.transfer import Moved, Stayed

MOVED = Moved("h1")


@dataclass
class House:
    """The services as a giver sees them, and what the caller hears. ``will``: how handoffs to a service end, in turn."""

    active: dict[str, int] = field(default_factory=dict)
    """Of ten places each."""
    draining: set[str] = field(default_factory=set)
    away: set[str] = field(default_factory=set)
    strange: set[str] = field(default_factory=set)
    another: set[str] = field(default_factory=set)
    """Services with a second worker."""
    will: dict[str, list[Any]] = field(default_factory=dict)
    journal: list[str] = field(default_factory=list)
    fails: BaseException | None = None

    # --- the giver ---
    async def pool(self, service: str) -> PoolStatus:
        if service in self.away:
            raise PeerUnreachable("away")
        if service in self.strange:
            raise WireMismatch("strange")
        return PoolStatus(service, 10, self.active.get(service, 0), service in self.draining, "1")

    async def has_another(self, service: str) -> bool:
        return service in self.another

    # --- the transfer ---
    async def to(self, service: str, *, announce: Callable[[], Awaitable[None]], **_: Any) -> Moved | Stayed:
        self.journal.append(f"asks {service}")
        if self.fails is not None:
            raise self.fails
        ending = self.will[service].pop(0) if self.will.get(service) else MOVED
        if isinstance(ending, Moved) or ending.reason not in list(Refusal):
            await announce()
        return ending

    # --- the mouth ---
    async def announce(self, target: str) -> None:
        self.journal.append(f"announces {target}")

    async def announce_stand_in(self, target: str, missed: str) -> None:
        self.journal.append(f"announces {target} for {missed}")

    async def once_more(self) -> None:
        self.journal.append("one moment longer")

    async def on_hold(self, target: str, position: int) -> None:
        self.journal.append(f"hold at {position}")

    async def position(self, position: int, *, was_heard: bool) -> None:
        self.journal.append(f"at {position}")

    def play(self, frames: Any) -> House:
        return self

    def done(self) -> bool:
        return False

    async def stop(self, music: Any) -> None:
        """Silence."""


@dataclass
class Climb:
    """One call at a giver's."""

    house: House
    ladder: Ladder
    store: MemoryStore
    checkpoint: Any
    overheard: Overheard
    is_frustrated: bool = False

    async def to(self, service: str) -> Moved | Missed:
        asked = Asked(
            intent=make_intent(service),
            summary="",
            host=self.house,
            overheard=self.overheard,
            is_frustrated=lambda: self.is_frustrated,
            caller_is_done=_nothing,
            fall_silent=lambda silent: None,
        )
        return await self.ladder.to(service, asked)

    @property
    def attempts(self) -> list[tuple[str, str]]:
        return [(a.service, a.outcome) for a in self.checkpoint.call.attempts]


async def _nothing() -> None:
    """The caller is not speaking."""


async def climb(house: House, *, service: str = "triage", hold_seconds: float = 30.0, reaches: Any = None) -> Climb:
    store = memory_store()
    checkpoint = await hold_call(store, make_call(turns=(), facts=()), service=service)
    everything: Any = house
    ladder = Ladder(
        everything,
        giver=everything,
        store=store,
        checkpoint=checkpoint,
        settings=make_settings(hold_seconds=hold_seconds),
        reaches=reaches or ("billing", "technical", "sales", "escalation"),
    )
    return Climb(house, ladder, store, checkpoint, Overheard())


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


# --- hold ---------------------------------------------------------------------------------------------------------------
FULL = {"billing": 10, "escalation": 10}


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
