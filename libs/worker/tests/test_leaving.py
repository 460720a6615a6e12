"""A job leaves its call without ending what is another agent's, and without leaving its own behind unnoticed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from handoff.call import Ending
from handoff.testing import FakeClock, OutageStore
from livekit import api, rtc
from livekit.agents import CloseEvent, CloseReason
from worker.agent.cast import Cast
from worker.checkpoint import Checkpoint
from worker.job.leaving import Leaving
from worker.testing.jumping_time import everything_ran, without_waiting
from worker.testing.text_call import hold_call

AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
PUT_OUT = CloseEvent(reason=CloseReason.JOB_SHUTDOWN)
CALLER_LEFT = CloseEvent(reason=CloseReason.PARTICIPANT_DISCONNECTED)


class Said:
    async def wait_for_playout(self) -> None: ...


class Session:
    """A session that says what it is told to, and ends."""

    def __init__(self, journal: list[str]) -> None:
        self._journal = journal

    def say(self, text: str, **_: Any) -> Said:
        self._journal.append(f"said: {text}")
        return Said()

    async def aclose(self) -> None:
        self._journal.append("session closed")


class HangingSession(Session):
    """One that waits for ever for what still speaks in it."""

    async def aclose(self) -> None:
        await asyncio.Event().wait()


class Job:
    """A job of triage, its room and LiveKit's API; everything that it does to them is in the journal."""

    def __init__(self) -> None:
        self.journal: list[str] = []
        self._listeners: dict[str, Callable[[Any], None]] = {}
        self.clock = FakeClock()
        self.store = OutageStore(now=self.clock)
        self.room = SimpleNamespace(
            name="call-1", remote_participants={}, disconnect=self._disconnect, on=self._listeners.__setitem__
        )
        self.job = SimpleNamespace(room=self.room)
        self.api = SimpleNamespace(room=self)
        self.checkpoint: Checkpoint
        self.leaving: Leaving
        self.play_hangs = False
        self._at_shutdown: list[Callable[[], Awaitable[None]]] = []

    def add_shutdown_callback(self, callback: Callable[[], Awaitable[None]]) -> None:
        self._at_shutdown.append(callback)

    async def shuts_down(self) -> None:
        """What LiveKit waits for before it ends the process."""
        await asyncio.gather(*(callback() for callback in self._at_shutdown))

    async def process_ends(self) -> None:
        """As LiveKit ends it when the room is gone: whatever still runs after the shutdown is cancelled."""
        await self.shuts_down()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    def somebody_leaves(self, identity: str, reason: int) -> None:
        """As LiveKit tells it."""
        self._listeners["participant_disconnected"](SimpleNamespace(identity=identity, disconnect_reason=reason))

    async def begin(self, *, holds_floor: bool = True) -> Leaving:
        self.checkpoint = await hold_call(self.store, on_floor_lost=lambda: self.leaving.floor_lost())
        if not holds_floor:
            self.checkpoint.let_go()
        ctx: Any = self
        kept: Any = SimpleNamespace(text=lambda name: f"the {name}", find=lambda text: (object(),))

        async def close() -> None:
            self.journal.append("closed")

        self.leaving = Leaving(ctx, self.store, kept=kept, close=close, play=self._play)
        self.leaving._work = None  # the test's own task shall live on
        session: Any = Session(self.journal)
        gate: Any = SimpleNamespace(shut=lambda: self.journal.append("gate shut"))
        agent: Any = SimpleNamespace()
        self.leaving.cast = Cast(agent, session, gate, self.checkpoint)
        return self.leaving

    async def somebody_else_goes_on(self) -> None:
        """The lease passed while this process stood still."""
        self.clock.advance(31)
        await self.store.seize_floor(
            "call-1", epoch=1, service="triage", agent_id="triage-r2-abc", lease_seconds=4, dead_agent_id="triage-1"
        )
        self.room.remote_participants["triage-r2-abc"] = SimpleNamespace(kind=AGENT)

    async def until_left(self) -> None:
        while "shut down" not in " ".join(self.journal):
            await asyncio.sleep(0.1)
        await everything_ran()

    async def _play(self, room: object, clip: Sequence[object]) -> None:
        self.journal.append("played a recording")
        if self.play_hangs:
            await asyncio.Event().wait()

    async def _disconnect(self) -> None:
        self.journal.append("left the room")

    async def delete_room(self, request: api.DeleteRoomRequest) -> None:
        self.journal.append("room deleted")

    def shutdown(self, reason: str) -> None:
        self.journal.append(f"shut down: {reason}")

    async def ending(self) -> Ending | None:
        call = await self.store.load_call("call-1")
        assert call is not None
        return call.ending


