"""A call moves to another worker of its service at a turn boundary, and stays where it is when nobody takes it."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from handoff.call import Role
from handoff.lifecycle import State
from handoff.testing import FakeClock, OutageStore, make_call, make_turn
from livekit import api, rtc
from worker.agent.cast import Cast
from worker.checkpoint import Checkpoint
from worker.handover.moving import Mover
from worker.main_process.draining import MOVE_TOPIC
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.text_call import hold_call, make_settings

ASKED = make_turn("Would you like me to refund it?", role=Role.AGENT)


class Session:
    """What a Mover sees of a session."""

    def __init__(self) -> None:
        self.user_state, self.agent_state = "listening", "listening"
        self.current_speech: object | None = None
        self._listeners: dict[str, Any] = {}

    def on(self, event: str, listener: Any) -> None:
        self._listeners[event] = listener

    def caller(self, state: str) -> None:
        self.user_state = state
        self._listeners["user_state_changed"](None)

    def agent(self, state: str) -> None:
        self.agent_state = state
        self._listeners["agent_state_changed"](None)


class Mesh:
    """A call at billing whose worker drains; ``taker`` says how the other worker's agent behaves."""

    def __init__(self, taker: str = "willing") -> None:
        self.taker = taker
        self.journal: list[str] = []
        self.clock = FakeClock()
        self.store = OutageStore(now=self.clock)
        self.session = Session()
        self.room = self.local_participant = self.agent_dispatch = self
        self.name = "call-1"
        self.checkpoint: Checkpoint
        self.agent = SimpleNamespace(mute=self._mute, is_transferring=False, is_busy=False)
        self._listeners: dict[str, list[Any]] = {}
        self._later: set[Any] = set()
        self.remote_participants: dict[str, str] = {}
        self.handoff_id = ""

    async def opened(self, **settings: Any) -> Mover:
        self.checkpoint = await hold_call(self.store, make_call(turns=(ASKED,)), service="billing")
        gate: Any = SimpleNamespace(open=lambda: self.journal.append("gate open"))
        session: Any = self.session
        agent: Any = self.agent
        everything: Any = self
        return Mover(
            Cast(agent, session, gate, self.checkpoint),
            room=everything,
            lkapi=everything,
            store=self.store,
            settings=make_settings(**settings),
            service="billing",
            leave=lambda reason: self.journal.append(f"left: {reason}"),
            floor_lost=lambda: self.journal.append("floor lost"),
        )

    def on(self, event: str, listener: Any) -> None:
        self._listeners.setdefault(event, []).append(listener)

    def data(self, topic: str, participant: object | None = None) -> None:
        for listener in self._listeners["data_received"]:
            listener(rtc.DataPacket(data=b"", kind=0, participant=participant, topic=topic))  # type: ignore[arg-type]

    def _mute(self, muted: bool) -> None:
        self.journal.append("silent" if muted else "may speak")

    async def create_dispatch(self, request: api.CreateAgentDispatchRequest) -> None:
        self.handoff_id = request.attributes["handoff_id"]
        self.journal.append(f"dispatched {request.agent_name}{' silently' if request.attributes['silent'] else ''}")
        if self.taker != "absent":
            self._later.add(asyncio.ensure_future(self._gets_ready()))

    async def _gets_ready(self) -> None:
        await asyncio.sleep(0.6)
        taker_id = f"billing-{self.handoff_id}-AJ_1"
        self.remote_participants[taker_id] = "an agent"
        await self.store.move(self.handoff_id, State.READY, taker_id=taker_id)
        self.journal.append("ready")

    async def perform_rpc(self, *, destination_identity: str, method: str, payload: str) -> str:
        self.journal.append(f"epoch {json.loads(payload)['epoch']} is theirs")
        if self.taker == "willing":
            await self.store.move(self.handoff_id, State.SPOKEN)
        return "taken"

    async def remove_participant(self, who: api.RoomParticipantIdentity) -> None:
        self.journal.append("evicted")

    async def floor(self) -> tuple[str, int]:
        floor = await self.store.load_floor("call-1")
        assert floor is not None
        return ("theirs" if floor.agent_id == f"billing-{self.handoff_id}-AJ_1" else "ours"), floor.epoch

    async def state(self) -> State:
        handoff = await self.store.load_handoff(self.handoff_id)
        assert handoff is not None
        return handoff.state


THROUGH = ["dispatched billing silently", "ready", "silent", "epoch 2 is theirs", "left: moved"]


@without_waiting
async def test_a_quiet_call_moves_at_once_and_its_giver_leaves() -> None:
    mesh = Mesh()
    await mesh.opened()
    mesh.data(MOVE_TOPIC)
    await asyncio.sleep(5)
    assert mesh.journal == THROUGH
    assert await mesh.floor() == ("theirs", 2)
    assert await mesh.state() is State.SPOKEN
    assert mesh.checkpoint.floor is None
    call = await mesh.store.load_call("call-1")
    assert call is not None
    assert call.services == ("billing",)  # one visit, on two workers


@pytest.mark.parametrize(
    "packet", [(MOVE_TOPIC, object()), ("lk.chat", None)], ids=["a participant's", "another topic"]
)
@without_waiting
async def test_only_the_server_s_own_word_moves_a_call(packet: tuple[str, object | None]) -> None:
    mesh = Mesh()
    await mesh.opened()
    mesh.data(*packet)
    await asyncio.sleep(5)
    assert mesh.journal == []


