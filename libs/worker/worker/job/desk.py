"""What one job works with, whichever way its call came: greeting.py, taking.py and resuming.py use it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from handoff.agent_ids import canary_of
from handoff.call import Call, Channel
from handoff.context import HandoffContext
from handoff.directory import LAST_RESORT
from handoff.giver import Giver
from handoff.redis_store import RedisStore
from handoff.seal import Seal
from handoff.store import Store
from handoff.tls import Certificates
from livekit.agents import ChatContext, JobContext
from livekit.agents import tts as lk_tts

from worker.agent import cast as casting
from worker.agent import session
from worker.agent.answer_times import AnswerTimes
from worker.agent.cast import Cast
from worker.checkpoint import Checkpoint
from worker.handover import by_word
from worker.handover.announcing import announcement
from worker.handover.ladder import Ladder
from worker.handover.moving import Mover
from worker.handover.transfer import Transfer
from worker.handover.without_store import SteadyStore
from worker.humans.person import Person
from worker.job.leaving import Leaving
from worker.job.orphan import when_orphaned
from worker.job.telling import Telling
from worker.service import Service
from worker.settings import Settings
from worker.speech import clips
from worker.speech import providers as speech
from worker.speech.kept_clips import KeptClips
from worker.store_clock import StoreClock, issued_at
from worker.telephone.pressing import Pressing


class Desk:
    """One job's surroundings, and the agent that it seats in the call."""

    def __init__(self, ctx: JobContext, service: Service, settings: Settings, telling: Telling) -> None:
        self.ctx = ctx
        self.service = service
        self.settings = settings
        self.telling = telling
        redis = RedisStore.connect(
            settings.redis_url,
            call_ttl_seconds=settings.call_ttl_seconds,
            handoff_ttl_seconds=settings.handoff_ttl_seconds,
        )
        self.steady = SteadyStore(
            redis,
            service=service.name,
            agent_id=lambda: self.me,
            lease_seconds=settings.lease_seconds,
            clock=StoreClock(begins_at=issued_at(ctx._info.token)),
        )
        self.store: Store = self.steady.as_store
        self.seal = Seal.of(settings.seal_key)
        self.kept = KeptClips(settings, service)
        self.leaving = Leaving(ctx, self.store, kept=self.kept, close=self._close, told=telling.end)
        when_orphaned(self.leaving.orphaned)
        self._giver = Giver(
            {name: settings.addresses(name) for each in service.transfers_to for name in (each, canary_of(each))},
            offer_timeout_seconds=settings.offer_timeout_seconds,
            certificates=Certificates.of(settings.tls_dir),
        )
        self._provider = speech.Provider(settings, service)
        self.voice = self._provider.voice(
            recorded=self.kept.find, on_lost=lambda: self.leaving.cannot_go_on("the voice is lost", can_speak=False)
        )
        self._mover: Mover | None = None
        self._rendering: asyncio.Task[None] | None = None

    @property
    def call_id(self) -> str:
        """The room's name is the call's id."""
        return str(self.ctx.job.room.name)

    @property
    def me(self) -> str:
        """Our identity in the room; known before we are in it."""
        return self.ctx.local_participant_identity

    async def _close(self) -> None:
        if self._rendering is not None:
            self._rendering.cancel()
        if self._mover is not None:
            await self._mover.aclose()
        await self._provider.aclose()
        await self._giver.aclose()
        await self.store.aclose()

    # --- the agent and its surroundings ---------------------------------------------------------------------------
    def checkpoint(self, call: Call) -> Checkpoint:
        """The call's record, as our agent will keep it."""
        return Checkpoint(
            self.store,
            call,
            service=self.service.name,
            lease_seconds=self.settings.lease_seconds,
            on_floor_lost=self.leaving.floor_lost,
        )

    def speaks_to(self, call: Call) -> None:
        """At the pace that suits the caller's line; from the next sentence on."""
        if call.channel is Channel.PHONE:
            self._provider.speak_at(self.settings.phone_speed)

    async def seat(
        self,
        checkpoint: Checkpoint,
        context: HandoffContext | None,
        *,
        is_open: bool,
        remembered: ChatContext | None = None,
        connected: Awaitable[Any] | None = None,
    ) -> Cast:
        """A running session behind a gate: open for an owner, closed (and deaf) for a taker.

        ``connected``: on its way into the room, which takes 120 ms; agent and tools get ready meanwhile.
        """
        call = checkpoint.call
        self.speaks_to(call)
        stage = self._stage(checkpoint)
        agent, thinker = await casting.make(stage, call, context, remembered=remembered)
        if connected is not None:
            await connected
        ears = self._provider.ears(on_lost=lambda: self.leaving.cannot_go_on("the ears are lost", can_speak=True))
        running = session.build(ears=ears, voice=self.voice, brain=thinker)
        session.hear_only_the_caller(self.ctx.room, call.caller_identity)
        if not is_open:
            running.input.set_audio_enabled(False)  # deaf until the floor: no thought is given to what others are told
        await running.start(
            agent,
            room=self.ctx.room,
            room_options=session.room_options(call.caller_identity),
            session_host=False,  # it would let anybody in the room read the conversation and drive the agent
            record=False,
        )
        session.pace_captions(running)
        gate = session.attach_gate(running, is_open=is_open)
        agent.attach()
        AnswerTimes(running, call.call_id, brain="model" if stage.models else "playbook")
        agent.mute = lambda muted: gate.close() if muted else gate.open()
        Pressing(agent, self.ctx.room)
        cast = self.leaving.cast = Cast(agent, running, gate, checkpoint)
        running.on("close", self.leaving.session_closed)
        self._mover = Mover(
            cast,
            room=self.ctx.room,
            lkapi=self.ctx.api,
            store=self.store,
            settings=self.settings,
            service=self.service.name,
            leave=self.leaving.leave,
            floor_lost=self.leaving.floor_lost,
        )
        return cast

    def _stage(self, checkpoint: Checkpoint) -> casting.Stage:
        settings = self.settings
        transfer = Transfer(
            room=self.ctx.room,
            lkapi=self.ctx.api,
            giver=self._giver,
            store=self.store,
            checkpoint=checkpoint,
            settings=settings,
            by_word=self._by_word,
        )
        ladder = Ladder(
            transfer,
            giver=self._giver,
            store=self.store,
            checkpoint=checkpoint,
            settings=settings,
            reaches=self.service.transfers_to,
        )
        return casting.Stage(
            service=self.service,
            settings=settings,
            checkpoint=checkpoint,
            transfer=transfer,
            models=self._provider.models(),
            leave=self.leaving.leave,
            hang_up=self.leaving.hang_up,
            ladder=ladder,
            person=self._person(checkpoint),
        )

    def _person(self, checkpoint: Checkpoint) -> Person | None:
        """Customer care alone connects callers with a human: every other service sends who wants one there, as ever."""
        if self.service.name != LAST_RESORT or not (self.settings.desk_seconds or self.settings.desk_phones):
            return None
        return Person(
            room=self.ctx.room,
            lkapi=self.ctx.api,
            store=self.store,
            checkpoint=checkpoint,
            settings=self.settings,
        )

    def _by_word(
        self, context: HandoffContext, service: str, again: Callable[[], HandoffContext]
    ) -> by_word.Giving | None:
        if not self.steady.is_away:
            return None
        giving = by_word.begin(
            self.ctx.room, self.seal, context, to_service=service, now=self.steady.clock, again=again
        )
        if giving is not None:
            self.steady.goes_by(giving)
        return giving

    async def heard_by_caller(self, cast: Cast) -> None:
        """Waits until the caller's side has subscribed to our track: a READY taker is heard from its first frame."""
        await cast.session.room_io.wait_for_ready()
        subscribed = cast.session.room_io.subscribed_fut
        if subscribed is not None:
            await subscribed

    def render_ahead(self, cast: Cast) -> None:
        """Once the conversation runs: what will have to be said at once, by this job or by one that goes on after it."""
        self._rendering = asyncio.create_task(self._render_ahead(cast, self.voice))

    async def _render_ahead(self, cast: Cast, voice: lk_tts.TTS[Any]) -> None:
        await self.kept.fill(voice)
        for target in self.service.transfers_to:
            cast.agent.brief.announcements[target] = await clips.render(voice, announcement(self.service, target))
