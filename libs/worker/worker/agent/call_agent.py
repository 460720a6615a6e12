"""CallAgent: what every specialist's agent can do in a call. A service subclasses it and adds its knowledge.

It notes each turn and fact in the checkpoint before the brain answers, turns an unsure hearing into a question, asks a silent
caller, hands the call over, and ends it. Whether a language model or the playbook is its brain, it cannot tell.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from handoff.call import Ending, Intent, Role
from handoff.context import HandoffContext
from handoff.directory import DIRECTORY, Entry
from handoff.redact import redact_cards
from livekit import rtc
from livekit.agents import ChatContext, ChatMessage, RunContext, StopResponse, function_tool
from livekit.agents.voice.events import (
    ConversationItemAddedEvent,
    FunctionToolsExecutedEvent,
    UserInputTranscribedEvent,
    UserTranscriptionTimeoutEvent,
)

from worker import prompts
from worker.agent import session
from worker.agent.backchannel import is_backchannel, is_in_mid_sentence, is_mumble
from worker.agent.hearing import Hearing
from worker.agent.learning import Learning
from worker.agent.senses import Senses
from worker.agent.silence import SilenceWatch
from worker.agent.tools import BackOffice, OfficeTools
from worker.checkpoint import Checkpoint
from worker.handover import callback_ticket
from worker.handover.announcing import Announcer, nobody_took
from worker.handover.hold import Overheard
from worker.handover.ladder import Asked, Ladder, Missed, lasting
from worker.handover.transfer import Moved, Stayed, Transfer
from worker.playbook.story import Story, known_to, last_question, story_of
from worker.service import Service
from worker.settings import Settings
from worker.telephone.phone import KEYPAD
from worker.understanding.extract import facts_in

log = logging.getLogger("voicemesh.agent")

_MAX_UNSURE = 2
_MIN_SPEECH_SECONDS = 0.4
"""A shorter sound without words is a cough or a click."""
_LAST_WORD_SECONDS = 0.3
"""What was played is heard a little later: jitter buffer and network (60 ms measured on loopback)."""
_MAX_SILENCES = 2
_CALLER_DONE_SECONDS = 4.0
"""Longest that a handoff waits for a caller who talks over the announcement."""
_OUTCOMES = {e.value: e for e in (Ending.RESOLVED, Ending.FAILED, Ending.CALLBACK_BOOKED, Ending.TRANSFERRED_TO_HUMAN)}
"""What an agent may call the end of a call."""
_TRANSCRIPT_SECONDS = 1.5
"""Longest that speech to text may lag behind the end of the caller's voice."""


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything a CallAgent is given for one call."""

    service: Service
    settings: Settings
    checkpoint: Checkpoint
    context: HandoffContext | None
    transfer: Transfer | None
    leave: Callable[[str], None]
    """Leaves the room; the call goes on without this agent."""
    hang_up: Callable[[], Awaitable[None]]
    """Ends the call for the caller."""
    announcements: dict[str, tuple[rtc.AudioFrame, ...]] = field(default_factory=dict)
    """Announcement per target service, rendered ahead."""
    office: BackOffice | None = None
    """The client behind the service's tools; None when there is no back office."""
    ladder: Ladder | None = None
    """What is tried when a specialist cannot take the call; without one, ``transfer`` is tried once."""


