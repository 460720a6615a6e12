"""A human on the telephone gives his call back: an agent of customer care has it, or he has it still."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from handoff.desk import DESK
from handoff.lifecycle import FINAL, State
from handoff.store import Handoff
from handoff.testing import make_call
from livekit import api
from worker.checkpoint import Checkpoint
from worker.humans.handing_back import hand_back
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import hold_call, make_settings
from worker.testing.transfer import JournalStore

ANNA = "human-1"


class CallersRoom:
    """The caller's room, LiveKit, and the agent that comes. ``agent_is``: how it behaves."""

    name = "call-1"

    def __init__(self, agent_is: str = "willing") -> None:
        self.agent_is = agent_is
        self.journal: list[str] = []
        self.put_out: list[str] = []
        self.store = JournalStore(self.journal)
        self.room = self.agent_dispatch = self.local_participant = self
        self.remote_participants: dict[str, Any] = {}
        self.checkpoint: Checkpoint
        self._handoff_id = ""
        self._tasks: list[asyncio.Task[Any]] = []

    def on(self, event: str, listener: Any) -> None: ...

    async def given_back(self) -> bool:
        if not hasattr(self, "checkpoint"):
            self.checkpoint = await hold_call(self.store, make_call(services=("triage", "escalation")), service=DESK)
        everything: Any = self
        return await hand_back(
            self.checkpoint,
            room=everything,
            lkapi=everything,
            store=self.store,
            settings=make_settings(),
            fall_silent=lambda silent: self.journal.append("silent" if silent else "heard again"),
        )

    async def create_dispatch(self, request: api.CreateAgentDispatchRequest) -> None:
        if self.agent_is == "unreachable":
            raise api.TwirpError("unavailable", "LiveKit is away", status=503)
        self._handoff_id = request.attributes["handoff_id"]
        self.journal.append(f"calls for {request.agent_name}")
        if self.agent_is != "nowhere":
            self._tasks.append(asyncio.create_task(self._gets_ready()))

    async def _gets_ready(self) -> None:
        await asyncio.sleep(1)
        agent_id = f"escalation-{self._handoff_id}-AJ_1"
        self.remote_participants[agent_id] = "an agent"
        await self.store.move(self._handoff_id, State.READY, taker_id=agent_id)

    async def perform_rpc(self, **told: Any) -> str:
        if self.agent_is == "willing":
            self._tasks.append(asyncio.create_task(self.store.move(self._handoff_id, State.SPOKEN)))
        return "taken"

    async def remove_participant(self, who: api.RoomParticipantIdentity) -> None:
        self.journal.append("agent put out")
        self.put_out.append(who.identity)

    async def offer(self) -> Handoff:
        call = await self.store.load_call("call-1")
        assert call is not None
        found = await self.store.load_handoff(call.handoff_ids[-1])
        assert found is not None
        return found

    async def holder(self) -> str:
        floor = await self.store.load_floor("call-1")
        assert floor is not None
        return floor.service


@without_waiting
async def test_an_agent_of_customer_care_has_the_call_and_knows_what_was_said() -> None:
    room = CallersRoom()
    assert await room.given_back()
    assert room.journal == ["calls for escalation", "silent", "floor passed"]
    assert await room.holder() == "escalation"
    offer = await room.offer()
    assert (offer.from_service, offer.state) == (DESK, State.SPOKEN)
    assert "March" in str(offer.context.turns)
    assert room.checkpoint.floor is None, "nothing is renewed any more"


@pytest.mark.parametrize("agent_is", ["nowhere", "unreachable", "silent"])
@without_waiting
async def test_when_none_comes_or_speaks_the_human_has_the_call_and_is_heard_again(agent_is: str) -> None:
    room = CallersRoom(agent_is)
    assert not await room.given_back()
    assert room.journal[-1] == "heard again"
    assert ("agent put out" in room.journal) == (agent_is == "silent"), "who is not there yet finds the offer withdrawn"
    assert await room.holder() == DESK
    assert (await room.offer()).state in FINAL
    assert room.checkpoint.floor is not None
    room.agent_is = "willing"
    assert await room.given_back(), "he may try again"


@without_waiting
async def test_a_human_who_is_gone_meanwhile_leaves_no_offer_behind() -> None:
    room = CallersRoom("nowhere")
    giving = asyncio.ensure_future(room.given_back())
    await asyncio.sleep(2)
    giving.cancel()
    await asyncio.gather(giving, return_exceptions=True)
    assert (await room.offer()).state is State.WITHDRAWN


@without_waiting
async def test_a_human_who_loses_the_floor_meanwhile_puts_nobody_out() -> None:
    room = CallersRoom()
    giving = asyncio.ensure_future(room.given_back())
    await asyncio.sleep(0.5)
    await room.store.seize_floor(
        "call-1", epoch=1, service="escalation", agent_id="escalation-r2", lease_seconds=30, dead_agent_id=ANNA
    )
    await giving
    assert room.put_out == [], "who is not there yet finds the offer withdrawn"
    assert (await room.offer()).state in FINAL
    assert await room.holder() == "escalation"
