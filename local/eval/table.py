"""One conversation under way: who sits at the table, what still has to happen, and what was seen of it."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from handoff.call import Call, Role
from handoff.context import HandoffContext
from handoff.memory_store import MemoryStore
from handoff.store import Handoff, Store
from livekit.agents import FunctionToolsExecutedEvent, SpeechCreatedEvent
from livekit.agents import llm as lk_llm
from worker.service import Service
from worker.settings import Settings
from worker.speech import providers as speech
from worker.testing.jumping_time import everything_ran

from local.eval.conversation import Conversation
from local.eval.desk import Desk
from local.eval.evidence import ToolCall
from local.eval.house import House
from local.eval.offices import CallOffices
from local.eval.room import Room

log = logging.getLogger("local.eval")


class Table:
    """See local.eval.desk.Table for what a desk needs of it."""

    def __init__(self, house: House, conversation: Conversation, offices: CallOffices, call_id: str) -> None:
        self.channel = conversation.channel
        self.caller_identity = f"caller-{call_id}"
        self.room = Room(call_id, self.caller_identity, on_dispatch=self._dispatched)
        self.store = house.store
        self.giver = house.giver(conversation.full, busy=conversation.busy)
        self.lines: Store = MemoryStore()
        """What the services of this conversation share besides the call: lines, breakers, tickets. Others have their own."""
        self.hold_seconds = conversation.hold_seconds
        self._in_line = conversation.in_line
        self.current: Desk | None = None
        """Whom the caller talks with."""
        self.desks: list[Desk] = []
        self.tool_calls: list[ToolCall] = []
        self.problems: list[str] = []
        self.over_announcement: Callable[[], Awaitable[None]] | None = None
        """What the caller does while the next handoff is announced."""
        self.house = house
        self._offices = offices
        self._pending: set[asyncio.Future[Any]] = set()
        self._providers: list[speech.Provider] = []

    # --- for desks ------------------------------------------------------------------------------------------------
    def settings(self, service: str) -> Settings:
        """See local.eval.desk.Table."""
        return self.house.settings(mcp_url=self._offices.url(service), hold_seconds=self.hold_seconds)

    def models(self, service: Service, settings: Settings) -> list[lk_llm.LLM[Any]]:
        """See local.eval.desk.Table."""
        if not settings.has_model:
            return []
        provider = speech.Provider(settings, service)
        self._providers.append(provider)
        return list(provider.models())

    def seated(self, desk: Desk) -> None:
        """See local.eval.desk.Table."""
        assert desk.cast is not None
        self.desks.append(desk)
        name = desk.service.name

        def tools_executed(event: FunctionToolsExecutedEvent) -> None:
            for call, output in event.zipped():
                failed = output is None or output.is_error
                self.tool_calls.append(
                    ToolCall(name, call.name, call.arguments or "{}", output.output if output else "", failed)
                )

        desk.cast.session.on("speech_created", self._speech_created)
        desk.cast.session.on("function_tools_executed", tools_executed)

    async def others_wait(self) -> None:
        """Those who were there before take their places in line."""
        for service, count in self._in_line.items():
            for number in range(count):
                await self.lines.wait_in_line(service, f"somebody-{number}")

    def has_floor(self, desk: Desk) -> None:
        """See local.eval.desk.Table."""
        self.current = desk

    async def connecting(self, context: HandoffContext) -> None:
        """See local.eval.desk.Table."""
        happening, self.over_announcement = self.over_announcement, None
        if happening is not None:
            await happening()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """See local.eval.desk.Table."""
        task = asyncio.ensure_future(work)
        self._wait_for(task)
        task.add_done_callback(self._ended)

    def _dispatched(self, service: str, identity: str, handoff_id: str) -> None:
        self.begin(Desk(self, self.house.services[service], identity).take(handoff_id))

    def _speech_created(self, event: SpeechCreatedEvent) -> None:
        self._wait_for(asyncio.ensure_future(event.speech_handle.wait_for_playout()))

    def _wait_for(self, happening: asyncio.Future[Any]) -> None:
        self._pending.add(happening)
        happening.add_done_callback(self._pending.discard)

    def _ended(self, task: asyncio.Future[None]) -> None:
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("an agent's job failed", exc_info=fault)
            self.problems.append(f"an agent's job failed: {type(fault).__name__}: {fault}")

    # --- for the player -------------------------------------------------------------------------------------------
    async def quiet(self) -> None:
        """Until the agents have said and done all that they wanted."""
        await everything_ran()
        while self._pending:
            await asyncio.wait(self._pending, return_when=asyncio.FIRST_COMPLETED)
            await everything_ran()

    @property
    def is_over(self) -> bool:
        """Whether the call has ended."""
        return not self.room.is_open

    def agent_turns(self) -> list[tuple[str, str]]:
        """Service and words of all that agents have said, as the record has it."""
        call = self._record()
        return [(turn.service, turn.text) for turn in call.turns if turn.role is Role.AGENT] if call else []

    def _record(self) -> Call | None:
        cast = self.current.cast if self.current else None
        return cast.checkpoint.call if cast else None

    # --- what was seen --------------------------------------------------------------------------------------------
    async def call(self) -> Call | None:
        """The record, as it is stored when the call has ended."""
        stored = await self.store.load_call(self.room.name)
        return stored if stored is not None and stored.ending is not None else self._record()

    async def handoffs(self) -> tuple[Handoff, ...]:
        """Every handoff that a taker stored."""
        found = [await self.store.load_handoff(context.handoff_id) for context in self.giver.offered]
        return tuple(handoff for handoff in found if handoff is not None)

    def shown(self) -> tuple[str, ...]:
        """All that the brains were shown."""
        agents = [desk.cast.agent for desk in self.desks if desk.cast is not None]
        chats = [json.dumps(agent.chat_ctx.to_dict(exclude_function_call=False)) for agent in agents]
        return (*(str(agent.instructions) for agent in agents), *chats)

    async def clear(self) -> None:
        """Everybody goes home."""
        for happening in list(self._pending):
            happening.cancel()
        for desk in self.desks:
            if desk.cast is not None:
                desk.cast.checkpoint.let_go()
                await desk.cast.session.aclose()
        await self.giver.aclose()
        for provider in self._providers:
            await provider.aclose()


def new_call_id() -> str:
    """A call id as a room has it."""
    return f"eval-{uuid.uuid4().hex[:12]}"
