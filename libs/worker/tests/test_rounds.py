"""The slow look at the rooms: callers that nobody knows, and rooms that outlived their call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from handoff.call import Channel, Ending, Floor
from handoff.errors import StoreUnavailable
from handoff.guardian import Guardian
from handoff.memory_store import MemoryStore
from handoff.store import Overdue, RoomList
from handoff.testing import FakeClock, OutageStore, make_call
from livekit import api
from prometheus_client import generate_latest
from worker.main_process.observe import Metrics
from worker.recovery.rooms import CONSULTATIONS, Caller, Present, consultation_of
from worker.recovery.rounds import ROUND_SECONDS, Rounds
from worker.testing.jumping_time import everything_ran, without_waiting

ALICE = Caller("caller-1", False)


@dataclass
class PaperRooms:
    here: dict[str, Present] = field(default_factory=dict)
    called: str = "billing"
    closed: list[str] = field(default_factory=list)
    rounds: int = 0
    looks: int = 0
    is_away: bool = False

    async def calls(self) -> tuple[str, ...]:
        self.rounds += 1
        if self.is_away:
            raise api.TwirpError("unavailable", "LiveKit is away", status=503)
        return tuple(room for room in self.here if not room.startswith(CONSULTATIONS))

    async def consultations(self) -> tuple[str, ...]:
        return tuple(room for room in self.here if room.startswith(CONSULTATIONS))

    async def present(self, room: str) -> Present:
        self.looks += 1
        if self.is_away:
            raise api.TwirpError("unavailable", "LiveKit is away", status=503)
        return self.here.get(room, Present())

    async def service_called(self, room: str) -> str:
        return self.called

    async def close(self, room: str) -> None:
        self.closed.append(room)


def going(rooms: PaperRooms, store: MemoryStore | None = None) -> tuple[Rounds, MemoryStore, Metrics]:
    metrics = Metrics("triage", active=lambda: 0, capacity=lambda: 1)
    store = store or MemoryStore(now=FakeClock())
    return Rounds(store, rooms, metrics), store, metrics  # type: ignore[arg-type]


async def test_a_caller_in_a_room_that_nobody_knows_gets_a_record_at_the_second_round() -> None:
    rounds, store, _ = going(PaperRooms({"call-1": Present((ALICE,))}))
    await rounds.go()
    assert await store.load_call("call-1") is None, "it may just be opening"
    await rounds.go()
    call = await store.load_call("call-1")
    assert call is not None
    assert (call.caller_identity, call.channel, call.services) == ("caller-1", Channel.WEB, ("billing",))
    assert call.started_at == await store.now()


async def test_such_a_caller_is_a_guardians_at_its_next_look_for_he_has_waited_two_rounds_already() -> None:
    rounds, store, _ = going(PaperRooms({"call-1": Present((ALICE,))}))
    rescued: list[str] = []

    async def rescue(seen: Overdue, floor: Floor) -> None:
        rescued.append(floor.service)

    await rounds.go()
    await rounds.go()
    assert await Guardian(store, rescue, poll_seconds=0, lease_seconds=4.0).look() == 1
    await asyncio.sleep(0)
    assert rescued == ["billing"]


@pytest.mark.parametrize("called", ["", "accounting"])
async def test_a_caller_who_called_for_nobody_that_we_know_is_the_front_desks(called: str) -> None:
    rounds, store, _ = going(PaperRooms({"call-1": Present((Caller("sip_1", True),))}, called))
    await rounds.go()
    await rounds.go()
    call = await store.load_call("call-1")
    assert call is not None
    assert (call.services, call.channel) == (("triage",), Channel.PHONE)


async def test_an_agent_that_died_before_it_had_opened_its_call_is_followed_when_livekit_lists_it_no_more() -> None:
    rooms = PaperRooms({"call-1": Present((ALICE,), ("triage-AJ_1",))})
    rounds, store, _ = going(rooms)
    await rounds.go()
    await rounds.go()
    assert await store.load_call("call-1") is None, "it may live, and have a call that the store takes no word of"
    rooms.here["call-1"] = Present((ALICE,))
    await rounds.go()
    assert [seen.call_id for seen in await store.overdue()] == ["call-1"]


async def test_two_rounds_with_an_outage_between_them_are_not_two_in_a_row() -> None:
    store = OutageStore(now=FakeClock())
    rounds, _, _ = going(PaperRooms({"call-1": Present((ALICE,), ("triage-AJ_1",))}), store)
    await rounds.go()
    store.is_away = True
    with pytest.raises(StoreUnavailable):
        await rounds.go()
    store.is_away = False
    await rounds.go()
    assert await store.load_call("call-1") is None, "its agent may be about to put it back"


@pytest.mark.parametrize("present", [Present(), Present((ALICE,), ("triage-1",))], ids=["nobody", "an agent too"])
async def test_a_room_without_a_lonely_caller_is_none_of_ours(present: Present) -> None:
    rooms = PaperRooms({"call-1": present})
    rounds, store, _ = going(rooms)
    await rounds.go()
    await rounds.go()
    assert await store.load_call("call-1") is None
    assert rooms.closed == []


async def test_a_call_that_is_under_way_is_left_alone() -> None:
    rooms = PaperRooms({"call-1": Present((ALICE,))})
    rounds, store, _ = going(rooms)
    call = await store.open_call(make_call())
    await rounds.go()
    await rounds.go()
    assert await store.load_call("call-1") == call
    assert rooms.closed == []


@pytest.mark.parametrize(
    ("ending", "closed"),
    [(Ending.RESOLVED, ["call-1"]), (Ending.FAILED, ["call-1"]), (Ending.TRANSFERRED_TO_HUMAN, [])],
)
async def test_the_room_of_a_call_that_has_ended_is_closed_unless_a_human_talks_in_it(
    ending: Ending, closed: list[str]
) -> None:
    rooms = PaperRooms({"call-1": Present((ALICE,))})
    rounds, store, _ = going(rooms)
    await store.open_call(make_call())
    await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=1)
    await store.end_call("call-1", epoch=1, ending=ending)
    await rounds.go()
    assert rooms.closed == [], "its agent may just be about to"
    await rounds.go()
    assert rooms.closed == closed


async def test_the_calls_without_an_ending_are_counted() -> None:
    rounds, store, metrics = going(PaperRooms())
    assert "\nvoicemesh_live_calls " not in generate_latest(metrics.registry).decode(), "nobody has counted yet"
    await store.open_call(make_call("call-1"))
    await store.open_call(make_call("call-2"))
    await rounds.go()
    assert "\nvoicemesh_live_calls 2.0" in generate_latest(metrics.registry).decode()


async def test_while_the_store_is_away_no_room_is_judged() -> None:
    store = OutageStore(now=FakeClock())
    rooms = PaperRooms({"call-1": Present((ALICE,))})
    rounds, _, _ = going(rooms, store)
    await rounds.go()
    store.is_away = True
    with pytest.raises(StoreUnavailable):
        await rounds.go()
    assert rooms.closed == []


# --- rooms that LiveKit told of ----------------------------------------------------------------------------------------
async def told_of(store: MemoryStore, room: str = "call-1") -> None:
    """LiveKit told that a caller came in, and the time that an agent needs is over."""
    await store.note_room(room, RoomList.LONELY, event_id=f"EV_{room}", after_seconds=0.0)


async def is_on_the_list(store: MemoryStore) -> bool:
    store._now.advance(ROUND_SECONDS)  # type: ignore[attr-defined]
    return bool(await store.rooms_due(RoomList.LONELY, again_seconds=0.0))


async def test_a_caller_whose_coming_was_told_gets_a_record_at_the_first_look() -> None:
    rounds, store, _ = going(PaperRooms({"call-1": Present((ALICE,))}))
    await told_of(store)
    await rounds.look_at_lonely()
    call = await store.load_call("call-1")
    assert call is not None
    assert (call.caller_identity, call.services) == ("caller-1", ("billing",))
    assert [seen.call_id for seen in await store.overdue()] == ["call-1"], "the guardians need not wait either"
    assert not await is_on_the_list(store)


@pytest.mark.parametrize("present", [Present(), Present((ALICE,), ("triage-1",))], ids=["he has gone", "an agent too"])
async def test_who_was_told_of_and_is_not_alone_gets_none(present: Present) -> None:
    rounds, store, _ = going(PaperRooms({"call-1": present}))
    await told_of(store)
    await rounds.look_at_lonely()
    assert await store.load_call("call-1") is None
    assert not await is_on_the_list(store)


async def test_for_a_call_that_an_agent_has_livekit_is_not_asked() -> None:
    rooms = PaperRooms({"call-1": Present((ALICE,))})
    rounds, store, _ = going(rooms)
    await store.open_call(make_call())
    await store.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=60)
    await told_of(store)
    await rounds.look_at_lonely()
    assert rooms.looks == 0
    assert not await is_on_the_list(store)


async def test_while_livekit_is_away_the_room_stays_on_the_list() -> None:
    rooms = PaperRooms({"call-1": Present((ALICE,))}, is_away=True)
    rounds, store, _ = going(rooms)
    await told_of(store)
    with pytest.raises(api.TwirpError):
        await rounds.look_at_lonely()
    assert await is_on_the_list(store)


@without_waiting
async def test_a_worker_looks_at_what_was_told_between_its_rounds() -> None:
    rooms = PaperRooms({"call-1": Present((ALICE,))})
    rounds, store, _ = going(rooms)
    await told_of(store)
    running = asyncio.create_task(rounds.run())
    await asyncio.sleep(ROUND_SECONDS / 4)
    await everything_ran()
    assert rooms.rounds == 0
    assert await store.load_call("call-1") is not None
    running.cancel()


@without_waiting
async def test_the_rounds_go_on_when_livekit_was_away() -> None:
    rooms = PaperRooms(is_away=True)
    rounds, _, _ = going(rooms)
    running = asyncio.create_task(rounds.run())
    await asyncio.sleep(ROUND_SECONDS * 4)
    await everything_ran()
    assert rooms.rounds >= 3
    running.cancel()


# --- humans on the telephone ----------------------------------------------------------------------------------------
ANNA = consultation_of("human-1")


async def test_a_human_whose_switchboard_is_gone_is_not_left_on_a_dead_line() -> None:
    rooms = PaperRooms({ANNA: Present((Caller("colleague", True),))})
    rounds, store, _ = going(rooms)
    await rounds.go()
    assert rooms.closed == [], "it may be joining again"
    await rounds.go()
    assert rooms.closed == [ANNA]
    assert await store.load_call(ANNA) is None, "he is no caller"


async def test_a_human_with_his_switchboard_is_left_alone() -> None:
    rooms = PaperRooms({ANNA: Present((Caller("colleague", True),), ("human-1",))})
    rounds, _, _ = going(rooms)
    await rounds.go()
    await rounds.go()
    assert rooms.closed == []


async def test_a_switchboard_that_was_away_for_one_round_only_is_none_that_is_gone() -> None:
    alone, both = Present((Caller("colleague", True),)), Present((Caller("colleague", True),), ("human-1",))
    rooms = PaperRooms()
    rounds, _, _ = going(rooms)
    for rooms.here[ANNA] in (alone, both, alone):
        await rounds.go()
    assert rooms.closed == []
