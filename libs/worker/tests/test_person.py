"""A caller asks for a person: how he waits for one, how one gets the call, and where it stays when none does."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from handoff.call import Source
from handoff.desk import DESK, LEASE_SECONDS
from handoff.errors import IllegalMove
from handoff.lifecycle import State
from handoff.store import Handoff
from handoff.testing import FakeClock, OutageStore, make_call, make_intent, make_turn
from livekit import api
from worker.handover.hold import Overheard, Waited
from worker.handover.ladder import Asked, Missed
from worker.handover.transfer import Moved
from worker.humans.person import NOBODY_CAME, OFF_DUTY, Person
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.text_call import hold_call, make_settings

CARD = "4242 4242 4242 4242"
CALL = make_call(turns=(make_turn("I want a manager."), make_turn(f"My card is {CARD}.")))
ANNA = "human-a1"


class Floor:
    """A call at customer care's; ``anna_is`` says how the human at the desk behaves."""

    def __init__(self, anna_is: str = "willing") -> None:
        self.anna_is = anna_is
        self.journal: list[str] = []
        self.clock = FakeClock()
        self.store = OutageStore(now=self.clock)
        self.room: Any = self
        self.name, self.caller_done = "call-1", 0.0
        self.remote_participants: dict[str, Any] = {}
        self.overheard = Overheard()
        self.is_frustrated = False
        self.checkpoint: Any = None
        self._listeners: dict[str, list[Any]] = {}
        self._later: list[asyncio.Task[Any]] = []

    async def opened(self, *, on_duty: int = 1, **settings: Any) -> Person:
        self.checkpoint = await hold_call(self.store, CALL, service="escalation")
        self.checkpoint.note_fact("account_id", "AC4721", source=Source.CALLER)
        self.checkpoint.note_fact("identity_capability", "a proof", source=Source.TOOL, verified=True)
        self.checkpoint.note_fact("postal_code", "97209", source=Source.CALLER)
        for n in range(on_duty):
            await self.store.note_on_duty(f"human-{n}", seconds=3600)
        everything: Any = self
        return Person(
            room=everything,
            lkapi=everything,
            store=self.store,
            checkpoint=self.checkpoint,
            settings=make_settings(**settings),
        )

    def asked(self) -> Asked:
        host: Any = self
        return Asked(
            intent=make_intent("escalation"),
            summary="",
            host=host,
            overheard=self.overheard,
            is_frustrated=lambda: self.is_frustrated,
            caller_is_done=self._caller_is_done,
            fall_silent=lambda silent: self.journal.append("silent" if silent else "may speak"),
        )

    async def _caller_is_done(self) -> None:
        """He says nothing."""

    def later(self, seconds: float, doing: Any) -> None:
        async def happens() -> None:
            await asyncio.sleep(seconds)
            if (awaited := doing()) is not None:
                await awaited

        self._later.append(asyncio.ensure_future(happens()))

    # --- the human, as the gateway notes it ---
    async def offered(self) -> Handoff:
        call = await self.store.load_call("call-1")
        assert call is not None
        found = [await self.store.load_handoff(handoff_id) for handoff_id in call.handoff_ids]
        assert found[-1] is not None
        return found[-1]

    async def anna_takes_it(self) -> None:
        handoff_id = (await self.offered()).context.handoff_id
        await self.store.move(handoff_id, State.DISPATCHED, taker_id=ANNA)
        if self.anna_is == "never there":
            return
        self.remote_participants[ANNA] = SimpleNamespace(identity=ANNA, name="Anna")
        await self.store.move(handoff_id, State.READY, taker_id=ANNA)
        if self.anna_is == "willing":
            async for now in self.store.watch(handoff_id):
                if now.state is State.TAKEN:
                    await self.store.move(handoff_id, State.SPOKEN)
                    self.journal.append("anna speaks")

    # --- the mouth ---
    async def on_hold(self, target: str, position: int) -> None:
        self.journal.append(f"asks for a {target}, place {position}")

    async def position(self, position: int, *, was_heard: bool) -> None:
        self.journal.append(f"at {position}")

    async def introduce(self, name: str) -> None:
        self.journal.append(f"introduces {name}")
        if self.anna_is == "gone in mid-sentence":
            self.remote_participants.clear()

    def play(self, frames: Any) -> Floor:
        return self

    def done(self) -> bool:
        return False

    async def stop(self, music: Any) -> None:
        """Silence."""

    # --- the room ---
    def on(self, event: str, listener: Any) -> None:
        self._listeners.setdefault(event, []).append(listener)

    def caller_leaves(self) -> None:
        for listener in self._listeners["participant_disconnected"]:
            listener(SimpleNamespace(identity=CALL.caller_identity))

    async def remove_participant(self, who: api.RoomParticipantIdentity) -> None:
        self.journal.append(f"put out {who.identity}")
        self.remote_participants.pop(who.identity, None)

    # --- what came of it ---
    async def holder(self) -> tuple[str, int]:
        floor = await self.store.load_floor("call-1")
        assert floor is not None
        return floor.agent_id, floor.epoch


