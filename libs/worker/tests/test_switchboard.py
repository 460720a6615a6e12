"""A human on the telephone: how he gets a call, keeps it, ends it, gives it back; and where the call is when he, or anybody, is gone."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from handoff.call import Ending
from handoff.desk import DESK
from handoff.lifecycle import State
from handoff.store import Handoff
from handoff.testing import START, OutageStore, make_call, make_handoff
from livekit.agents import APIConnectionError
from worker.checkpoint import Checkpoint
from worker.humans.consulting import Words
from worker.humans.dialling import NotReached
from worker.humans.switchboard import End, Means, Sent, Switchboard
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.text_call import hold_call

ANNA = "human-a1"
SENT = Sent("call-1", "d1", ANNA, "Anna")
WORDS = Words("opening", "briefing", "choice", "connecting", "too_late", "kept")
RINGS_SECONDS = 6.0


class Line:
    """LiveKit, the voice, the human and the caller around one switchboard, and the agent that waits for it."""

    def __init__(self, *keys: tuple[float, str], answers: NotReached | None = None, gives: bool = True) -> None:
        """``keys``: so many seconds after he has answered, which one. ``answers``: why he does not. ``gives``: the agent gives the floor
        to who is READY."""
        loop = asyncio.get_running_loop()
        self.store = OutageStore(now=lambda: START + loop.time())
        self.journal: list[str] = []
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self.gone: asyncio.Future[bool] = loop.create_future()
        self.agent: Checkpoint
        self.rooms_answer: NotReached | None = None
        self.has_voice = True
        self.cannot_say: set[str] = set()
        self.rendering_seconds = 0.0
        self.assistant_comes = True
        self._presses, self._answers, self._gives = keys, answers, gives
        self._tasks: list[asyncio.Task[Any]] = []

    async def switchboard(self) -> Switchboard:
        self.agent = await hold_call(self.store, make_call(), service="escalation")
        offer = make_handoff("d1", to_service=DESK, call=self.agent.call, now=await self.store.now())
        await self.store.offer(offer)
        await self.store.move("d1", State.ACCEPTED)
        self._tasks.append(asyncio.create_task(self._agent()))
        everything: Any = self
        means = Means(
            telephone=everything,
            callers_room=everything,
            dial=self._dial,
            words=lambda context: WORDS,
            render=self._render,
            hand_back=self._hand_back,
        )
        return Switchboard(self.store, SENT, means, lease_seconds=1.0)

    async def _agent(self) -> None:
        async with aclosing(self.store.watch("d1")) as moves:
            async for now in moves:
                if now.state is State.READY and self._gives:
                    self.agent.let_go()
                    await self.store.pass_floor("d1", epoch=1, lease_seconds=1.0)
                    self.journal.append("floor")

    # --- the telephone ---
    async def _dial(self) -> None:
        await asyncio.sleep(RINGS_SECONDS)
        if self._answers is not None:
            raise self._answers
        for seconds, key in self._presses:
            asyncio.get_running_loop().call_later(seconds, self.keys.put_nowait, key)

    async def answered(self) -> None:
        self.journal.append("answered")

    async def say(self, clip: Any) -> None:
        for word in clip:
            self.journal.append(f"says {word}")
            await asyncio.sleep(2)

    async def _render(self, text: str) -> Any:
        if not self.has_voice or text in self.cannot_say:
            raise APIConnectionError()
        await asyncio.sleep(self.rendering_seconds)
        return [text]

    # --- the caller's room ---
    async def join(self, name: str) -> None:
        if self.rooms_answer is not None:
            raise self.rooms_answer
        self.journal.append(f"{name} joins")

    def open_microphone(self) -> None:
        self.journal.append("microphone open")

    def shut_microphone(self, shut: bool = True) -> None:
        self.journal.append("microphone shut")

    async def close_call(self) -> None:
        self.journal.append("everybody out")

    async def _hand_back(self, checkpoint: Checkpoint) -> bool:
        self.journal.append("hands back")
        await asyncio.sleep(3)
        if self.assistant_comes:
            checkpoint.let_go()
        return self.assistant_comes

    # --- what came of it ---
    async def offer(self) -> Handoff:
        found = await self.store.load_handoff("d1")
        assert found is not None
        return found

    async def holder(self) -> tuple[str, bool]:
        """Who has the floor, and whether his lease holds."""
        floor = await self.store.load_floor("call-1")
        assert floor is not None
        return floor.agent_id, floor.lease_until > await self.store.now()


TAKES = ((1.0, "1"), (2.0, "1"))


async def talking(line: Line) -> tuple[Switchboard, asyncio.Task[None]]:
    """He has the call."""
    switchboard = await line.switchboard()
    work = asyncio.create_task(switchboard.work())
    while (await line.offer()).state is not State.SPOKEN:
        await asyncio.sleep(0.5)
    return switchboard, work


# --- he takes it --------------------------------------------------------------------------------------------------------
@without_waiting
async def test_a_human_who_takes_the_call_is_in_the_callers_room_before_he_is_heard() -> None:
    line = Line(*TAKES)
    _, work = await talking(line)
    assert line.journal == [
        "answered", "says opening", "says briefing", "says connecting", "Anna joins", "floor", "microphone open",
    ]  # fmt: skip
    offer = await line.offer()
    assert (offer.state, offer.taker_id) == (State.SPOKEN, ANNA)
    await asyncio.sleep(60)
    assert await line.holder() == (ANNA, True), "renewed all the while"
    work.cancel()


@without_waiting
async def test_nobody_is_in_the_callers_room_before_the_key() -> None:
    line = Line((1.0, "1"))
    await (await line.switchboard()).work()
    assert "Anna joins" not in line.journal


# --- he does not --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("keys", "answers", "reason"),
    [
        ((), NotReached("busy"), "busy"),
        ((), NotReached("no_answer"), "no_answer"),
        ((), NotReached("no_trunk"), "no_trunk"),
        ((), NotReached("sip_away"), "sip_away"),
        ((), None, "no_key"),
        (((1.0, "2"),), None, "declined"),
        (((1.0, "1"), (2.0, "2")), None, "declined"),
    ],
)
@without_waiting
async def test_who_does_not_take_the_call_gives_it_up_at_once_and_the_agent_has_it_still(
    keys: Any, answers: NotReached | None, reason: str
) -> None:
    line = Line(*keys, answers=answers)
    await (await line.switchboard()).work()
    offer = await line.offer()
    assert (offer.state, offer.reason) == (State.WITHDRAWN, reason)
    assert await line.holder() == ("escalation-1", True)
    assert "Anna joins" not in line.journal


@without_waiting
async def test_who_hangs_up_in_the_briefing_gives_it_up_at_once() -> None:
    line = Line((1.0, "1"))
    switchboard = await line.switchboard()
    asyncio.get_running_loop().call_later(RINGS_SECONDS + 2, line.gone.set_result, True)
    await switchboard.work()
    assert (await line.offer()).reason == "hung_up"


@without_waiting
async def test_who_hangs_up_while_he_is_introduced_gives_it_up_and_no_floor_is_given_to_him() -> None:
    line = Line(*TAKES, gives=False)
    switchboard = await line.switchboard()
    work = asyncio.create_task(switchboard.work())
    while (await line.offer()).state is not State.READY:
        await asyncio.sleep(0.5)
    line.gone.set_result(True)
    await work
    assert ((await line.offer()).state, (await line.offer()).reason) == (State.WITHDRAWN, "hung_up")


@without_waiting
async def test_nobody_is_called_when_nobody_can_speak_to_him() -> None:
    line = Line(*TAKES)
    line.has_voice = False
    await (await line.switchboard()).work()
    assert (await line.offer()).reason == "no_voice"
    assert asyncio.get_running_loop().time() < RINGS_SECONDS, "before it rings"


@without_waiting
async def test_a_human_whose_story_cannot_be_told_is_not_put_through() -> None:
    line = Line(*TAKES)
    line.cannot_say = {"briefing"}
    await (await line.switchboard()).work()
    assert (await line.offer()).reason == "no_voice"
    assert line.journal == ["answered", "says opening"]


@without_waiting
async def test_a_human_who_answers_fast_is_spoken_to_before_the_rest_is_rendered() -> None:
    line = Line()
    line.rendering_seconds = 5.0
    await (await line.switchboard()).work()
    assert line.journal[:2] == ["answered", "says opening"]
    assert asyncio.get_running_loop().time() == pytest.approx(5 + RINGS_SECONDS + 2 * (2 + 5), abs=1)


@without_waiting
async def test_who_cannot_be_brought_into_the_callers_room_does_not_get_the_call() -> None:
    line = Line(*TAKES)
    line.rooms_answer = NotReached("no_way_in")
    await (await line.switchboard()).work()
    assert (await line.offer()).reason == "no_way_in"
    assert await line.holder() == ("escalation-1", True)


# --- the caller does not wait ----------------------------------------------------------------------------------------------
@without_waiting
async def test_a_human_who_is_being_briefed_is_told_when_the_caller_waits_no_longer() -> None:
    line = Line((1.0, "1"))
    switchboard = await line.switchboard()

    async def gives_up() -> None:
        await asyncio.sleep(RINGS_SECONDS + 2)
        await line.store.move("d1", State.WITHDRAWN, reason="caller_left")

    giving_up = asyncio.create_task(gives_up())
    await switchboard.work()
    assert line.journal[-1] == "says too_late"
    assert (await line.offer()).reason == "caller_left"
    await giving_up


@without_waiting
async def test_a_telephone_that_still_rings_stops_ringing_and_nobody_is_spoken_to() -> None:
    line = Line(*TAKES)
    switchboard = await line.switchboard()
    await line.store.move("d1", State.WITHDRAWN, reason="no_longer")
    await switchboard.work()
    assert line.journal == []
    assert asyncio.get_running_loop().time() < 1


@without_waiting
async def test_an_offer_that_is_anothers_or_over_is_not_taken() -> None:
    line = Line(*TAKES)
    switchboard = await line.switchboard()
    await line.store.move("d1", State.DISPATCHED, taker_id="human-of-the-desk")
    await switchboard.work()
    assert line.journal == []
    assert (await line.offer()).state is State.DISPATCHED


@without_waiting
async def test_a_human_to_whom_the_floor_is_not_given_is_told_and_let_go() -> None:
    line = Line(*TAKES, gives=False)
    await (await line.switchboard()).work()
    assert line.journal[-1] == "says too_late"
    assert (await line.offer()).state is State.WITHDRAWN


@without_waiting
async def test_a_switchboard_that_is_stopped_before_the_key_gives_the_offer_up() -> None:
    line = Line()
    switchboard = await line.switchboard()
    asyncio.get_running_loop().call_later(2, switchboard.ends, End.CUT_OFF)
    await switchboard.work()
    assert (await line.offer()).reason == "stopped"


# --- ends ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("end", "detail"), [(End.HUNG_UP, "ended by telephone"), (End.CALLER_LEFT, "the caller hung up")]
)
@without_waiting
async def test_whoever_of_the_two_hangs_up_ends_the_call_as_one_that_a_human_had(end: End, detail: str) -> None:
    line = Line(*TAKES)
    switchboard, work = await talking(line)
    if end is End.HUNG_UP:
        line.gone.set_result(True)
    else:
        switchboard.ends(end)
    await work
    call = await line.store.load_call("call-1")
    assert call is not None
    assert (call.ending, call.ending_detail) == (Ending.TRANSFERRED_TO_HUMAN, detail)
    assert line.journal[-2:] == ["microphone shut", "everybody out"]


@without_waiting
async def test_a_line_that_is_cut_leaves_the_caller_to_an_agent_at_once() -> None:
    line = Line(*TAKES)
    _, work = await talking(line)
    line.gone.set_result(False)
    await work
    assert await line.holder() == (ANNA, False), "for a guardian to seize, without waiting for the lease"
    assert [seen.service for seen in await line.store.overdue()] == [DESK]
    assert "everybody out" not in line.journal


@without_waiting
async def test_a_switchboard_that_is_stopped_leaves_the_caller_to_an_agent_at_once() -> None:
    line = Line(*TAKES)
    switchboard, work = await talking(line)
    switchboard.ends(End.CUT_OFF)
    await work
    assert await line.holder() == (ANNA, False)


@without_waiting
async def test_a_human_whose_floor_is_anothers_is_silent_and_ends_nothing() -> None:
    line = Line(*TAKES)
    _, work = await talking(line)
    await line.store.seize_floor(
        "call-1", epoch=2, service="escalation", agent_id="escalation-r3", lease_seconds=30, dead_agent_id=ANNA
    )
    await work
    assert await line.holder() == ("escalation-r3", True)
    assert line.journal[-1] == "microphone shut"


@without_waiting
async def test_a_moment_without_the_store_costs_a_human_nothing() -> None:
    line = Line(*TAKES)
    _, work = await talking(line)
    line.store.is_away = True
    await asyncio.sleep(10)
    line.store.is_away = False
    await asyncio.sleep(2)
    assert not work.done()
    assert await line.holder() == (ANNA, True)
    work.cancel()


# --- back to the assistant ----------------------------------------------------------------------------------------------
@without_waiting
async def test_a_human_gives_the_call_back_by_a_key() -> None:
    line = Line(*TAKES)
    _, work = await talking(line)
    line.keys.put_nowait("9")
    await work
    assert line.journal[-2:] == ["hands back", "microphone shut"]


@without_waiting
async def test_a_human_to_whom_no_assistant_comes_keeps_the_call_and_is_told() -> None:
    line = Line(*TAKES)
    line.assistant_comes = False
    _, work = await talking(line)
    line.keys.put_nowait("9")
    await asyncio.sleep(10)
    assert line.journal[-2:] == ["hands back", "says kept"]
    assert not work.done()
    line.assistant_comes = True
    line.keys.put_nowait("9")
    await work


@without_waiting
async def test_a_human_who_gives_back_and_hangs_up_at_once_does_not_end_the_call() -> None:
    line = Line(*TAKES)
    _, work = await talking(line)
    line.keys.put_nowait("9")
    await everything_ran()
    line.gone.set_result(True)
    await work
    assert await line.holder() == (ANNA, False), "an agent comes all the same"
    assert (await line.store.load_call("call-1")).ending is None  # type: ignore[union-attr]
