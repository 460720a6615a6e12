"""A caller for whom humans are called by telephone: whom, when, one after the other, and where he stands when nobody takes the call."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import pytest
from handoff.desk import DESK, TELEPHONE, is_human
from handoff.lifecycle import State
from handoff.store import Handoff
from handoff.testing import START, OutageStore, make_call, make_intent
from livekit import api
from worker.handover.hold import Overheard, Waited
from worker.handover.ladder import Asked, Missed
from worker.handover.transfer import Moved
from worker.humans.person import NOBODY_CAME, OFF_DUTY, Person
from worker.settings import Phone
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import hold_call, make_settings

ANNA, BEN = Phone("+15550100001", "Anna"), Phone("+15550100002", "Ben")
RINGS_SECONDS = 10.0
AWAY = api.TwirpError("unavailable", "LiveKit is away", status=503)


class Stage:
    """A call at customer care, its caller, LiveKit, and the switchboards that come. ``humans``: by telephone, what each does: a reason why
    he does not take the call, ``takes``, or ``lost`` when his switchboard dies without a word."""

    def __init__(self, *humans: str) -> None:
        loop = asyncio.get_running_loop()
        self.humans = humans
        self.store = OutageStore(now=lambda: START + loop.time())
        self.journal: list[str] = []
        self.sent: list[api.CreateAgentDispatchRequest] = []
        self.agent_dispatch = self
        self.room = self
        self.name = "call-1"
        self.remote_participants: dict[str, Any] = {}
        self.overheard = Overheard()
        self.checkpoint: Any = None
        self.livekit_is_away = False
        self.comes = True
        self._tasks: list[asyncio.Task[Any]] = []

    async def person(self, **settings: Any) -> Person:
        self.checkpoint = await hold_call(self.store, make_call(), service="escalation")
        phones = (ANNA, BEN)[: len(self.humans)]
        everything: Any = self
        return Person(
            room=everything,
            lkapi=everything,
            store=self.store,
            checkpoint=self.checkpoint,
            settings=make_settings(**{"desk_phones": phones, "lease_seconds": 2.0} | settings),
        )

    def asked(self) -> Asked:
        host: Any = self
        return Asked(
            make_intent("escalation"), "", host, self.overheard, lambda: False, self._is_done, lambda silent: None
        )

    async def _is_done(self) -> None: ...

    def on(self, event: str, listener: Any) -> None: ...

    # --- LiveKit, and the switchboard that it sends ---
    async def create_dispatch(self, request: api.CreateAgentDispatchRequest) -> None:
        if self.livekit_is_away:
            raise AWAY
        self.sent.append(request)
        if self.comes:
            self._tasks.append(asyncio.create_task(self._switchboard(request.attributes)))

    async def remove_participant(self, who: api.RoomParticipantIdentity) -> None:
        self.remote_participants.pop(who.identity, None)

    async def _switchboard(self, told: Any) -> None:
        number, handoff_id, human_id = int(told["telephone"]), told["handoff_id"], told["agent_id"]
        self.journal.append(f"calls {number}")
        await self.store.move(handoff_id, State.DISPATCHED, taker_id=human_id)
        does = self.humans[number]
        if does == "lost":
            return
        await asyncio.sleep(RINGS_SECONDS)
        if does != "takes":
            await self.store.move(handoff_id, State.WITHDRAWN, reason=does)
            return
        self.remote_participants[human_id] = SimpleNamespace(identity=human_id, name=(ANNA, BEN)[number].name)
        await self.store.move(handoff_id, State.READY, taker_id=human_id)
        async with aclosing(self.store.watch(handoff_id)) as moves:
            async for now in moves:
                if now.state is State.TAKEN:
                    await self.store.move(handoff_id, State.SPOKEN)

    # --- the mouth ---
    async def on_hold(self, target: str, position: int) -> None:
        self.journal.append(f"waits for {target}, place {position}")

    async def position(self, position: int, *, was_heard: bool) -> None: ...

    async def introduce(self, name: str) -> None:
        self.journal.append(f"introduces {name}")

    def play(self, frames: Any) -> Stage:
        return self

    def done(self) -> bool:
        return False

    async def stop(self, music: Any) -> None: ...

    # --- what came of it ---
    async def offers(self) -> list[Handoff]:
        call = await self.store.load_call("call-1")
        assert call is not None
        return [found for id_ in call.handoff_ids if (found := await self.store.load_handoff(id_)) is not None]


@without_waiting
async def test_a_human_who_takes_the_call_at_his_telephone_is_introduced_and_has_the_floor() -> None:
    stage = Stage("takes")
    person = await stage.person()
    assert await person.can_be_asked(), "though nobody is at the desk"
    assert isinstance(await person.to(stage.asked()), Moved)
    assert stage.journal == ["waits for telephone, place 1", "calls 0", "introduces Anna"]
    floor = await stage.store.load_floor("call-1")
    assert floor is not None
    assert is_human(floor.agent_id)
    assert floor.service == DESK
    assert floor.lease_until - await stage.store.now() == pytest.approx(2.0), "an agent's: a process of ours renews it"
    assert [offer.state for offer in await stage.offers()] == [State.SPOKEN]
    assert await stage.store.line(TELEPHONE) == ()


@without_waiting
async def test_a_switchboard_is_customer_cares_has_a_room_of_its_own_and_is_told_no_number() -> None:
    stage = Stage("takes")
    await (await stage.person()).to(stage.asked())
    (sent,) = stage.sent
    human_id = sent.attributes["agent_id"]
    assert (sent.agent_name, sent.room) == ("escalation", f"consult-{human_id}")
    assert (sent.attributes["call_id"], sent.attributes["telephone"]) == ("call-1", "0")
    assert ANNA.number not in str(sent)


@pytest.mark.parametrize(
    "reason", ["busy", "declined", "no_answer", "no_key", "hung_up", "no_trunk", "sip_away", "lost"]
)
@without_waiting
async def test_who_does_not_take_the_call_is_followed_by_the_next_number(reason: str) -> None:
    stage = Stage(reason, "takes")
    assert isinstance(await (await stage.person()).to(stage.asked()), Moved)
    assert stage.journal == ["waits for telephone, place 1", "calls 0", "calls 1", "introduces Ben"]
    assert [offer.state for offer in await stage.offers()] == [State.WITHDRAWN, State.SPOKEN]


@without_waiting
async def test_when_nobody_takes_the_call_the_brain_goes_on_as_ever() -> None:
    stage = Stage("busy", "no_key")
    assert await (await stage.person()).to(stage.asked()) == Missed(NOBODY_CAME, Waited.GONE)
    assert asyncio.get_running_loop().time() == pytest.approx(2 * RINGS_SECONDS, abs=4)
    assert [a.outcome for a in stage.checkpoint.call.attempts] == [NOBODY_CAME]
    assert await stage.store.line(TELEPHONE) == ()
    floor = await stage.store.load_floor("call-1")
    assert floor is not None
    assert floor.agent_id == "escalation-1"


@without_waiting
async def test_a_switchboard_that_never_comes_is_not_waited_for_long() -> None:
    stage = Stage("takes")
    stage.comes = False
    assert await (await stage.person()).to(stage.asked()) == Missed(NOBODY_CAME, Waited.GONE)
    assert asyncio.get_running_loop().time() < 20


@without_waiting
async def test_a_livekit_that_takes_no_dispatch_ends_the_wait_at_once() -> None:
    stage = Stage("takes", "takes")
    stage.livekit_is_away = True
    assert await (await stage.person()).to(stage.asked()) == Missed(NOBODY_CAME, Waited.GONE)
    assert asyncio.get_running_loop().time() < 2
    assert [offer.state for offer in await stage.offers()] == [State.WITHDRAWN]


@pytest.mark.parametrize(
    ("words", "waited"), [("No, I can't wait.", Waited.NO_LONGER), ("Please call me back.", Waited.CALLBACK)]
)
@without_waiting
async def test_a_caller_who_would_rather_not_wait_need_not_and_no_other_number_is_called(
    words: str, waited: Waited
) -> None:
    stage = Stage("busy", "takes")
    person = await stage.person()
    asyncio.get_running_loop().call_later(5, stage.overheard.note, words)
    assert await person.to(stage.asked()) == Missed(NOBODY_CAME, waited)
    assert stage.journal[1:2] == ["calls 0"]
    assert "calls 1" not in stage.journal
    assert (await stage.offers())[-1].state is State.WITHDRAWN, "so his switchboard hangs up"


@without_waiting
async def test_a_caller_who_asks_again_has_all_numbers_called_again() -> None:
    stage = Stage("busy")
    person = await stage.person()
    await person.to(stage.asked())
    await person.to(stage.asked())
    assert [line for line in stage.journal if line.startswith("calls")] == ["calls 0", "calls 0"]


@without_waiting
async def test_without_telephones_nobody_is_asked_as_ever() -> None:
    stage = Stage()
    person = await stage.person()
    assert not await person.can_be_asked()
    assert await person.to(stage.asked()) == Missed(OFF_DUTY)


# --- the desk first --------------------------------------------------------------------------------------------------------
@without_waiting
async def test_while_somebody_is_at_the_desk_no_telephone_rings_until_the_wait_is_over() -> None:
    stage = Stage("takes")
    person = await stage.person(desk_seconds=30.0)
    await stage.store.note_on_duty("human-1", seconds=3600)
    assert isinstance(await person.to(stage.asked()), Moved)
    assert stage.journal == [
        "waits for human, place 1", "waits for telephone, place 1", "calls 0", "introduces Anna",
    ]  # fmt: skip
    assert asyncio.get_running_loop().time() == pytest.approx(30 + RINGS_SECONDS, abs=4)


@without_waiting
async def test_a_caller_who_will_not_wait_for_the_desk_is_not_made_to_wait_for_a_telephone() -> None:
    stage = Stage("takes")
    person = await stage.person()
    await stage.store.note_on_duty("human-1", seconds=3600)
    asyncio.get_running_loop().call_later(5, stage.overheard.note, "Please call me back.")
    assert await person.to(stage.asked()) == Missed(NOBODY_CAME, Waited.CALLBACK)
    assert stage.sent == []


@without_waiting
async def test_a_desk_that_is_not_asked_for_is_passed_over() -> None:
    stage = Stage("takes")
    person = await stage.person(desk_seconds=0.0)
    await stage.store.note_on_duty("human-1", seconds=3600)
    assert isinstance(await person.to(stage.asked()), Moved)
    assert stage.journal[0] == "waits for telephone, place 1"


# --- several callers -------------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_caller_who_is_second_in_line_has_the_second_number_called_first() -> None:
    stage = Stage("takes", "takes")
    await stage.store.wait_in_line(TELEPHONE, "call-0")
    assert isinstance(await (await stage.person()).to(stage.asked()), Moved)
    assert stage.journal[-1] == "introduces Ben"


@without_waiting
async def test_no_more_callers_have_numbers_called_than_there_are_telephones() -> None:
    stage = Stage("takes")
    await stage.store.wait_in_line(TELEPHONE, "call-0")
    person = await stage.person()
    waiting = asyncio.ensure_future(person.to(stage.asked()))
    await asyncio.sleep(20)
    assert stage.sent == []
    assert stage.journal == ["waits for telephone, place 2"]
    await stage.store.leave_line(TELEPHONE, "call-0")
    assert isinstance(await waiting, Moved)
