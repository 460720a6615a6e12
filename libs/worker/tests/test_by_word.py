"""A handoff that goes by word: sealed in the dispatch, step by step over the room's RPC, with every step's attack and failure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from handoff.call import Floor
from handoff.context import HandoffContext
from handoff.errors import FloorLost, IllegalMove, PeerUnreachable, StoreUnavailable, UnknownHandoff
from handoff.lifecycle import State
from handoff.seal import Refusal, Seal, SealRefused
from handoff.testing import START, FakeClock, OutageStore, make_call, make_context, make_turn
from livekit import rtc
from worker.handover import by_word, sealed_dispatch
from worker.handover.by_word import STEP_METHOD, Giving, Taking
from worker.handover.without_store import SteadyStore
from worker.store_clock import StoreClock
from worker.testing.jumping_time import everything_ran, without_waiting

SEAL_KEY = "a-secret-of-the-whole-mesh-in-tests-1"
CONTEXT = make_context("h1", call=make_call(services=("triage",)))
AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
CALLER = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD


@dataclass
class Person:
    identity: str
    kind: Any = AGENT


@dataclass
class Rooms:
    """Everybody's view of one room; RPC goes from one to another."""

    kinds: dict[str, Any]
    methods: dict[tuple[str, str], Callable[[Any], Any]] = field(default_factory=dict)
    listeners: list[Callable[[Any], None]] = field(default_factory=list)
    is_deaf: bool = False

    def of(self, identity: str) -> Any:
        return _Room(self, identity)

    async def call(self, sender: str, to: str, method: str, payload: str) -> str:
        if self.is_deaf:
            await asyncio.sleep(30)
        if (to, method) not in self.methods:
            raise rtc.RpcError(1401, "Recipient not found")
        data = rtc.RpcInvocationData("1", sender, payload, 10.0)
        return str(await self.methods[to, method](data))

    def leaves(self, identity: str) -> None:
        for told in self.listeners:
            told(Person(identity))


class _Room:
    def __init__(self, rooms: Rooms, identity: str) -> None:
        self._rooms = rooms
        self.identity = identity
        self.local_participant = self
        self.remote_participants = {name: Person(name, kind) for name, kind in rooms.kinds.items() if name != identity}

    def register_rpc_method(self, name: str, handler: Callable[[Any], Any]) -> None:
        self._rooms.methods[self.identity, name] = handler

    def unregister_rpc_method(self, name: str) -> None:
        del self._rooms.methods[self.identity, name]

    async def perform_rpc(self, *, destination_identity: str, method: str, payload: str) -> str:
        return await self._rooms.call(self.identity, destination_identity, method, payload)

    def on(self, event: str, told: Callable[[Any], None]) -> None:
        self._rooms.listeners.append(told)


@dataclass
class Handover:
    """Giver and taker of one handoff by word."""

    rooms: Rooms
    giving: Giving
    taking: Taking

    def steady(self, side: Giving | Taking, agent_id: str) -> SteadyStore:
        """The side's store, whose Redis is away."""
        redis = OutageStore(now=FakeClock())
        redis.is_away = True
        clock = FakeClock()
        store = SteadyStore(
            redis,
            service=agent_id.split("-")[0],
            agent_id=lambda: agent_id,
            lease_seconds=1.0,
            clock=StoreClock(monotonic=clock, local=clock),
            monotonic=clock,
        )
        store.goes_by(side, sealed_dispatch.call_of(CONTEXT))
        return store


def handover(context: HandoffContext = CONTEXT, again: Callable[[], HandoffContext] | None = None) -> Handover:
    agents = dict.fromkeys(("triage-1", "billing-h1-AJ_1", "billing-h1-AJ_2", "sales-h9"), AGENT)
    rooms = Rooms({**agents, "caller-1": CALLER})
    seal = Seal(SEAL_KEY)
    giving = by_word.begin(
        rooms.of("triage-1"),
        seal,
        context,
        to_service="billing",
        now=lambda: START,
        again=again or (lambda: context),
    )
    assert giving is not None
    return Handover(rooms, giving, job_that_comes(rooms, giving, "billing-h1-AJ_1"))


def job_that_comes(rooms: Rooms, giving: Giving, agent_id: str) -> Taking:
    """In a process of its own, with what the dispatch brought."""
    attributes = giving.attributes | {"handoff_id": "h1", "epoch": str(giving.context.epoch)}
    seal = Seal(SEAL_KEY)
    brought = sealed_dispatch.opened(seal, attributes, call_id="call-1", service="billing", now=START)
    return Taking(rooms.of(agent_id), brought, service="billing", seal=seal, clock=lambda: START)


async def states_of(giving: Giving) -> list[State]:
    return [update.state async for update in giving.watch()]


