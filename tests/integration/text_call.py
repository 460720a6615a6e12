"""A call as text that a test leads itself, sentence by sentence: real agents, real back offices, no sound."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from handoff.call import Call
from livekit.agents import ChatMessage, StopResponse, UserInputTranscribedEvent

from local.eval.conversation import Conversation
from local.eval.desk import Cast, Desk
from local.eval.evidence import TableDiff
from local.eval.house import House
from local.eval.offices import CallOffices
from local.eval.table import Table, new_call_id


class TextCall:
    """One call under way."""

    def __init__(self, table: Table, offices: CallOffices) -> None:
        self.table = table
        self._offices = offices
        self._noted = 0

    @property
    def cast(self) -> Cast:
        """Who has the call."""
        assert self.table.current is not None and self.table.current.cast is not None
        return self.table.current.cast

    @property
    def is_over(self) -> bool:
        return self.table.is_over

    async def say(self, words: str) -> str:
        """The caller says this; what he hears until it is his turn again, as agents' sentences."""
        session, agent = self.cast.session, self.cast.agent
        session._update_user_state("speaking")
        session._update_user_state("listening")
        session.emit("user_input_transcribed", UserInputTranscribedEvent(transcript=words, is_final=True))
        message = ChatMessage(role="user", content=[words], transcript_confidence=0.95)
        try:
            await agent.on_user_turn_completed(agent.chat_ctx.copy(), message)
        except StopResponse:
            pass
        else:
            session.generate_reply(user_input=message)
        return await self.heard()

    async def heard(self) -> str:
        """What agents have said since we asked last, when they have said and done all that they wanted."""
        await self.table.quiet()
        turns = self.table.agent_turns()
        new, self._noted = turns[self._noted :], len(turns)
        return " ".join(text for _, text in new)

    async def record(self) -> Call:
        call = await self.table.call()
        assert call is not None
        return call

    async def changes(self) -> Mapping[str, Mapping[str, TableDiff]]:
        """Rows that differ from the seeded databases, by back office and table."""
        return await self._offices.changes()


@asynccontextmanager
async def calling(house: House, service: str) -> AsyncIterator[TextCall]:
    """A call at the service's own line, greeted."""
    conversation = Conversation(path=Path(__file__), at_line=1, name="a test's", lines=(), starts_at=service)
    call_id = new_call_id()
    async with house.offices.of_call(call_id) as offices:
        table = Table(house, conversation, offices, call_id)
        try:
            table.begin(Desk(table, house.services[service], f"{service}-direct").greet())
            call = TextCall(table, offices)
            assert await call.heard()
            yield call
            assert table.problems == []
        finally:
            await table.clear()
