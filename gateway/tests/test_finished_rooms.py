"""A call whose room is gone gets exactly one ending: its agent's, else a guardian's, and only when nobody is there ours."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from handoff.call import Ending
from handoff.guardian import Guardian
from handoff.memory_store import MemoryStore
from handoff.store import UNHELD_SECONDS, RoomList
from handoff.testing import FakeClock, OutageStore, make_call
from livekit.api import TwirpError

from gateway.finished_rooms import (
    ABANDONED_SECONDS,
    AGAIN_SECONDS,
    LOOK_SECONDS,
    ROOM_WAS_CLOSED,
    FinishedRooms,
)

LEASE = 1.0


@dataclass
class PaperRooms:
    occupied: set[str] = field(default_factory=set)
    is_away: bool = False

    async def has_callers(self, room: str) -> bool:
        if self.is_away:
            raise TwirpError("unavailable", "LiveKit is away", status=503)
        return room in self.occupied


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> OutageStore:
    return OutageStore(now=clock)


@pytest.fixture
def rooms() -> PaperRooms:
    return PaperRooms()


@pytest.fixture
def finished(store: OutageStore, rooms: PaperRooms) -> FinishedRooms:
    return FinishedRooms(store, rooms)  # type: ignore[arg-type]


async def held(store: MemoryStore, *, lease_seconds: float = LEASE) -> None:
    """call-1, held by triage, and its room closed."""
    await store.open_call(make_call(services=("triage",)))
    await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=lease_seconds)
    await told(store)


async def told(store: MemoryStore) -> None:
    """LiveKit has told, and the half minute is over."""
    await store.note_room("call-1", RoomList.OVER, event_id="EV_1", after_seconds=0.0)


async def ending(store: MemoryStore) -> Ending | None:
    call = await store.load_call("call-1")
    assert call is not None
    return call.ending


async def is_on_the_list(store: MemoryStore, clock: FakeClock) -> bool:
    clock.advance(AGAIN_SECONDS)
    return bool(await store.rooms_due(RoomList.OVER, again_seconds=0.0))


# --- who goes first ----------------------------------------------------------------------------------------------------
async def test_a_call_that_nobody_ended_and_nobody_holds_is_ended_under_a_seized_epoch(
    finished: FinishedRooms, store: OutageStore, clock: FakeClock
) -> None:
    await held(store)
    clock.advance(LEASE + ABANDONED_SECONDS)
    await finished.look()
    (line,) = await store.endings()
    assert (line.call_id, line.ending, line.detail) == ("call-1", Ending.CALLER_HUNG_UP, ROOM_WAS_CLOSED)
    assert line.services == ("triage",)
    assert not await is_on_the_list(store, clock)


async def test_an_ending_that_is_there_is_left_as_it_is(
    finished: FinishedRooms, store: OutageStore, clock: FakeClock
) -> None:
    await held(store)
    await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
    clock.advance(60.0)
    await finished.look()
    (line,) = await store.endings()
    assert line.ending is Ending.RESOLVED
    assert not await is_on_the_list(store, clock)


async def test_an_agent_that_still_holds_its_call_writes_the_ending_itself(
    finished: FinishedRooms, store: OutageStore, clock: FakeClock
) -> None:
    await held(store, lease_seconds=3600.0)
    await finished.look()
    assert await ending(store) is None
    await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
    assert [line.ending for line in await store.endings()] == [Ending.RESOLVED]


async def test_a_lease_that_has_only_just_passed_is_a_guardians(
    finished: FinishedRooms, store: OutageStore, clock: FakeClock
) -> None:
    await held(store)
    clock.advance(LEASE + ABANDONED_SECONDS - 0.1)
    await finished.look()
    assert await ending(store) is None
    assert await is_on_the_list(store, clock), "it is looked at again"


async def test_whom_a_guardian_looks_for_is_left_to_the_guardian(
    finished: FinishedRooms, store: OutageStore, clock: FakeClock
) -> None:
    await held(store)
    clock.advance(LEASE + 0.1)

    async def rescue(*_: object) -> None:
        await store.renew_floor("call-1", epoch=2, lease_seconds=60.0)

    assert await Guardian(store, rescue, poll_seconds=0, lease_seconds=4.0).look() == 1
    await asyncio.sleep(0)
    clock.advance(ABANDONED_SECONDS)
    await finished.look()
    assert await ending(store) is None
    await store.end_call("call-1", epoch=2, ending=Ending.CALLER_HUNG_UP, detail="the caller was gone")
    await finished.look()
    (line,) = await store.endings()
    assert line.detail == "the caller was gone"


async def test_an_agent_that_thaws_after_the_seizure_cannot_end_the_call_once_more(
    finished: FinishedRooms, store: OutageStore, clock: FakeClock
) -> None:
    await held(store)
    clock.advance(LEASE + ABANDONED_SECONDS)
    await finished.look()
    late = await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
    assert late.ending is Ending.CALLER_HUNG_UP
    assert len(await store.endings()) == 1


async def test_of_two_gateways_and_a_guardian_at_once_one_ends_it(store: OutageStore, clock: FakeClock) -> None:
    await held(store)
    clock.advance(LEASE + ABANDONED_SECONDS)
    seized = asyncio.Event()

    async def rescue(seen: object, floor: object) -> None:
        seized.set()

    guardian = Guardian(store, rescue, poll_seconds=0, lease_seconds=4.0)
    _, _, won = await asyncio.gather(
        FinishedRooms(store, PaperRooms()).look(), FinishedRooms(store, PaperRooms()).look(), guardian.look()
    )
    assert len(await store.endings()) + won == 1


async def test_a_call_that_was_opened_and_that_no_agent_ever_held_is_ended_when_it_is_overdue(
    finished: FinishedRooms, store: OutageStore, clock: FakeClock
) -> None:
    await store.open_call(make_call(services=("billing",)))
    await told(store)
    clock.advance(UNHELD_SECONDS - 0.1)
    await finished.look()
    assert await ending(store) is None, "an agent may be on its way"
    clock.advance(AGAIN_SECONDS)
    await finished.look()
    (line,) = await store.endings()
    assert (line.ending, line.services) == (Ending.CALLER_HUNG_UP, ("billing",))


# --- what is none of ours ----------------------------------------------------------------------------------------------
async def test_a_caller_who_is_back_in_the_room_keeps_his_call(
    finished: FinishedRooms, store: OutageStore, clock: FakeClock, rooms: PaperRooms
) -> None:
    rooms.occupied.add("call-1")
    await held(store)
    clock.advance(LEASE + ABANDONED_SECONDS)
    await finished.look()
    assert await ending(store) is None
    assert not await is_on_the_list(store, clock)


async def test_a_room_that_was_never_a_call_is_forgotten(
    finished: FinishedRooms, store: OutageStore, clock: FakeClock
) -> None:
    await told(store)
    await finished.look()
    assert await store.endings() == ()
    assert not await is_on_the_list(store, clock)


# --- what is away ------------------------------------------------------------------------------------------------------
async def test_when_livekit_does_not_answer_nobody_is_judged_for_a_while(
    finished: FinishedRooms, store: OutageStore, clock: FakeClock, rooms: PaperRooms
) -> None:
    await held(store)
    clock.advance(LEASE + ABANDONED_SECONDS)
    rooms.is_away = True
    await finished.look()
    assert await ending(store) is None
    rooms.is_away = False
    looks = 0
    while await ending(store) is None and looks < 20:
        clock.advance(LOOK_SECONDS)
        await finished.look()
        looks += 1
    assert looks * LOOK_SECONDS >= AGAIN_SECONDS
    assert len(await store.endings()) == 1


async def test_after_an_outage_of_the_store_an_ending_that_waited_for_it_comes_first(
    finished: FinishedRooms, store: OutageStore, clock: FakeClock
) -> None:
    await held(store)
    clock.advance(LEASE + ABANDONED_SECONDS)
    store.is_away = True
    await finished.look()
    store.is_away = False
    await finished.look()
    assert await ending(store) is None
    await store.end_call("call-1", epoch=1, ending=Ending.RESOLVED)
    assert [line.ending for line in await store.endings()] == [Ending.RESOLVED]


async def test_it_goes_on_looking_whatever_happens_to_a_look(store: OutageStore, rooms: PaperRooms) -> None:
    pauses = 0

    async def pause(seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        if pauses == 5:
            raise asyncio.CancelledError
        await asyncio.sleep(0)

    class Broken(FinishedRooms):
        async def look(self) -> None:
            raise RuntimeError("a fault of our own")

    with pytest.raises(asyncio.CancelledError):
        await Broken(store, rooms, pause=pause).run()
    assert pauses == 5