# --- it goes well -----------------------------------------------------------------------------------------------------
@without_waiting
async def test_the_whole_way_from_the_dispatch_to_the_first_word() -> None:
    world = handover()
    giver, taker = world.steady(world.giving, "triage-1"), world.steady(world.taking, "billing-h1-AJ_1")
    seen = asyncio.ensure_future(states_of(world.giving))
    await everything_ran()
    await taker.move("h1", State.READY, taker_id="billing-h1-AJ_1")
    await everything_ran()
    floor = await giver.pass_floor("h1", epoch=1, lease_seconds=1.0)
    assert floor == Floor("call-1", "billing", "billing-h1-AJ_1", 2, 0.0)
    await everything_ran()
    await taker.move("h1", State.SPOKEN)
    assert await seen == [State.ACCEPTED, State.READY, State.TAKEN, State.SPOKEN]


async def test_of_two_jobs_that_come_for_one_dispatch_the_giver_gives_the_floor_to_the_one_that_was_ready_first() -> (
    None
):
    world = handover()
    other = job_that_comes(world.rooms, world.giving, "billing-h1-AJ_2")
    await world.taking.move(State.READY)
    with pytest.raises(UnknownHandoff):
        await other.move(State.READY)
    assert world.giving.taker_id == "billing-h1-AJ_1"
    floor = await world.steady(world.giving, "triage-1").pass_floor("h1", epoch=1, lease_seconds=1.0)
    assert floor.agent_id == "billing-h1-AJ_1"
    with pytest.raises(FloorLost):
        await other.move(State.SPOKEN)


async def test_the_taker_knows_what_the_giver_knew_and_no_more() -> None:
    world = handover()
    call = sealed_dispatch.call_of(world.taking.context)
    assert (call.call_id, call.caller_identity, call.turns) == ("call-1", "caller-1", CONTEXT.turns)
    assert call.facts == CONTEXT.facts
    assert call.handoff_ids == ("h1",)


async def test_what_was_said_between_dispatch_and_floor_is_asked_of_the_giver() -> None:
    later = replace(CONTEXT, turns=(*CONTEXT.turns, make_turn("My account is A C 4721.", spoken_at=START + 3)))
    world = handover(again=lambda: later)
    call = await world.steady(world.taking, "billing-h1-AJ_1").load_call("call-1")
    assert call is not None
    assert call.turns[-1].text == "My account is A C 4721."


async def test_a_giver_that_tells_nothing_more_leaves_the_taker_with_what_it_has() -> None:
    world = handover()
    world.giving.close()
    call = await world.steady(world.taking, "billing-h1-AJ_1").load_call("call-1")
    assert call == sealed_dispatch.call_of(CONTEXT)


async def test_a_taker_by_word_believes_the_word_and_not_a_store_that_is_behind() -> None:
    world = handover()
    taker = world.steady(world.taking, "billing-h1-AJ_1")
    redis = taker._store
    redis.is_away = False
    await redis.open_call(make_call())
    await redis.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=1.0)
    with pytest.raises(StoreUnavailable):
        await taker.load_floor("call-1")


async def test_a_taker_by_word_believes_a_store_in_which_the_call_went_on_elsewhere() -> None:
    world = handover()
    taker = world.steady(world.taking, "billing-h1-AJ_1")
    redis = taker._store
    redis.is_away = False
    await redis.open_call(make_call())
    await redis.take_floor("call-1", service="triage", agent_id="triage-1", lease_seconds=1.0)
    await redis.seize_floor(
        "call-1", epoch=1, service="triage", agent_id="triage-r2", lease_seconds=4.0, dead_agent_id="triage-1"
    )
    found = await taker.load_floor("call-1")
    assert found is not None and found.agent_id == "triage-r2"


# --- somebody fails ---------------------------------------------------------------------------------------------------
async def test_a_taker_that_is_not_ready_is_not_given_the_floor() -> None:
    world = handover()
    with pytest.raises(IllegalMove):
        await world.steady(world.giving, "triage-1").pass_floor("h1", epoch=1, lease_seconds=1.0)


async def test_a_taker_that_comes_when_all_is_over_is_told_so() -> None:
    world = handover()
    await world.giving.move(State.WITHDRAWN)
    with pytest.raises(UnknownHandoff):
        await world.taking.move(State.READY)


async def test_a_taker_that_speaks_after_the_floor_was_taken_back_has_lost_it() -> None:
    world = handover()
    giver = world.steady(world.giving, "triage-1")
    await world.taking.move(State.READY)
    floor = await giver.pass_floor("h1", epoch=1, lease_seconds=1.0)
    back = await giver.take_back("h1", giver_id="triage-1", epoch=floor.epoch, lease_seconds=1.0)
    assert (back.agent_id, back.epoch) == ("triage-1", 3)
    with pytest.raises(FloorLost):
        await world.taking.move(State.SPOKEN)