@without_waiting
async def test_the_taker_waits_ready_until_the_caller_has_his_answer() -> None:
    mesh = Mesh()
    await mesh.opened()
    mesh.session.caller("speaking")
    mesh.data(MOVE_TOPIC)
    await asyncio.sleep(10)
    mesh.session.caller("listening")
    mesh.session.agent("thinking")
    await asyncio.sleep(10)
    assert mesh.journal == THROUGH[:2]
    mesh.session.agent("speaking")
    mesh.checkpoint.note_turn(Role.CALLER, "Yes please.")
    await asyncio.sleep(3)
    mesh.checkpoint.note_turn(Role.AGENT, "It is done. Anything else?")
    assert mesh.journal == THROUGH[:2]
    mesh.session.agent("listening")
    await asyncio.sleep(1)
    assert mesh.journal == THROUGH


@without_waiting
async def test_the_moment_between_a_caller_s_words_and_their_answer_is_no_boundary() -> None:
    mesh = Mesh()
    mover = await mesh.opened()
    mesh.session.caller("speaking")
    mesh.session.caller("listening")
    await asyncio.sleep(5)
    assert not mover.is_boundary()  # the turn is being transcribed
    await asyncio.sleep(5)
    assert mover.is_boundary()  # it was a cough


@without_waiting
async def test_a_call_whose_agent_is_busy_is_not_moved() -> None:
    mesh = Mesh()
    mover = await mesh.opened()
    mesh.agent.is_busy = True
    assert not mover.is_boundary()


@without_waiting
async def test_a_running_sentence_is_no_boundary() -> None:
    mesh = Mesh()
    mover = await mesh.opened()
    mesh.session.current_speech = object()
    assert not mover.is_boundary()


@without_waiting
async def test_a_call_that_nobody_takes_stays_and_is_tried_again_at_the_next_word() -> None:
    mesh = Mesh("absent")
    await mesh.opened()
    mesh.data(MOVE_TOPIC)
    mesh.data(MOVE_TOPIC)  # one move at a time
    await asyncio.sleep(20)
    assert mesh.journal == ["dispatched billing silently", "gate open"]
    assert await mesh.floor() == ("ours", 1)
    assert await mesh.state() is State.WITHDRAWN
    assert mesh.checkpoint.floor is not None
    mesh.taker, mesh.journal[:] = "willing", []
    mesh.data(MOVE_TOPIC)
    await asyncio.sleep(5)
    assert mesh.journal == THROUGH


@without_waiting
async def test_a_taker_that_says_nothing_gives_the_floor_back() -> None:
    mesh = Mesh("silent")
    await mesh.opened()
    mesh.data(MOVE_TOPIC)
    await asyncio.sleep(10)
    assert mesh.journal == [*THROUGH[:4], "evicted", "evicted", "gate open"]
    assert await mesh.floor() == ("ours", 3)
    assert mesh.checkpoint.epoch == 3


@without_waiting
async def test_without_the_store_a_call_stays() -> None:
    mesh = Mesh()
    await mesh.opened()
    mesh.store.is_away = True
    mesh.data(MOVE_TOPIC)
    await asyncio.sleep(5)
    assert mesh.journal == ["gate open"]
    assert mesh.checkpoint.floor is not None


@without_waiting
async def test_who_is_overtaken_while_it_moves_falls_silent() -> None:
    mesh = Mesh()
    await mesh.opened()
    mesh.session.caller("speaking")
    mesh.data(MOVE_TOPIC)
    await asyncio.sleep(3)
    mesh.clock.advance(31)
    await mesh.store.seize_floor("call-1", epoch=1, service="billing", agent_id="billing-r2-abc", lease_seconds=4)
    mesh.checkpoint.floor = mesh.checkpoint.floor  # the process has not noticed
    mesh.session.agent("speaking")
    mesh.session.caller("listening")
    mesh.session.agent("listening")
    await everything_ran()
    await asyncio.sleep(5)
    assert "left: moved" not in mesh.journal
    floor = await mesh.store.load_floor("call-1")
    assert floor is not None
    assert floor.agent_id == "billing-r2-abc"


@without_waiting
async def test_a_job_that_ends_while_its_call_was_to_move_leaves_no_taker_behind() -> None:
    mesh = Mesh()
    mover = await mesh.opened()
    mesh.session.caller("speaking")
    mesh.data(MOVE_TOPIC)
    await asyncio.sleep(3)
    await mover.aclose()
    assert mesh.journal == [*THROUGH[:2], "evicted"]
    assert await mesh.state() is State.WITHDRAWN


@without_waiting
async def test_a_job_that_ends_when_the_floor_is_passed_leaves_the_caller_to_the_one_who_has_it() -> None:
    mesh = Mesh("silent")
    mover = await mesh.opened()
    mesh.data(MOVE_TOPIC)
    while "epoch 2 is theirs" not in mesh.journal:
        await asyncio.sleep(0.05)
    await mover.aclose()
    assert "evicted" not in mesh.journal
    assert await mesh.floor() == ("theirs", 2)
    assert await mesh.state() is State.TAKEN


@without_waiting
async def test_a_canary_s_call_moves_to_the_service_s_other_workers_or_else_to_another_canary() -> None:
    mesh = Mesh("absent")
    await mesh.opened(canary_weight=10)
    for _ in range(3):
        mesh.data(MOVE_TOPIC)
        await asyncio.sleep(20)
    asked = [what for what in mesh.journal if what.startswith("dispatched")]
    assert asked == [
        "dispatched billing silently",
        "dispatched billing-canary silently",
        "dispatched billing silently",
    ]
