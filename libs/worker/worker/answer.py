"""One job: answer a call directly, or take one over from another service.

A taker joins silently: it is briefed, its tools are open, its first sentence is rendered and held by the gate; then it reports
READY and waits. It neither thinks nor speaks before the floor is its own.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from handoff.call import Call, Channel, Ending, Floor
from handoff.context import HandoffContext
from handoff.errors import FloorLost, IllegalMove, StoreUnavailable
from handoff.giver import Giver
from handoff.lifecycle import State
from handoff.redis_store import RedisStore
from handoff.store import Store
from livekit import api, rtc
from livekit.agents import AgentSession, AutoSubscribe, CloseEvent, CloseReason, JobContext, tokenize
from livekit.agents import tts as lk_tts
from livekit.agents.voice import SpeechHandle

from worker import briefing, clips, playbook, prompts, session, speech, tools
from worker.agent import Brief, CallAgent, announcement
from worker.checkpoint import Checkpoint
from worker.floor_word import FloorWord
from worker.playbook_llm import PlaybookLLM
from worker.service import Service
from worker.settings import Settings
from worker.transfer import LIVEKIT_AWAY, Transfer
from worker.voice_gate import VoiceGate

log = logging.getLogger("voicemesh.answer")

_CALLER_SECONDS = 15.0
"""Longest wait for the caller to be in the room."""
_APOLOGY_SECONDS = 8.0

# Captions are paced by syllables, and the first word builds their table (20 ms): in the template process, not at the first word.
tokenize.basic.hyphenate_word("ready")


async def answer(ctx: JobContext, service: Service, settings: Settings) -> None:
    """Entry of a job process. The job boundary: whatever fails here, the caller must hear something."""
    desk = _Desk(ctx, service, settings)
    handoff_id = ctx.job.attributes.get("handoff_id", "")
    try:
        await (desk.take(handoff_id) if handoff_id else desk.greet())
    except asyncio.CancelledError:
        if not desk.is_leaving:
            raise
    except Exception:  # the one place that catches all: see above
        log.exception("the call could not be answered", extra={"call_id": ctx.job.room.name})
        await desk.give_up()


@dataclass(slots=True)
class _Cast:
    """What one call needs, made once."""

    agent: CallAgent
    session: AgentSession[Any]
    gate: VoiceGate
    checkpoint: Checkpoint


class _Desk:
    """One job's work, step by step."""

    def __init__(self, ctx: JobContext, service: Service, settings: Settings) -> None:
        self._ctx = ctx
        self._service = service
        self._settings = settings
        self._store: Store = RedisStore.connect(
            settings.redis_url,
            call_ttl_seconds=settings.call_ttl_seconds,
            handoff_ttl_seconds=settings.handoff_ttl_seconds,
        )
        self._giver = Giver(
            {name: settings.peer(name) for name in service.transfers_to},
            offer_timeout_seconds=settings.offer_timeout_seconds,
        )
        self._provider = speech.Provider(settings, service)
        self._cast: _Cast | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._work = asyncio.current_task()
        self.is_leaving = False
        """Whether this job is over; whatever it still waits for is given up."""

    @property
    def _me(self) -> str:
        return self._ctx.room.local_participant.identity

    def leave(self, reason: str) -> None:
        """Ends this job; the call, if it lives, is somebody else's."""
        task = asyncio.create_task(self._leave(reason))
        self._background.add(task)

    async def _leave(self, reason: str) -> None:
        if self.is_leaving:
            return
        self.is_leaving = True
        if self._work is not None:
            self._work.cancel()  # LiveKit would wait for it for 15 s, and a place here would be taken all that time
        if self._cast is not None:
            self._cast.checkpoint.let_go()
            with suppress(RuntimeError):
                await self._cast.session.aclose()
        await self._ctx.room.disconnect()
        await self._provider.aclose()
        await self._giver.aclose()
        await self._store.aclose()
        self._ctx.shutdown(reason)

    async def hang_up(self) -> None:
        """Ends the call for everybody in the room."""
        with suppress(*LIVEKIT_AWAY):
            await self._ctx.api.room.delete_room(api.DeleteRoomRequest(room=self._ctx.room.name))
        self.leave("call ended")

    async def give_up(self) -> None:
        """After a fault: the call must not end in silence. A taker leaves (its giver goes on); an owner apologises."""
        cast = self._cast
        if cast is None or cast.checkpoint.floor is None:
            self.leave("failed")
            return
        with suppress(RuntimeError, TimeoutError):
            await asyncio.wait_for(cast.agent.say_prompt("apology").wait_for_playout(), _APOLOGY_SECONDS)
        await cast.checkpoint.end(Ending.FAILED, "fault")
        await self.hang_up()

    # --- a call of our own ----------------------------------------------------------------------------------------
    async def greet(self) -> None:
        """Answers a caller who came straight to this service."""
        voice = self._provider.voice()
        greeting_text = prompts.spoken(prompts.load(self._service.folder, "greeting_direct"), {})
        greeting = asyncio.create_task(clips.render(voice, greeting_text))
        await self._ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
        caller = await asyncio.wait_for(self._ctx.wait_for_participant(), _CALLER_SECONDS)
        channel = Channel.PHONE if caller.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP else Channel.WEB
        call = Call(
            self._ctx.room.name, channel, caller.identity, await self._store.now(), services=(self._service.name,)
        )
        call = await self._store.open_call(call)
        floor = await self._store.take_floor(
            call.call_id, service=self._service.name, agent_id=self._me, lease_seconds=self._settings.lease_seconds
        )
        cast = await self._stage(call, None, voice)
        cast.checkpoint.hold(floor)
        cast.agent.begin()
        cast.session.say(greeting_text, audio=clips.played(await greeting))
        self._render_announcements(cast, voice)

    # --- a call of another service --------------------------------------------------------------------------------
    async def take(self, handoff_id: str) -> None:
        """Takes a call over: joins silently, gets ready, waits for the floor, speaks."""
        wanted = await self._join_if_wanted(handoff_id)
        if wanted is None:
            log.info("the handoff is no longer wanted", extra={"handoff_id": handoff_id})
            self.leave("not wanted")
            return
        context, call = wanted
        word = FloorWord(self._ctx.room, self._store, context, service=self._service.name, agent_id=self._me)
        cast, opening = await self._get_ready(context, call)
        await self._store.move(handoff_id, State.READY, taker_id=self._me)
        floor = await word.wait()
        if floor is None:
            self.leave("not wanted")
            return
        spoken = asyncio.Event()
        cast.gate.on("playback_started", lambda _: spoken.set())
        cast.gate.open()
        cast.session.input.set_audio_enabled(True)
        await self._catch_up(cast, context, floor)
        await spoken.wait()
        try:
            await self._store.move(handoff_id, State.SPOKEN)
        except (IllegalMove, FloorLost):  # the giver took the floor back in this moment
            cast.gate.shut()
            self.leave("floor lost")
            return
        await opening.wait_for_playout()
        await cast.agent.answer_what_was_said_meanwhile()
        self._render_announcements(cast, self._provider.voice())

    async def _join_if_wanted(self, handoff_id: str) -> tuple[HandoffContext, Call] | None:
        """In the room, with what is known of the call; None when the handoff is over, stale, or of another call."""
        stored, _ = await asyncio.gather(
            self._store.load_handoff(handoff_id), self._ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
        )
        if stored is None or stored.state not in (State.ACCEPTED, State.DISPATCHED):
            return None
        call = await self._store.load_call(stored.context.call_id)
        if call is None or stored.context.call_id != self._ctx.room.name:
            return None
        return stored.context, call

    async def _get_ready(self, context: HandoffContext, call: Call) -> tuple[_Cast, SpeechHandle]:
        """Behind a closed gate: briefed, tools open, the first sentence rendered and on its lips."""
        voice = self._provider.voice()
        known = {f.name: f.value for f in context.facts}
        known |= {"topic": self._service.agent.topic(known)}
        text = prompts.spoken(prompts.load(self._service.folder, "greeting_handoff"), known)
        rendered = asyncio.create_task(clips.render(voice, text))
        cast = await self._stage(call, context, voice)
        opening = cast.session.say(text, audio=clips.played(await rendered), allow_interruptions=False)
        await cast.gate.first_frame.wait()
        await self._heard_by_caller(cast)
        return cast, opening

    async def _heard_by_caller(self, cast: _Cast) -> None:
        """Waits until the caller's side has subscribed to our track: a READY taker is heard from its first frame."""
        room_output = cast.session.room_io.subscribed_fut
        if room_output is not None:
            await room_output

    async def _catch_up(self, cast: _Cast, context: HandoffContext, floor: Floor) -> None:
        """What was said while we waited: into the record and into the brain's conversation."""
        latest = None
        with suppress(StoreUnavailable):  # then what the context holds must do
            latest = await self._store.load_call(context.call_id)
        if latest is not None:
            cast.checkpoint.call = latest
            chat = cast.agent.chat_ctx.copy()
            briefing.add_turns(chat, briefing.late_turns(latest, context))
            await cast.agent.update_chat_ctx(chat)
        cast.checkpoint.hold(floor)
        cast.agent.begin()

    # --- the stage ------------------------------------------------------------------------------------------------
    async def _stage(self, call: Call, context: HandoffContext | None, voice: lk_tts.TTS[Any]) -> _Cast:
        """A running session behind a gate: open for an owner, closed (and deaf) for a taker."""
        service, settings = self._service, self._settings
        checkpoint = Checkpoint(
            self._store,
            call,
            service=service.name,
            lease_seconds=settings.lease_seconds,
            on_floor_lost=self._floor_lost,
        )
        transfer = Transfer(
            room=self._ctx.room,
            lkapi=self._ctx.api,
            giver=self._giver,
            store=self._store,
            checkpoint=checkpoint,
            settings=settings,
        )
        toolset, away = await tools.connect(settings)
        brief = Brief(
            service=service,
            settings=settings,
            checkpoint=checkpoint,
            context=context,
            transfer=transfer,
            leave=self.leave,
            hang_up=self.hang_up,
        )
        agent = service.agent(
            brief,
            tools=toolset,
            instructions=briefing.instructions(service, context, away),
            chat_ctx=briefing.conversation(context.turns if context else ()),
        )
        brain = (
            self._provider.brain()
            if settings.has_model
            else PlaybookLLM(playbook.load(service.folder / "playbook.yaml"), facts=agent.known, call_id=call.call_id)
        )
        running = session.build(ears=self._provider.ears(), voice=voice, brain=brain)
        session.hear_only_the_caller(self._ctx.room, call.caller_identity)
        if context is not None:
            running.input.set_audio_enabled(False)  # deaf until the floor: no thought is given to what others are told
        await running.start(
            agent,
            room=self._ctx.room,
            room_options=session.room_options(call.caller_identity),
            session_host=False,  # it would let anybody in the room read the conversation and drive the agent
            record=False,
        )
        gate = session.attach_gate(running, is_open=context is None)
        agent.attach()
        agent.mute = lambda muted: gate.close() if muted else gate.open()
        cast = self._cast = _Cast(agent, running, gate, checkpoint)
        running.on("close", self._session_closed)
        return cast

    def _render_announcements(self, cast: _Cast, voice: lk_tts.TTS[Any]) -> None:
        async def render() -> None:
            for target in self._service.transfers_to:
                cast.agent.brief.announcements[target] = await clips.render(voice, announcement(self._service, target))

        task = asyncio.create_task(render())
        self._background.add(task)

    def _floor_lost(self) -> None:
        log.warning("another agent holds the floor", extra={"call_id": self._ctx.room.name})
        if self._cast is not None:
            self._cast.gate.shut()
        self.leave("floor lost")

    def _session_closed(self, event: CloseEvent) -> None:
        task = asyncio.create_task(self._closed(event.reason))
        self._background.add(task)

    async def _closed(self, reason: CloseReason) -> None:
        cast = self._cast
        if cast is None or cast.checkpoint.floor is None:
            self.leave("the caller left")  # while we waited for the floor
            return
        if reason is CloseReason.PARTICIPANT_DISCONNECTED:
            await cast.checkpoint.end(Ending.CALLER_HUNG_UP)
        elif reason is CloseReason.ERROR:
            await cast.checkpoint.end(Ending.FAILED, "speech or model failed")
        await self.hang_up()
