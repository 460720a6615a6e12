"""The keypad in a call: what a caller types becomes his turn, in words, when the agent has asked for it; else it is dropped.

Nothing that is dropped is kept, shown to a brain, stored or logged: only that something was. A key silences the agent as the
caller's voice would. Whoever has no floor collects and does nothing: what was typed while the call changed hands is used when the
new agent asks for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handoff.call import Role
from livekit import rtc
from livekit.agents import ChatMessage, StopResponse
from livekit.agents.voice.events import ConversationItemAddedEvent, UserInputTranscribedEvent

from worker.agent.backchannel import is_in_mid_sentence
from worker.playbook.phrases import LAST_QUESTION
from worker.playbook.story import last_question, last_said
from worker.telephone.keypad import DIGITS, Keypad, chosen, told

if TYPE_CHECKING:
    from worker.agent.call_agent import CallAgent

log = logging.getLogger("voicemesh.pressing")

NO_CARDS = "Please don't type card numbers here: none is needed, and nothing of it was kept."
NOT_ASKED_FOR = "Sorry, I can't use what you typed just now."
_KEPT_SECONDS = 30.0
"""How long an entry waits for the agent who takes the call over to ask for it."""
_FASTEST_SECONDS = 0.2
"""Nobody types two entries in less; a program could, and each would cost a sentence."""


@dataclass(slots=True)
class _Begun:
    """An entry, and what the agent had asked when it began: a key is no answer to a question that comes after it."""

    question: str
    is_early: bool = False
    """Whether the call was on its way to us, and nothing had been asked by us."""
    silent: asyncio.Future[None] | None = None
    """Ends when the agent has fallen silent for it; None when it said nothing."""


class Pressing:
    """Listens to the caller's keys from its making on, until the session closes. Use from the event loop."""

    def __init__(self, agent: CallAgent, room: rtc.Room) -> None:
        self._agent = agent
        self._room = room
        self._checkpoint = agent.brief.checkpoint
        self._service = agent.brief.service.name
        self._loop = asyncio.get_running_loop()
        self._keypad = Keypad(self._ended, later=self._loop.call_later, is_choice=self._is_choice)
        self._begun = _Begun("")
        self._kept, self._kept_until = "", 0.0
        self._not_before = 0.0
        self._one_by_one = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        agent.is_typing = lambda: self._keypad.is_typing or bool(self._tasks)
        room.on("sip_dtmf_received", self._pressed)
        agent.session.on("conversation_item_added", self._agent_spoke)
        agent.session.on("close", self._close)

    @property
    def _has_floor(self) -> bool:
        return self._agent.floor_is_ours and self._checkpoint.floor is not None

    def _close(self, event: object) -> None:
        self._room.off("sip_dtmf_received", self._pressed)
        self._keypad.clear()
        self._kept = ""

    # --- keys -----------------------------------------------------------------------------------------------------
    def _pressed(self, event: rtc.SipDTMF) -> None:
        sender = event.participant  # nobody when a server sent it, whatever the type says
        if sender is None or sender.identity != self._checkpoint.call.caller_identity:
            return
        try:
            self._press(event.digit)
        except Exception:  # whatever it is, it shall not cost the caller his call
            log.exception("a key could not be taken", extra={"call_id": self._checkpoint.call.call_id})

    def _press(self, key: str) -> None:
        if key in DIGITS:
            begins = not self._keypad.is_typing
            if begins:
                self._kept = ""
                self._begun = _Begun(self._question(), is_early=not self._has_floor or self._another_spoke_last())
            self._silence_agent(self._begun, begins=begins)
        self._keypad.press(key)
        self._agent.hears_a_key()

    def _question(self) -> str:
        return last_question(self._checkpoint.call)

    def _another_spoke_last(self) -> bool:
        speakers = (turn.service for turn in reversed(self._checkpoint.call.turns) if turn.role is Role.AGENT)
        return next(speakers, self._service) != self._service

    def _silence_agent(self, begun: _Begun, *, begins: bool) -> None:
        session, speech = self._agent.session, self._agent.session.current_speech
        if begun.is_early or not self._agent.may_answer or not is_in_mid_sentence(session):
            return
        if speech is None or not speech.allow_interruptions:
            return
        begun.silent = session.interrupt()
        if begins:  # what was cut off is on record by then, as far as it was heard
            begun.silent.add_done_callback(lambda _: setattr(begun, "question", self._question()))

    def _is_choice(self, digits: str) -> bool:
        return bool(chosen(digits, self._begun.question))

    # --- entries --------------------------------------------------------------------------------------------------
    def _ended(self, digits: str | None) -> None:
        now = self._loop.time()
        if now >= self._not_before:
            self._not_before = now + _FASTEST_SECONDS
            self._soon(self._take(self._begun, digits))

    def _soon(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            where = {"call_id": self._checkpoint.call.call_id}
            log.error("what was typed could not be taken", exc_info=fault, extra=where)

    async def _take(self, begun: _Begun, digits: str | None) -> None:
        if begun.silent is not None:
            await begun.silent
        async with self._one_by_one:
            if words := self._words(begun, digits or "") if self._has_floor else "":
                await self._turn(words)
            elif digits is not None and begun.is_early:
                self._kept, self._kept_until = digits, self._loop.time() + _KEPT_SECONDS
            else:
                kind = "too long" if digits is None else "not asked for"
                log.info("a keypad entry was dropped: %s", kind, extra={"call_id": self._checkpoint.call.call_id})
                await self._refuse(NO_CARDS if digits is None else NOT_ASKED_FOR, was_cut=begun.silent is not None)

    def _words(self, begun: _Begun, digits: str) -> str:
        choice = "" if begun.is_early else chosen(digits, begun.question)
        return choice or told(digits, begun.question) or told(digits, self._question())

    async def _turn(self, words: str) -> None:
        """The caller's turn, as LiveKit makes one of his voice."""
        agent, session = self._agent, self._agent.session
        session.emit("user_input_transcribed", UserInputTranscribedEvent(transcript=words, is_final=True))
        if agent.is_transferring:
            return  # it is noted, and goes with the call
        if (speech := session.current_speech) is not None:
            if not speech.allow_interruptions:
                return  # answered after that sentence, with whatever else is said over it
            await session.interrupt()
        message = ChatMessage(role="user", content=[words])
        try:
            await agent.on_user_turn_completed(agent.chat_ctx.copy(), message)
        except StopResponse:
            return
        session.generate_reply(user_input=message)

    async def _refuse(self, sorry: str, *, was_cut: bool) -> None:
        """Says that it was not taken, and asks once more what was asked. ``was_cut``: the agent fell silent for it."""
        agent, session = self._agent, self._agent.session
        if not self._has_floor or not agent.may_answer:
            return
        if was_cut:
            session.say(sorry)
            await agent.answer_what_was_said_meanwhile()
            return
        question = LAST_QUESTION.search(last_said(self._checkpoint.call)) if session.current_speech is None else None
        session.say(f"{sorry} {question[0].strip()}" if question else sorry)

    # --- what was typed before the floor was ours -----------------------------------------------------------------
    def _agent_spoke(self, event: ConversationItemAddedEvent) -> None:
        if self._kept and isinstance(event.item, ChatMessage) and event.item.role == "assistant":
            self._soon(self._use_what_was_kept())

    async def _use_what_was_kept(self) -> None:
        question = self._question()
        if self._loop.time() > self._kept_until:
            self._kept = ""
        elif self._has_floor and (words := told(self._kept, question)):
            digits, self._kept = self._kept, ""
            if all(turn.text != words for turn in self._checkpoint.call.turns):  # the agent before us may have taken it
                await self._take(_Begun(question), digits)
