"""CallAgent: what every specialist's agent can do in a call. A service subclasses it and adds its knowledge.

It notes each turn and fact in the checkpoint before the brain answers, turns an unsure hearing into a question, asks a silent
caller, hands the call over, and ends it. Whether a language model or the playbook is its brain, it cannot tell.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from handoff.call import Ending, Intent, Role, Source
from handoff.context import HandoffContext
from handoff.directory import DIRECTORY
from livekit import rtc
from livekit.agents import NOT_GIVEN, Agent, ChatContext, ChatMessage, RunContext, StopResponse, function_tool
from livekit.agents.voice.events import (
    ConversationItemAddedEvent,
    FunctionToolsExecutedEvent,
    UserInputTranscribedEvent,
    UserTranscriptionTimeoutEvent,
)

from worker import clips, prompts, session
from worker.checkpoint import Checkpoint
from worker.extract import facts_in
from worker.intent import find_intent
from worker.service import Service
from worker.settings import Settings
from worker.silence import SilenceWatch
from worker.transfer import Moved, Transfer

log = logging.getLogger("voicemesh.agent")

_MAX_UNSURE = 2
_MIN_SPEECH_SECONDS = 0.4
"""A shorter sound without words is a cough or a click."""
_LAST_WORD_SECONDS = 0.3
"""What was played is heard a little later: jitter buffer and network (60 ms measured on loopback)."""
_MAX_SILENCES = 2
_CALLER_DONE_SECONDS = 4.0
"""Longest that a handoff waits for a caller who talks over the announcement."""
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


class CallAgent(Agent):
    """One agent in one call. Subclasses override ``topic`` and ``learned``."""

    def __init__(self, brief: Brief, *, tools: list[Any], instructions: str, chat_ctx: ChatContext) -> None:
        super().__init__(instructions=instructions, chat_ctx=chat_ctx, tools=tools)
        self.brief = brief
        self.floor_is_ours = brief.context is None
        self._is_transferring = False
        self._is_ending = False
        self._unsure = 0
        self._unanswered: list[str] = []
        self._said_in_transfer: list[str] = []
        self._caller_speaking_until = 0.0
        self._transcript_pending = False
        self._silence: SilenceWatch | None = None
        self.mute: Callable[[bool], None] = lambda closed: None

    # --- what a service overrides ---------------------------------------------------------------------------------
    @classmethod
    def topic(cls, known: Mapping[str, str]) -> str:
        """What the call is about, as it fits into "you're calling about ..."; empty when not known."""
        return ""

    def learned(self, tool: str, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """A tool of this service returned ``result``: note verified facts and effects in ``self.brief.checkpoint``."""

    # --- what is known --------------------------------------------------------------------------------------------
    def known(self) -> dict[str, str]:
        """Facts by name, newest first choice, as the brain and the prompts use them."""
        call = self.brief.checkpoint.call
        return {name: fact.value for name in {f.name for f in call.facts} if (fact := call.fact(name)) is not None}

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
        self._silence = SilenceWatch(
            self.session, seconds=self.brief.settings.silence_seconds, on_silence=self._caller_is_silent
        )

    def _item_added(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, ChatMessage) and item.role == "assistant" and item.text_content:
            self.brief.checkpoint.note_turn(Role.AGENT, item.text_content, was_interrupted=item.interrupted)
            self.session.update_options(endpointing_opts=session.endpointing_after(item.text_content))

    def _caller_state(self, event: object) -> None:
        if self.session.user_state == "speaking":
            self._transcript_pending = True
        else:
            self._caller_speaking_until = asyncio.get_running_loop().time()

    def _not_understood(self, event: UserTranscriptionTimeoutEvent) -> None:
        """The caller spoke, and speech to text made nothing of it: the same as an unsure hearing."""
        is_ours = self.floor_is_ours and not self._is_transferring and not self._is_ending
        if is_ours and event.speech_duration >= _MIN_SPEECH_SECONDS and self._unsure < _MAX_UNSURE:
            self._unsure += 1
            self.say_prompt("clarify")

    def _transcribed(self, event: UserInputTranscribedEvent) -> None:
        if not event.is_final or not event.transcript.strip():
            return
        if self.session.user_state != "speaking":
            self._transcript_pending = False
        if self._is_transferring:
            self._note_caller(event.transcript)
            self._said_in_transfer.append(event.transcript)
        else:
            self._unanswered.append(event.transcript)

    def _note_caller(self, text: str) -> list[tuple[str, str]]:
        facts = facts_in(f"{self._just_said()} {text}".strip(), self._last_question())
        self.brief.checkpoint.note_turn(Role.CALLER, text)
        for name, value in facts:
            self.brief.checkpoint.note_fact(name, value, source=Source.CALLER)
        intent = find_intent(text)
        if intent is not None:
            self.brief.checkpoint.note_intent(intent)
        return facts

    def _just_said(self) -> str:
        """What the caller has said since an agent spoke last: one sentence may reach us in pieces."""
        pieces: list[str] = []
        for turn in reversed(self.brief.checkpoint.call.turns):
            if turn.role is not Role.CALLER:
                break
            pieces.insert(0, turn.text)
        return " ".join(pieces)

    def _last_question(self) -> str:
        said = [t.text for t in self.brief.checkpoint.call.turns if t.role is Role.AGENT]
        return said[-1] if said else ""

    async def on_user_turn_completed(self, turn_ctx: ChatContext, new_message: ChatMessage) -> None:
        """Before the brain answers: note what was said; ask again when it was not heard well."""
        self._unanswered.clear()
        if self._is_transferring or self._is_ending or not self.floor_is_ours:
            raise StopResponse
        text = new_message.text_content or ""
        facts = self._note_caller(text)
        confidence = new_message.transcript_confidence
        is_unsure = confidence is not None and confidence < self.brief.settings.min_confidence and not facts
        if is_unsure and self._unsure < _MAX_UNSURE:
            self._unsure += 1
            self.say_prompt("clarify")
            raise StopResponse
        self._unsure = 0

    async def answer_what_was_said_meanwhile(self) -> None:
        """Goes on after an uninterruptible sentence, with what the caller said during it."""
        if self.session.user_state == "speaking":
            return  # his turn, when it is over, brings the answer
        said = " ".join(self._unanswered).strip()
        self._unanswered.clear()
        if said:
            self.session.clear_user_turn()  # or the same words would be answered a second time
            self._note_caller(said)
            self.session.generate_reply(user_input=said)
        else:
            self.session.generate_reply()

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
        text = prompts.spoken(prompts.load(self.brief.service.folder, name), self.known())
        return self.session.say(text)

    async def _caller_is_silent(self, count: int) -> None:
        if self._is_transferring or self._is_ending:
            return
        if count <= _MAX_SILENCES:
            self.say_prompt("silence")
            return
        self._is_ending = True
        await self.say_prompt("silence_goodbye").wait_for_playout()
        await self._end(Ending.CALLER_HUNG_UP, "silent")

    # --- tools ----------------------------------------------------------------------------------------------------
    @function_tool(on_duplicate="reject")
    async def transfer_call(self, context: RunContext[Any], service: str, summary: str) -> str:
        """Hand the caller over to another specialist. The caller is told so; do not announce it yourself.

        Args:
            service: the specialist's name, for example billing
            summary: two or three sentences for the specialist: what the caller wants and what is known
        """
        transfer, target = self.brief.transfer, DIRECTORY.get(service)
        if transfer is None or target is None or service not in self.brief.service.transfers_to:
            return f"Nobody took the call: there is no {service} here. Tell the caller and go on helping."
        context.disallow_interruptions()
        self._is_transferring = True
        self._said_in_transfer.clear()
        call = self.brief.checkpoint.call
        intent = call.intent or Intent(min(target.intents), 0.5, "model")
        try:
            outcome = await transfer.to(
                service,
                intent=intent,
                summary=summary,
                announce=lambda: self._announce(service),
                caller_is_done=self.caller_is_done,
                fall_silent=self.mute,
            )
        finally:
            self._is_transferring = False
        if isinstance(outcome, Moved):
            self._is_ending = True
            self.brief.leave("handed over")
            raise StopResponse
        # What the caller said over the announcement is in no chat yet, and he shall not have to say it again.
        said = f" Meanwhile the caller said: {' '.join(self._said_in_transfer)}" if self._said_in_transfer else ""
        return f"Nobody took the call: {service} {outcome.reason}. Tell the caller and go on helping.{said}"

    async def _announce(self, service: str) -> None:
        text = announcement(self.brief.service, service)
        clip = self.brief.announcements.get(service)
        audio = clips.played(clip) if clip else NOT_GIVEN
        # Into the record, not into the brain's conversation: there it would stand after the tool's "nobody took the call", and
        # a model that reads on from "I'm connecting you" would do so again.
        speech = self.session.say(text, audio=audio, allow_interruptions=False, add_to_chat_ctx=False)
        await speech.wait_for_playout()
        self.brief.checkpoint.note_turn(Role.AGENT, text, was_interrupted=speech.interrupted)

    @function_tool(on_duplicate="reject")
    async def end_call(self, context: RunContext[Any], outcome: str = "resolved") -> None:
        """Hang up, after you have said goodbye.

        Args:
            outcome: resolved when the caller was helped, failed when not
        """
        self._is_ending = True
        await context.wait_for_playout()
        await self._end(Ending.FAILED if outcome == "failed" else Ending.RESOLVED)
        raise StopResponse

    async def _end(self, ending: Ending, detail: str = "") -> None:
        if self._silence is not None:
            self._silence.stop()
        await self.brief.checkpoint.end(ending, detail)
        await asyncio.sleep(_LAST_WORD_SECONDS)
        await self.brief.hang_up()

    def _tools_executed(self, event: FunctionToolsExecutedEvent) -> None:
        for call, output in event.zipped():
            if output is None or output.is_error:
                continue
            try:
                arguments, result = json.loads(call.arguments or "{}"), json.loads(output.output)
            except ValueError:
                continue  # a local tool's plain sentence
            if isinstance(result, dict):
                self.learned(call.name, arguments, result)


def announcement(service: Service, target: str) -> str:
    """What ``service`` says while the call moves to ``target``."""
    text = prompts.load(service.folder, "announcement")
    return prompts.spoken(text, {"specialist": DIRECTORY[target].spoken_name})