@without_waiting
async def test_a_caller_who_hangs_up_ends_the_call_and_the_room() -> None:
    job = Job()
    leaving = await job.begin()
    leaving.session_closed(CALLER_LEFT)
    await job.until_left()
    assert await job.ending() is Ending.CALLER_HUNG_UP
    assert job.journal == ["room deleted", "session closed", "left the room", "closed", "shut down: call ended"]


@pytest.mark.parametrize("event", [CALLER_LEFT, PUT_OUT, CloseEvent(reason=CloseReason.ERROR)], ids=lambda e: e.reason)
@without_waiting
async def test_who_was_overtaken_ends_neither_the_call_nor_the_room(event: CloseEvent) -> None:
    job = Job()
    leaving = await job.begin()
    await job.somebody_else_goes_on()
    leaving.session_closed(event)
    await job.until_left()
    assert await job.ending() is None
    assert "room deleted" not in job.journal
    assert "played a recording" not in job.journal, "another agent speaks"


@pytest.mark.parametrize("hangs", [False, True], ids=["heard", "nobody listens"])
@without_waiting
async def test_a_caller_whose_agent_lost_its_session_hears_a_recording_before_the_line_is_closed(hangs: bool) -> None:
    job = Job()
    job.play_hangs = hangs
    leaving = await job.begin()
    leaving.session_closed(CloseEvent(reason=CloseReason.ERROR))
    await job.until_left()
    assert await job.ending() is Ending.FAILED
    assert job.journal[:2] == ["played a recording", "room deleted"]


@without_waiting
async def test_who_is_put_out_of_the_room_leaves_the_call_to_the_guardians_at_once() -> None:
    job = Job()
    leaving = await job.begin()
    leaving.session_closed(PUT_OUT)
    await job.until_left()
    assert await job.ending() is None
    assert "room deleted" not in job.journal
    assert [overdue.call_id for overdue in await job.store.overdue()] == ["call-1"]


@without_waiting
async def test_who_finds_its_floor_lost_is_silent_first_and_goes() -> None:
    job = Job()
    await job.begin()
    await job.somebody_else_goes_on()
    job.checkpoint.note_effect("something stale")
    await job.until_left()
    assert job.journal == ["gate shut", "session closed", "left the room", "closed", "shut down: floor lost"]
    assert (await job.store.load_floor("call-1")).agent_id == "triage-r2-abc"  # type: ignore[union-attr]


@without_waiting
async def test_a_taker_whose_caller_leaves_while_it_waits_ends_nothing() -> None:
    job = Job()
    leaving = await job.begin(holds_floor=False)
    leaving.session_closed(CALLER_LEFT)
    await job.until_left()
    assert await job.ending() is None
    assert "room deleted" not in job.journal


@without_waiting
async def test_without_the_store_a_room_with_another_agent_in_it_stays() -> None:
    job = Job()
    leaving = await job.begin()
    await job.somebody_else_goes_on()
    job.store.is_away = True
    leaving.session_closed(CALLER_LEFT)
    await job.until_left()
    assert "room deleted" not in job.journal


@without_waiting
async def test_without_the_store_a_caller_who_was_said_goodbye_to_is_not_left_alone() -> None:
    job = Job()
    leaving = await job.begin()
    job.store.is_away = True
    await job.checkpoint.end(Ending.RESOLVED)
    await leaving.hang_up()
    await everything_ran()
    assert "room deleted" in job.journal
    job.store.is_away = False
    await job.until_left()
    assert await job.ending() is Ending.RESOLVED  # written before the job was over
    assert job.journal[-1] == "shut down: call ended"


@without_waiting
async def test_the_process_stays_until_the_ending_of_its_call_is_written() -> None:
    job = Job()
    leaving = await job.begin()
    job.store.is_away = True
    leaving.session_closed(CALLER_LEFT)
    while "room deleted" not in job.journal:
        await asyncio.sleep(0.1)
    over = asyncio.create_task(job.shuts_down())
    await asyncio.sleep(20)
    assert not over.done()
    job.store.is_away = False
    await over
    assert await job.ending() is Ending.CALLER_HUNG_UP
    assert job.journal[-1] == "shut down: call ended"


@without_waiting
async def test_an_ending_that_waits_for_the_store_survives_the_end_of_its_room() -> None:
    job = Job()
    leaving = await job.begin()
    job.store.is_away = True
    leaving.session_closed(CALLER_LEFT)
    while "room deleted" not in job.journal:
        await asyncio.sleep(0.1)
    asyncio.get_running_loop().call_later(5, setattr, job.store, "is_away", False)
    await job.process_ends()
    assert await job.ending() is Ending.CALLER_HUNG_UP