async def test_a_floor_is_not_taken_back_from_who_has_spoken() -> None:
    world = handover()
    giver = world.steady(world.giving, "triage-1")
    await world.taking.move(State.READY)
    await giver.pass_floor("h1", epoch=1, lease_seconds=1.0)
    await world.taking.move(State.SPOKEN)
    with pytest.raises(IllegalMove):
        await giver.take_back("h1", giver_id="triage-1", epoch=2, lease_seconds=1.0)


@without_waiting
async def test_a_giver_that_does_not_answer_has_no_ready_taker() -> None:
    world = handover()
    world.rooms.is_deaf = True
    with pytest.raises(PeerUnreachable):
        await world.taking.move(State.READY)


@without_waiting
async def test_a_giver_that_is_gone_after_it_passed_the_floor_is_not_missed() -> None:
    world = handover()
    await world.taking.move(State.READY)
    world.giving.close()
    assert (await world.taking.move(State.SPOKEN)).state is State.SPOKEN


@without_waiting
async def test_a_taker_waits_no_longer_than_its_giver_is_there() -> None:
    world = handover()

    async def told() -> list[State]:
        return [handoff.state async for handoff in world.taking.told()]

    waiting = asyncio.ensure_future(told())
    await everything_ran()
    assert not waiting.done()
    world.rooms.leaves("caller-1")
    await everything_ran()
    assert not waiting.done()
    world.rooms.leaves("triage-1")
    assert await waiting == [State.READY]


# --- somebody attacks -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["caller-1", "sales-h9", "nobody"])
@pytest.mark.parametrize("step", ["ready", "spoken", "latest"])
async def test_nobody_but_the_taker_says_how_it_stands_or_hears_what_was_said(who: str, step: str) -> None:
    world = handover()
    with pytest.raises(rtc.RpcError, match="only the taker"):
        await world.rooms.call(who, "triage-1", STEP_METHOD, json.dumps({"handoff_id": "h1", "state": step}))


@pytest.mark.parametrize("step", ["taken", "withdrawn", "superseded", "expired", "nonsense"])
async def test_not_even_the_taker_makes_the_givers_moves(step: str) -> None:
    world = handover()
    await world.taking.move(State.READY)
    with pytest.raises(rtc.RpcError):
        await world.rooms.call(
            "billing-h1-AJ_1", "triage-1", STEP_METHOD, json.dumps({"handoff_id": "h1", "state": step})
        )
    assert (await world.giving.move(State.READY)).state is State.READY


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"handoff_id": "h2"}, Refusal.OTHER_HANDOFF),
        ({"epoch": "2"}, Refusal.OTHER_EPOCH),
        ({"epoch": "first"}, Refusal.OTHER_EPOCH),
        ({"sealed": ""}, Refusal.MALFORMED),
    ],
)
async def test_a_dispatch_whose_label_does_not_fit_its_seal_is_refused(
    changes: dict[str, str], reason: Refusal
) -> None:
    attributes = handover().giving.attributes | {"handoff_id": "h1", "epoch": "1"} | changes
    with pytest.raises(SealRefused) as refused:
        sealed_dispatch.opened(Seal(SEAL_KEY), attributes, call_id="call-1", service="billing", now=START)
    assert refused.value.reason is reason


async def test_a_dispatch_into_another_room_is_refused() -> None:
    attributes = handover().giving.attributes | {"handoff_id": "h1", "epoch": "1"}
    with pytest.raises(SealRefused) as refused:
        sealed_dispatch.opened(Seal(SEAL_KEY), attributes, call_id="call-2", service="billing", now=START)
    assert refused.value.reason is Refusal.OTHER_CALL


# --- size and keys ----------------------------------------------------------------------------------------------------
def _noise(seed: int, chars: int = 4000) -> str:
    state, out = seed + 1, []
    for _ in range(chars):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append(chr(0x20000 + (state >> 40) % 0xA000))
    return "".join(out)


async def test_a_context_that_is_too_large_travels_with_its_newest_turns() -> None:
    large = replace(CONTEXT, turns=tuple(make_turn(_noise(n), spoken_at=START + n) for n in range(10)))
    taken = handover(large).taking.context
    assert 0 < len(taken.turns) < 10
    assert taken.turns == large.turns[-len(taken.turns) :]
    assert taken.facts == large.facts


async def test_without_a_key_there_is_no_handoff_by_word() -> None:
    room = Rooms({"triage-1": AGENT}).of("triage-1")
    none = by_word.begin(room, Seal(), CONTEXT, to_service="billing", now=lambda: START, again=lambda: CONTEXT)
    assert none is None