# --- nobody is asked ----------------------------------------------------------------------------------------------------
@without_waiting
async def test_while_nobody_is_on_duty_nobody_is_asked_and_nothing_is_left_behind() -> None:
    floor = Floor()
    person = await floor.opened(on_duty=0)
    assert not await person.can_be_asked()
    before = floor.checkpoint.call
    assert await person.to(floor.asked()) == Missed(OFF_DUTY)
    assert floor.journal == []
    assert floor.checkpoint.call == before
    assert await floor.store.line(DESK) == ()


@without_waiting
async def test_while_the_store_is_away_nobody_is_promised() -> None:
    floor = Floor()
    person = await floor.opened()
    floor.store.is_away = True
    assert not await person.can_be_asked()
    assert await person.to(floor.asked()) == Missed(OFF_DUTY)


@without_waiting
async def test_a_store_that_hangs_is_not_waited_for() -> None:
    floor = Floor()
    person = await floor.opened()

    async def hangs() -> int:
        await asyncio.sleep(5)
        return 1

    floor.store.humans_on_duty = hangs  # type: ignore[method-assign]
    began_at = asyncio.get_running_loop().time()
    assert not await person.can_be_asked()
    assert asyncio.get_running_loop().time() - began_at < 1


# --- somebody comes -----------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_human_who_takes_the_call_is_introduced_and_has_the_floor() -> None:
    floor = Floor()
    person = await floor.opened()
    floor.later(5, floor.anna_takes_it)
    assert isinstance(await person.to(floor.asked()), Moved)
    assert floor.journal == ["asks for a human, place 1", "introduces Anna", "silent", "anna speaks"]
    assert await floor.holder() == (ANNA, 2)
    held = await floor.store.load_floor("call-1")
    assert held is not None
    assert held.lease_until == floor.clock() + LEASE_SECONDS, "as long as a page may be silent, not as an agent's job"
    assert (await floor.offered()).state is State.SPOKEN
    assert await floor.store.line(DESK) == ()
    call = await floor.store.load_call("call-1")
    assert call is not None
    assert call.services == ("escalation", "human")
    assert floor.checkpoint.floor is None, "the agent renews nothing any more"


@without_waiting
async def test_what_the_humans_see_is_all_that_customer_care_knows_but_no_proof_and_no_card() -> None:
    floor = Floor("never there")
    person = await floor.opened()
    waiting = asyncio.ensure_future(person.to(floor.asked()))
    await asyncio.sleep(2)
    assert await floor.store.line(DESK) == ("call-1",)
    offer = await floor.offered()
    assert (offer.state, offer.from_service, offer.to_service) == (State.ACCEPTED, "escalation", "human")
    known = {fact.name for fact in offer.context.facts}
    assert "account_id" in known
    assert known.isdisjoint({"identity_capability", "postal_code"})
    assert CARD not in str(offer.context)
    waiting.cancel()


@without_waiting
async def test_who_has_lost_patience_waits_before_the_others() -> None:
    floor = Floor("never there")
    person = await floor.opened()
    await floor.store.wait_in_line(DESK, "call-9")
    floor.is_frustrated = True
    waiting = asyncio.ensure_future(person.to(floor.asked()))
    await asyncio.sleep(2)
    assert await floor.store.line(DESK) == ("call-1", "call-9")
    waiting.cancel()


@without_waiting
async def test_of_two_humans_one_gets_the_call() -> None:
    floor = Floor()
    person = await floor.opened(on_duty=2)
    waiting = asyncio.ensure_future(person.to(floor.asked()))
    await asyncio.sleep(2)
    floor.later(0, floor.anna_takes_it)
    await everything_ran()
    with pytest.raises(IllegalMove):
        handoff_id = (await floor.offered()).context.handoff_id
        await floor.store.move(handoff_id, State.DISPATCHED, taker_id="human-b2")
    assert isinstance(await waiting, Moved)
    assert (await floor.holder())[0] == ANNA


# --- nobody comes -------------------------------------------------------------------------------------------------------
@without_waiting
async def test_the_wait_is_bounded_and_then_the_call_is_where_it_was() -> None:
    floor = Floor()
    person = await floor.opened(desk_seconds=40.0)
    began_at = asyncio.get_running_loop().time()
    assert await person.to(floor.asked()) == Missed(NOBODY_CAME, Waited.TIMED_OUT)
    assert asyncio.get_running_loop().time() - began_at == pytest.approx(40, abs=1)
    assert (await floor.offered()).state is State.WITHDRAWN
    assert await floor.store.line(DESK) == ()
    assert await floor.holder() == ("escalation-1", 1)
    assert [(a.service, a.outcome) for a in floor.checkpoint.call.attempts] == [(DESK, NOBODY_CAME)]


