"""Plays one conversation: the caller says a line, the agents say and do what they want, the caller says the next.

Nothing here waits for a clock: a line comes when every speech and every job of the agents has ended. What cannot go on says why.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from livekit.agents import ChatMessage, StopResponse, UserInputTranscribedEvent

from local.eval.conversation import Conversation, Line
from local.eval.desk import Desk
from local.eval.evidence import Evidence, Said
from local.eval.house import House
from local.eval.table import Table, new_call_id

_MUMBLED, _CLEAR = 0.2, 0.95
"""How sure speech recognition is."""
_MAX_SILENCES = 5


Ring = Callable[[Table], Awaitable[None]]
"""Makes the call come about: begins the work of the agent that answers first, and whatever has to happen for it."""


async def play(conversation: Conversation, house: House, *, ring: Ring | None = None) -> Evidence:
    """Plays it to its end, or as far as it goes; ``problems`` tell what was in the way.

    Without ``ring`` the call is answered by the service at whose line it starts.
    """
    began_at = time.monotonic()
    call_id = new_call_id()
    async with house.offices.of_call(call_id, away=conversation.away) as offices:
        table = Table(house, conversation, offices, call_id)
        player = _Player(conversation, house, table, ring)
        try:
            async with asyncio.timeout(conversation.timeout_seconds):
                await player.play()
        except TimeoutError:
            player.fail(f"not over after {conversation.timeout_seconds:g} s: the agents were still busy")
        evidence = Evidence(
            said=tuple(player.said),
            call=await table.call(),
            offered=tuple(table.giver.offered),
            handoffs=await table.handoffs(),
            tool_calls=tuple(table.tool_calls),
            shown=table.shown(),
            changes=await offices.changes(),
            problems=(*player.problems, *table.problems),
            unanswered=tuple(player.unanswered),
            seconds=time.monotonic() - began_at,
        )
        await table.clear()
    return evidence


class _Stuck(Exception):
    """The conversation cannot go on; the text says where and why."""


class _Player:
    def __init__(self, conversation: Conversation, house: House, table: Table, ring: Ring | None) -> None:
        self.said: list[Said] = []
        self.problems: list[str] = []
        self.unanswered: list[int] = []
        self._conversation = conversation
        self._house = house
        self._table = table
        self._ring = ring or self._dial
        self._at_line = 0
        self._noted = 0
        self._since = 0

    async def play(self) -> None:
        try:
            await self._ring(self._table)
            await self._table.quiet()
            self._note_agents()
            lines = self._conversation.lines
            for line, onward in zip(lines, (*lines[1:], None), strict=True):
                if not line.is_meanwhile:
                    await self._turn(line, onward)
            if not self._table.is_over:
                await self._hang_up()
        except _Stuck as stuck:
            self.fail(str(stuck))

    def fail(self, problem: str) -> None:
        where = f"line {self._at_line}: " if self._at_line else ""
        self.problems.append(f"{where}{problem}")
        self._note_agents()

    async def _dial(self, table: Table) -> None:
        name = self._conversation.starts_at
        service = self._house.services.get(name)
        if service is None:
            raise _Stuck(f"there is no service {name} here")
        table.begin(Desk(table, service, f"{name}-direct").greet())

    async def _turn(self, line: Line, onward: Line | None) -> None:
        self._at_line = line.at_line
        if self._table.is_over:
            raise _Stuck("the call was over before the caller could say this")
        recent = " ".join(said.text for said in self.said[self._since :] if not said.is_caller)
        if line.after is not None and not line.after.search(recent):
            raise _Stuck(f"no agent had said {line.after.pattern!r}; what they said was: {recent!r}")
        self._since = len(self.said)
        if onward is not None and onward.while_connecting:
            self._table.over_announcement = lambda: self._over_announcement(onward)
        if onward is not None and onward.while_waiting:
            self._table.giver.while_waiting = lambda: self._over_announcement(onward)
        if line.hang_up:
            await self._hang_up()
        elif line.stay_silent:
            await self._stay_silent()
        else:
            await self._say(line)
        self._note_agents()
        self._answered(line)
        if self._table.over_announcement is not None:
            raise _Stuck("no handoff followed, so that nothing could be said over its announcement")
        if self._table.giver.while_waiting is not None:
            raise _Stuck("the caller did not wait in line, so that nothing could be said meanwhile")

    def _answered(self, line: Line) -> None:
        if line.say and not any(not said.is_caller for said in self.said[self._since :]):
            self.unanswered.append(line.at_line)

    def _desk(self) -> Desk:
        if self._table.current is None or self._table.current.cast is None:
            raise _Stuck("no agent has answered the call")
        return self._table.current

    async def _say(self, line: Line) -> None:
        cast = self._desk().cast
        assert cast is not None
        self._hear(line)
        message = ChatMessage(
            role="user", content=[line.say], transcript_confidence=_MUMBLED if line.mumbled else _CLEAR
        )
        try:
            await cast.agent.on_user_turn_completed(cast.agent.chat_ctx.copy(), message)
        except StopResponse:
            pass
        else:
            cast.session.generate_reply(user_input=message)
        await self._table.quiet()

    async def _over_announcement(self, line: Line) -> None:
        self._at_line = line.at_line
        self._hear(line)

    def _hear(self, line: Line) -> None:
        """The caller's voice begins and ends, and speech recognition has understood it."""
        desk = self._desk()
        assert desk.cast is not None
        session = desk.cast.session
        self._note_agents()
        self.said.append(Said(True, desk.service.name, line.say, line.at_line, line.mumbled))
        session._update_user_state("speaking")
        session._update_user_state("listening")
        session.emit("user_input_transcribed", UserInputTranscribedEvent(transcript=line.say, is_final=True))

    async def _stay_silent(self) -> None:
        for _ in range(_MAX_SILENCES):
            desk = self._table.current
            if self._table.is_over or desk is None or desk.cast is None or desk.cast.agent._silence is None:
                return
            silence = desk.cast.agent._silence
            silence._silent()  # as its clock would
            assert silence._task is not None
            await silence._task
            await self._table.quiet()
        raise _Stuck("the agent goes on asking a caller who says nothing")

    async def _hang_up(self) -> None:
        self._table.room.leave(self._table.caller_identity)
        await self._table.quiet()

    def _note_agents(self) -> None:
        """What agents have said since we looked last."""
        turns = self._table.agent_turns()
        self.said += [Said(False, service, text, self._at_line) for service, text in turns[self._noted :]]
        self._noted = len(turns)