class CallAgent(Senses):
    """One agent in one call. Subclasses override ``topic`` and ``learned``."""

    def __init__(self, brief: Brief, *, tools: list[Any], instructions: str, chat_ctx: ChatContext) -> None:
        super().__init__(instructions=instructions, chat_ctx=chat_ctx, tools=tools)
        self.brief = brief
        self.floor_is_ours = brief.context is None
        self.is_transferring = False
        """Whether the call is on its way to another service, or may be."""
        self._is_ending = False
        self._unsure = 0
        self._unanswered: list[str] = []
        self._held: list[str] = []
        """Beginnings of a turn whose rest is on its way."""
        self._overheard = Overheard()
        self._announcer = Announcer(lambda: self.session, brief.service, brief.checkpoint, rendered=brief.announcements)
        self._caller_speaking_since = self._caller_speaking_until = 0.0
        self._transcript_pending = False
        self._began_over_agent = False
        """Whether the caller's voice of now, or his last one, began while we were speaking."""
        self._silence: SilenceWatch | None = None
        self._still_looking: asyncio.Task[None] | None = None
        self._hearing = Hearing(brief.checkpoint, brief.service.name)
        self._learning = Learning(brief.checkpoint, brief.office)
        self.mute: Callable[[bool], None] = lambda closed: None
        self.is_typing: Callable[[], bool] = lambda: False
        """Whether the caller is in the middle of an entry on his keypad; see pressing.py."""

    @property
    def is_busy(self) -> bool:
        """Whether the call is on its way elsewhere, or something that the caller said or types waits for an answer."""
        is_owed = bool(self._unanswered or self._held) or self.is_typing()
        return self.is_transferring or self._is_ending or is_owed

    @property
    def may_answer(self) -> bool:
        """Whether what the caller says is ours to answer now."""
        return self.floor_is_ours and not self.is_transferring and not self._is_ending

    # --- what a service overrides ---------------------------------------------------------------------------------
    @classmethod
    def topic(cls, known: Mapping[str, str]) -> str:
        """What the call is about, as it fits into "you're calling about ..."; empty when not known."""
        return ""

    def learned(self, tool: str, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """A tool of this service returned ``result``: note verified facts and effects in ``self.brief.checkpoint``."""

    # --- what is known --------------------------------------------------------------------------------------------
    def known(self) -> dict[str, str]:
        """Facts by name, as the brain and the prompts use them: what this service may be told, heard, or looked up."""
        return known_to(self.brief.checkpoint.call, self.brief.service.name)

    def story(self) -> Story:
        """What has become of the call so far, for the playbook."""
        return story_of(self.brief.checkpoint.call, self.brief.service.name)

    # --- listening ------------------------------------------------------------------------------------------------
    def attach(self) -> None:
        """Follows the session's events; called once it runs."""
        self.session.on("conversation_item_added", self._item_added)
        self.session.on("function_tools_executed", self._tools_executed)
        self.session.on("user_input_transcribed", self._transcribed)
        self.session.on("user_state_changed", self._caller_state)
        self.session.on("user_transcription_timeout", self._not_understood)

    def begin(self) -> None:
        """The conversation is ours from now on: a caller's silence counts."""
        self.floor_is_ours = True
        self._learning.show_capability()
        if self.brief.office is not None:
            self.brief.office.on_slow = self._tool_is_slow
        self._silence = SilenceWatch(
            self.session, seconds=self.brief.settings.silence_seconds, on_silence=self._caller_is_silent
        )

    def _item_added(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, ChatMessage) and item.role == "assistant" and item.text_content:
            self.brief.checkpoint.note_turn(Role.AGENT, item.text_content, was_interrupted=item.interrupted)
            self.session.update_options(endpointing_opts=session.endpointing_after(item.text_content))

    def _caller_state(self, event: object) -> None:
        now = asyncio.get_running_loop().time()
        if self.session.user_state == "speaking":
            self._transcript_pending = True
            self._began_over_agent = is_in_mid_sentence(self.session)
            self._caller_speaking_since = now
        else:
            self._caller_speaking_until = now

    def hears_a_key(self) -> None:
        """The caller types: he is there, although he says nothing."""
        if self._silence is not None:
            self._silence.heard("")

    def _not_understood(self, event: UserTranscriptionTimeoutEvent) -> None:
        """The caller spoke, and speech to text made nothing of it: the same as an unsure hearing."""
        if self._began_over_agent:
            return  # a sound while we spoke: we go on
        if self.may_answer and event.speech_duration >= _MIN_SPEECH_SECONDS and self._unsure < _MAX_UNSURE:
            self._unsure += 1
            self.say_prompt("clarify")

    def _transcribed(self, event: UserInputTranscribedEvent) -> None:
        if not event.is_final or not event.transcript.strip():
            return
        if self.session.user_state != "speaking":
            self._transcript_pending = False
        if self.is_transferring:
            # An agent's sentence may end between two pieces of what the caller says over it.
            self._hearing.note(event.transcript, just_said=self._overheard.everything)
            self._overheard.note(event.transcript)
        else:
            self._unanswered.append(event.transcript)
            question, heard = last_question(self.brief.checkpoint.call), " ".join(self._unanswered)
            self.session.update_options(endpointing_opts=session.endpointing_after(question, heard))
            self._hearing.expect(heard)

    def is_listening(self, text: str, confidence: float) -> bool:
        """Whether a sound of the caller over our own voice said no more than that he listens; after a question it is an answer."""
        seconds = self._caller_speaking_until - self._caller_speaking_since
        is_mumbled = is_mumble(text, seconds, confidence, min_confidence=self.brief.settings.min_confidence)
        tells_something = bool(facts_in(text, last_question(self.brief.checkpoint.call)))
        return self._began_over_agent and (is_backchannel(text) or (is_mumbled and not tells_something))

    async def on_user_turn_completed(self, turn_ctx: ChatContext, new_message: ChatMessage) -> None:
        """Before the brain answers: note what was said; ask again when it was not heard well."""
        self._unanswered.clear()
        if not self.may_answer:
            raise StopResponse
        text = redact_cards(new_message.text_content or "")  # its digits may have come in two pieces
        new_message.content = [text]
        facts = self._hearing.note(text)
        await self._tools_settled()
        if self._silence is not None:
            self._silence.heard(text)
        if await self._goes_on():
            self._held.append(text)
            asyncio.get_running_loop().call_later(_TRANSCRIPT_SECONDS, self._answer_held)
            raise StopResponse
        if self._held:
            new_message.content = [redact_cards(" ".join([*self._held, text]))]
            self._held.clear()
        confidence = new_message.transcript_confidence
        is_unsure = confidence is not None and confidence < self.brief.settings.min_confidence and not facts
        if is_unsure and self._unsure < _MAX_UNSURE:
            self._unsure += 1
            self.say_prompt("clarify")
            raise StopResponse
        self._unsure = 0

    async def _goes_on(self) -> bool:
        """Whether this was only the beginning: the caller's last piece was still being transcribed when the turn was taken for over.

        That piece comes as a turn of its own, and is answered together with this one.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _TRANSCRIPT_SECONDS
        while self._transcript_pending and self.session.user_state != "speaking" and loop.time() < deadline:
            await asyncio.sleep(0.02)
        return bool(self._unanswered) and not self.is_transferring

    def _answer_held(self) -> None:
        """The rest did not become a turn: what there is is answered now, for a caller must not wait in silence."""
        if not self._held or not self.may_answer or self.session.user_state == "speaking":
            return
        rest = " ".join(self._unanswered)
        said = redact_cards(" ".join([*self._held, *self._unanswered]))
        self._held.clear()
        self._unanswered.clear()
        if rest:
            self.session.clear_user_turn()
            self._hearing.note(rest)
        self.session.generate_reply(user_input=said)

    async def answer_what_was_said_meanwhile(self) -> None:
        """Goes on after an uninterruptible sentence, with what the caller said during it."""
        await self._tools_settled()
        if self.session.user_state == "speaking":
            return  # his turn, when it is over, brings the answer
        said = redact_cards(" ".join(self._unanswered).strip())
        self._unanswered.clear()
        if said:
            self.session.clear_user_turn()  # or the same words would be answered a second time
            self._hearing.note(said)
            self.session.generate_reply(user_input=said)
        else:
            self.session.generate_reply()

    async def _tools_settled(self) -> None:
        for toolset in self.tools:
            if isinstance(toolset, OfficeTools):
                await toolset.settled()

    async def caller_is_done(self) -> None:
        """Returns when the caller is not speaking and all he said is transcribed; bounded."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CALLER_DONE_SECONDS
        while loop.time() < deadline:
            speaking = self.session.user_state == "speaking"
            lag = loop.time() - self._caller_speaking_until
            if not speaking and (not self._transcript_pending or lag > _TRANSCRIPT_SECONDS):
                return
            await asyncio.sleep(0.02)

    # --- speaking -------------------------------------------------------------------------------------------------
    def say_prompt(self, name: str) -> Any:
        """Says ``prompts/<name>.md``; returns the speech handle."""
        known = self.known() | ({"keypad": KEYPAD} if self.story().is_on_the_phone else {})
        text = prompts.spoken(prompts.load(self.brief.service.folder, name), known)
        return self.session.say(text)

    async def _caller_is_silent(self, count: int) -> None:
        if self.is_transferring or self._is_ending:
            return
        if count <= _MAX_SILENCES:
            self.say_prompt("silence")
            return
        self._is_ending = True
        await self.say_prompt("silence_goodbye").wait_for_playout()
        ending = callback_ticket.ending_with_ticket(Ending.CALLER_HUNG_UP, self.brief.checkpoint.call)
        await self._end(ending, "silent")

    # --- tools ----------------------------------------------------------------------------------------------------
    @function_tool(on_duplicate="reject")
    async def transfer_call(self, context: RunContext[Any], service: str, summary: str = "") -> str:
        """Hand the caller over to another specialist. The caller is told so; do not announce it yourself.

        Args:
            service: the specialist's name, for example billing
            summary: two or three sentences for the specialist: what the caller wants and what is known; made for you when empty
        """
        transfer, target = self.brief.transfer, DIRECTORY.get(service)
        if transfer is None or target is None or service not in self.brief.service.transfers_to:
            return f"Nobody took the call: there is no {service} here. Tell the caller and go on helping."
        return await self.give_away(context, service, lambda: self._hand_over(transfer, target, summary))

    async def give_away(
        self, context: RunContext[Any], service: str, hand_over: Callable[[], Awaitable[Moved | Stayed | Missed]]
    ) -> str:
        """Tries it while the brain waits. What the brain is told when nobody took the call; StopResponse when somebody has it."""
        context.disallow_interruptions()
        self.is_transferring = True
        self._overheard.clear()
        try:
            outcome = await hand_over()
        finally:
            self.is_transferring = False
        if isinstance(outcome, Moved):
            self._is_ending = True
            self.brief.leave("handed over")
            raise StopResponse
        waited = outcome.waited if isinstance(outcome, Missed) else None
        return nobody_took(service, outcome.reason, meanwhile=self._overheard.everything, waited=waited)

    async def _hand_over(self, transfer: Transfer, target: Entry, summary: str) -> Moved | Stayed | Missed:
        intent = self._hearing.hand_on(target) or Intent(min(target.intents), 0.5, "model")
        announcer, ladder, service = self._announcer, self.brief.ladder, target.name
        if ladder is None:
            return await transfer.to(
                service,
                intent=intent,
                summary=summary,
                announce=lambda: announcer.announce(service),
                caller_is_done=self.caller_is_done,
                fall_silent=self.mute,
            )
        return await ladder.to(service, self.asked(intent, summary))

    def asked(self, intent: Intent, summary: str) -> Asked:
        """What is to be handed over, and how this agent takes part."""
        host, heard = self._announcer, self._overheard
        is_frustrated = lasting(lambda: self.story().is_frustrated)
        return Asked(intent, summary, host, heard, is_frustrated, self.caller_is_done, self.mute)

    @function_tool(on_duplicate="reject")
    async def end_call(self, context: RunContext[Any], outcome: str = "resolved") -> None:
        """Hang up, after you have said goodbye.

        Args:
            outcome: resolved when the caller was helped, failed when not; callback_booked when somebody will call back,
                transferred_to_human when a person takes over
        """
        self._is_ending = True
        with suppress(RuntimeError):  # it was interrupted already
            context.disallow_interruptions()
        await context.wait_for_playout()
        ending = _OUTCOMES.get(outcome.strip().lower(), Ending.RESOLVED)
        await self._end(callback_ticket.ending_with_ticket(ending, self.brief.checkpoint.call))
        raise StopResponse

    async def _end(self, ending: Ending, detail: str = "") -> None:
        if self._silence is not None:
            self._silence.stop()
        await self.brief.checkpoint.end(ending, detail)
        await asyncio.sleep(_LAST_WORD_SECONDS)
        await self.brief.hang_up()

    def _tool_is_slow(self) -> None:
        """A caller who hears nothing for long believes that he has been dropped. Who is speaking just now is not interrupted."""
        # A model may ask two tools in one answer: both are slow then.
        is_said = self._still_looking is not None and not self._still_looking.done()
        is_quiet = self.session.user_state != "speaking" and self.session.agent_state == "thinking"
        if self.may_answer and is_quiet and not is_said:
            self._still_looking = asyncio.create_task(self._announcer.still_looking())

    def _tools_executed(self, event: FunctionToolsExecutedEvent) -> None:
        for call, output in event.zipped():
            if output is not None:
                self._learning.from_tool(call, output, self.learned)