@without_waiting
async def test_when_the_last_human_goes_off_duty_nobody_waits_for_him() -> None:
    floor = Floor()
    person = await floor.opened()
    floor.later(5, lambda: floor.store.note_on_duty("human-0", seconds=0))
    began_at = asyncio.get_running_loop().time()
    assert await person.to(floor.asked()) == Missed(NOBODY_CAME, Waited.GONE)
    assert asyncio.get_running_loop().time() - began_at == pytest.approx(6, abs=1.5)


@pytest.mark.parametrize(
    ("words", "waited"), [("No, I can't wait.", Waited.NO_LONGER), ("Please call me back.", Waited.CALLBACK)]
)
@without_waiting
async def test_a_caller_who_would_rather_not_wait_need_not(words: str, waited: Waited) -> None:
    floor = Floor()
    person = await floor.opened()
    floor.later(5, lambda: floor.overheard.note(words))
    assert await person.to(floor.asked()) == Missed(NOBODY_CAME, waited)
    assert (await floor.offered()).state is State.WITHDRAWN


@without_waiting
async def test_a_caller_who_hangs_up_in_line_leaves_nothing_behind() -> None:
    floor = Floor()
    person = await floor.opened()
    waiting = asyncio.ensure_future(person.to(floor.asked()))
    await asyncio.sleep(5)
    waiting.cancel()  # as the job does when its caller is gone
    with pytest.raises(asyncio.CancelledError):
        await waiting
    offer = await floor.offered()
    assert (offer.state, offer.reason) == (State.WITHDRAWN, "caller_left")
    assert await floor.store.line(DESK) == ()


@without_waiting
async def test_a_caller_who_leaves_while_the_human_is_introduced_is_given_to_nobody() -> None:
    floor = Floor("ready and silent")
    person = await floor.opened()
    floor.later(5, floor.anna_takes_it)
    introduce = floor.introduce

    async def introduce_to_nobody(name: str) -> None:
        await introduce(name)
        floor.caller_leaves()
        await asyncio.sleep(1)

    floor.introduce = introduce_to_nobody  # type: ignore[method-assign]
    assert await person.to(floor.asked()) == Missed("caller_left")
    assert (await floor.offered()).state is State.WITHDRAWN
    assert f"put out {ANNA}" in floor.journal
    assert await floor.holder() == ("escalation-1", 1)


# --- humans who fail ----------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_human_who_took_the_call_and_never_came_is_followed_by_a_new_offer() -> None:
    floor = Floor("never there")
    person = await floor.opened(desk_seconds=100.0)
    floor.later(5, floor.anna_takes_it)
    waiting = asyncio.ensure_future(person.to(floor.asked()))
    await asyncio.sleep(8)
    first = await floor.offered()
    assert first.state is State.DISPATCHED
    floor.clock.advance(30)
    await asyncio.sleep(3)
    second = await floor.offered()
    assert second.context.handoff_id != first.context.handoff_id
    assert second.state is State.ACCEPTED
    assert f"put out {ANNA}" in floor.journal
    floor.anna_is = "willing"
    floor.later(0, floor.anna_takes_it)
    assert isinstance(await waiting, Moved)


@without_waiting
async def test_a_human_whose_microphone_never_opens_gives_the_floor_back_and_the_next_one_is_asked() -> None:
    floor = Floor("ready and silent")
    person = await floor.opened(desk_seconds=300.0)
    floor.later(5, floor.anna_takes_it)
    waiting = asyncio.ensure_future(person.to(floor.asked()))
    while f"put out {ANNA}" not in floor.journal:
        await asyncio.sleep(0.5)
    await asyncio.sleep(0.1)
    assert floor.journal[-1] == "may speak"
    assert await floor.holder() == ("escalation-1", 3)
    floor.anna_is = "willing"
    floor.later(5, floor.anna_takes_it)
    assert isinstance(await waiting, Moved)
    assert await floor.holder() == (ANNA, 4)


@without_waiting
async def test_nobody_gives_the_floor_to_a_human_who_has_left_the_room() -> None:
    floor = Floor("gone in mid-sentence")
    person = await floor.opened(desk_seconds=20.0)
    floor.later(5, floor.anna_takes_it)
    assert await person.to(floor.asked()) == Missed(NOBODY_CAME, Waited.TIMED_OUT)
    assert await floor.holder() == ("escalation-1", 1)
    assert "silent" not in floor.journal


@without_waiting
async def test_a_moment_without_the_store_does_not_end_the_wait() -> None:
    floor = Floor()
    person = await floor.opened()
    floor.later(5, lambda: setattr(floor.store, "is_away", True))
    floor.later(9, lambda: setattr(floor.store, "is_away", False))
    floor.later(12, floor.anna_takes_it)
    assert isinstance(await person.to(floor.asked()), Moved)
