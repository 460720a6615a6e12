"""One agent's part in a conversation as text: what worker.job.answer does in a room, without sound.

It answers a call directly, or takes one over: briefed and READY first, silent until the floor is its own, then caught up with what was
said meanwhile. The agent, its brain, its tools, the checkpoint, the transfer and the word of the floor are the real ones.
"""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from handoff.call import Call, Channel, Ending
from handoff.context import HandoffContext
from handoff.errors import FloorLost, IllegalMove
from handoff.giver import Giver
from handoff.lifecycle import State
from handoff.store import Store
from livekit import api
from livekit.agents import AgentSession
from livekit.agents import llm as lk_llm
from worker import prompts
from worker.agent import briefing
from worker.agent import cast as casting
from worker.agent.call_agent import CallAgent
from worker.checkpoint import Checkpoint
from worker.handover.floor_word import FloorWord
from worker.handover.ladder import Ladder
from worker.handover.transfer import Transfer
from worker.service import Service
from worker.settings import Settings

from local.eval.room import Room, Seat

_MAX_TOOL_STEPS = 6


class Table(Protocol):
    """The conversation that a desk takes part in."""

    room: Room
    channel: Channel
    caller_identity: str
    store: Store
    lines: Store
    """Lines, breakers and tickets."""

    @property
    def giver(self) -> Giver:
        """Offers the call to other services."""

    def settings(self, service: str) -> Settings:
        """The settings of a service's worker in this conversation."""

    def models(self, service: Service, settings: Settings) -> list[lk_llm.LLM[Any]]:
        """Language models; none when the playbook answers."""

    def seated(self, desk: Desk) -> None:
        """Its session runs."""

    async def others_wait(self) -> None:
        """Those who were there before take their places in line."""

    def has_floor(self, desk: Desk) -> None:
        """The caller talks with this one now."""

    async def connecting(self, context: HandoffContext) -> None:
        """Before a taker is READY: the caller may say something."""

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs in the background; the conversation is not quiet before it has ended."""


@dataclass(slots=True)
class Cast:
    """What one agent needs, made once."""

    agent: CallAgent
    session: AgentSession[Any]
    checkpoint: Checkpoint


class Desk:
    """One job's work, step by step."""

    def __init__(self, table: Table, service: Service, identity: str) -> None:
        self.service = service
        self.cast: Cast | None = None
        self._table = table
        self._settings = table.settings(service.name)
        self._seat: Seat = table.room.join(identity)
        self._seat.on("participant_disconnected", self._somebody_left)
        self._is_leaving = False

    async def greet(self) -> None:
        """Answers a caller who came straight to this service."""
        table, store = self._table, self._table.store
        now = await store.now()
        call = Call(table.room.name, table.channel, table.caller_identity, now, services=(self.service.name,))
        call = await store.open_call(call)
        floor = await store.take_floor(
            call.call_id,
            service=self.service.name,
            agent_id=self._seat.identity,
            lease_seconds=self._settings.lease_seconds,
        )
        cast = await self._stage(call, None)
        cast.checkpoint.hold(floor)
        cast.agent.begin()
        table.has_floor(self)
        cast.session.say(prompts.spoken(prompts.load(self.service.folder, "greeting_direct"), {}))

    async def take(self, handoff_id: str) -> None:
        """Takes a call over."""
        table, store = self._table, self._table.store
        stored = await store.load_handoff(handoff_id)
        assert stored is not None, "a handoff that was never offered is dispatched to nobody"
        context, call = stored.context, await store.load_call(stored.context.call_id)
        assert call is not None
        seat: Any = self._seat
        word = FloorWord(seat, store, context, service=self.service.name, agent_id=seat.identity)
        cast = await self._stage(call, context)
        await table.connecting(context)
        await store.move(handoff_id, State.READY, taker_id=self._seat.identity)
        floor = await word.wait()
        if floor is None:
            self.leave("not wanted")
            return
        await casting.catch_up(cast.agent, await store.load_call(context.call_id), context)
        cast.checkpoint.hold(floor)
        cast.agent.begin()
        table.has_floor(self)
        opening = cast.session.say(briefing.greeting(self.service, context), allow_interruptions=False)
        try:
            await store.move(handoff_id, State.SPOKEN)
        except (IllegalMove, FloorLost):
            self.leave("floor lost")
            return
        await opening.wait_for_playout()
        await cast.agent.answer_what_was_said_meanwhile()

    async def _stage(self, call: Call, context: HandoffContext | None) -> Cast:
        table, service, settings = self._table, self.service, self._settings
        everything: Any = table.room
        checkpoint = Checkpoint(
            table.store,
            call,
            service=service.name,
            lease_seconds=settings.lease_seconds,
            on_floor_lost=lambda: self.leave("floor lost"),
        )
        seat: Any = self._seat
        transfer = Transfer(
            room=seat, lkapi=everything, giver=table.giver, store=table.store, checkpoint=checkpoint, settings=settings
        )
        await table.others_wait()
        ladder = Ladder(
            transfer,
            giver=table.giver,
            store=table.lines,
            checkpoint=checkpoint,
            settings=settings,
            reaches=service.transfers_to,
        )
        stage = casting.Stage(
            service=service,
            settings=settings,
            checkpoint=checkpoint,
            transfer=transfer,
            models=table.models(service, settings),
            leave=self.leave,
            hang_up=self.hang_up,
            ladder=ladder,
        )
        agent, thinker = await casting.make(stage, call, context)
        session: AgentSession[Any] = AgentSession(
            llm=thinker, vad=None, turn_handling={"turn_detection": None}, max_tool_steps=_MAX_TOOL_STEPS
        )
        await session.start(agent, record=False)
        agent.attach()
        self.cast = Cast(agent, session, checkpoint)
        table.seated(self)
        return self.cast

    # --- leaving --------------------------------------------------------------------------------------------------
    def leave(self, reason: str) -> None:
        """Ends this job; the call, if it lives, is somebody else's."""
        if not self._is_leaving:
            self._is_leaving = True
            self._table.begin(self._leave())

    async def _leave(self) -> None:
        if self.cast is not None:
            self.cast.checkpoint.let_go()
            with suppress(RuntimeError):
                await self.cast.session.aclose()
        await self._seat.disconnect()

    async def hang_up(self) -> None:
        """Ends the call for everybody."""
        await self._table.room.delete_room(api.DeleteRoomRequest(room=self._table.room.name))
        self.leave("call ended")

    def _somebody_left(self, who: Any) -> None:
        if who.identity == self._table.caller_identity and self._table.room.is_open:
            self._table.begin(self._caller_left())

    async def _caller_left(self) -> None:
        if self.cast is not None and self.cast.checkpoint.floor is not None:
            await self.cast.checkpoint.end(Ending.CALLER_HUNG_UP)
            await self.hang_up()
        self.leave("the caller left")