@without_waiting
async def test_the_process_does_not_stay_for_ever_for_a_store_that_does_not_come_back() -> None:
    job = Job()
    leaving = await job.begin()
    job.store.is_away = True
    leaving.session_closed(CALLER_LEFT)
    loop = asyncio.get_running_loop()
    await asyncio.sleep(3)
    began_at = loop.time()
    await job.process_ends()
    assert 20 < loop.time() - began_at <= 40


@without_waiting
async def test_after_a_fault_an_owner_apologises_and_the_call_has_failed() -> None:
    job = Job()
    leaving = await job.begin()
    await leaving.give_up()
    await job.until_left()
    assert await job.ending() is Ending.FAILED
    assert job.journal[:2] == ["said: the apology", "room deleted"]


@without_waiting
async def test_after_a_fault_who_holds_no_floor_says_nothing_and_ends_nothing() -> None:
    job = Job()
    leaving = await job.begin(holds_floor=False)
    await leaving.give_up()
    await job.until_left()
    assert await job.ending() is None
    assert job.journal == ["session closed", "left the room", "closed", "shut down: failed"]


@without_waiting
async def test_who_is_cut_off_from_livekit_is_silent_and_leaves_the_call_to_the_guardians() -> None:
    job = Job()
    leaving = await job.begin()
    leaving.cut_off()
    await job.until_left()
    assert job.journal == [
        "gate shut",
        "session closed",
        "left the room",
        "closed",
        "shut down: cut off from LiveKit",
    ]
    assert await job.ending() is None
    assert [overdue.call_id for overdue in await job.store.overdue()] == ["call-1"]


@without_waiting
async def test_out_of_reach_the_lease_is_left_to_pass_and_back_in_reach_it_is_renewed() -> None:
    job = Job()
    leaving = await job.begin()
    leaving._reach_changed(False)
    assert job.checkpoint.is_out_of_reach
    leaving._reach_changed(True)
    assert not job.checkpoint.is_out_of_reach


@without_waiting
async def test_who_is_out_of_the_room_renews_no_lease_until_its_sentence_is_over() -> None:
    job = Job()
    await job.begin()
    job._listeners["disconnected"]("the server was stopped")
    await job.until_left()
    assert await job.ending() is None
    assert [overdue.call_id for overdue in await job.store.overdue()] == ["call-1"]


@without_waiting
async def test_a_room_that_does_not_let_go_keeps_nobody() -> None:
    job = Job()
    leaving = await job.begin()
    job.room.disconnect = asyncio.Event().wait
    leaving.cut_off()
    await job.until_left()
    assert job.journal[-1] == "shut down: cut off from LiveKit"


@without_waiting
async def test_a_session_that_hangs_as_it_closes_keeps_neither_the_ending_nor_the_job() -> None:
    job = Job()
    leaving = await job.begin()
    assert leaving.cast is not None
    leaving.cast.session = HangingSession(job.journal)  # type: ignore[assignment]
    job.somebody_leaves(job.checkpoint.call.caller_identity, rtc.DisconnectReason.CLIENT_INITIATED)
    await job.until_left()
    assert await job.ending() is Ending.CALLER_HUNG_UP
    assert job.journal == ["room deleted", "left the room", "closed", "shut down: call ended"]


@without_waiting
async def test_a_session_that_closes_in_time_ends_the_call_itself() -> None:
    job = Job()
    leaving = await job.begin()
    job.somebody_leaves(job.checkpoint.call.caller_identity, rtc.DisconnectReason.CLIENT_INITIATED)
    await asyncio.sleep(1)
    leaving.session_closed(CALLER_LEFT)
    await job.until_left()
    await asyncio.sleep(60)
    assert job.journal.count("room deleted") == 1
    assert [line for line in job.journal if line.startswith("shut down")] == ["shut down: call ended"]


@without_waiting
@pytest.mark.parametrize(
    ("identity", "reason"),
    [("", rtc.DisconnectReason.SIGNAL_CLOSE), ("billing-1", rtc.DisconnectReason.CLIENT_INITIATED)],
    ids=["a caller whose connection broke", "an agent"],
)
async def test_who_may_come_back_and_who_is_no_caller_ends_nothing(identity: str, reason: int) -> None:
    job = Job()
    await job.begin()
    job.somebody_leaves(identity or job.checkpoint.call.caller_identity, reason)
    await asyncio.sleep(60)
    assert await job.ending() is None
    assert job.journal == []


@without_waiting
async def test_a_job_leaves_once() -> None:
    job = Job()
    leaving = await job.begin()
    leaving.leave("handed over")
    leaving.leave("call ended")
    await job.until_left()
    assert [line for line in job.journal if line.startswith("shut down")] == ["shut down: handed over"]
