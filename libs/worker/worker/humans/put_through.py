"""Composition root of a switchboard's job: what it is made of, and that nothing of it is left when it is over."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack

from handoff.desk import DESK
from handoff.redis_store import RedisStore
from handoff.store import Store
from livekit import api
from livekit.agents import AutoSubscribe, JobContext

from worker.handover.passing import LIVEKIT_AWAY
from worker.handover.without_store import SteadyStore
from worker.humans.bridge import Bridge
from worker.humans.by_telephone import NUMBER
from worker.humans.consulting import words
from worker.humans.dialling import dial
from worker.humans.earpiece import Earpiece
from worker.humans.handing_back import hand_back
from worker.humans.switchboard import End, Means, Sent, Switchboard
from worker.job.orphan import when_orphaned
from worker.service import Service
from worker.settings import Phone, Settings
from worker.speech import clips
from worker.speech import providers as speech
from worker.store_clock import StoreClock, issued_at

log = logging.getLogger("voicemesh.switchboard")

_ROOM_SECONDS = 3.0
"""Longest that LiveKit may take to close the consultation."""


async def put_through(ctx: JobContext, service: Service, settings: Settings, told: Mapping[str, str]) -> None:
    """Entry of a job that is sent with NUMBER: see by_telephone.ByTelephone. Returns when it has begun: LiveKit lets a job know that it
    is stopped only once its entry has returned."""
    await ctx.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
    number = int(told[NUMBER])
    if number >= len(settings.desk_phones):  # workers may be of two configurations while one is rolled out
        log.warning("telephone %d is asked for, and there is none here", number + 1)
        ctx.shutdown("no such telephone")  # its parent tells the agent, which calls the next one
        return
    job = _Job(ctx, service, settings, told, settings.desk_phones[number])
    work = asyncio.create_task(job.work())

    async def stopped() -> None:
        job.stop()
        await asyncio.wait({work})

    ctx.add_shutdown_callback(stopped)
    when_orphaned(job.stop)


class _Job:
    def __init__(
        self, ctx: JobContext, service: Service, settings: Settings, told: Mapping[str, str], phone: Phone
    ) -> None:
        self._ctx, self._service, self._settings, self._phone = ctx, service, settings, phone
        self._sent = Sent(told["call_id"], told["handoff_id"], ctx.local_participant_identity, phone.name)
        self._switchboard: Switchboard | None = None

    def stop(self) -> None:
        """This process ends: whoever waits is told, and who talks is customer care's."""
        self._ends(End.CUT_OFF)

    def _ends(self, end: End) -> None:
        if self._switchboard is not None:
            self._switchboard.ends(end)

    async def work(self) -> None:
        """All of it. The job boundary: whatever fails here, the human is hung up, and the caller an agent's."""
        try:
            async with AsyncExitStack() as closing:
                self._switchboard = await self._made(closing)
                await self._switchboard.work()
        except Exception:  # the one place that catches all: see above
            log.exception("a human could not be called", extra={"call_id": self._sent.call_id})
        finally:
            self._ctx.shutdown("the human's call is over")

    async def _made(self, closing: AsyncExitStack) -> Switchboard:
        """``closing`` closes everything in reverse order; the consultation last but the store and the voice."""
        ctx, settings, sent = self._ctx, self._settings, self._sent
        store = self._store(closing)
        provider = speech.Provider(settings, self._service)
        closing.push_async_callback(provider.aclose)
        voice = provider.voice()
        closing.push_async_callback(self._close_consultation)
        telephone = Earpiece(ctx.room, voice.sample_rate)
        closing.push_async_callback(telephone.aclose)
        await telephone.open()
        bridge = Bridge(
            ctx.room,
            ctx.api,
            settings,
            call_id=sent.call_id,
            human_id=sent.human_id,
            on_caller_left=lambda: self._ends(End.CALLER_LEFT),
            on_cut_off=lambda: self._ends(End.CUT_OFF),
        )
        closing.push_async_callback(bridge.aclose)
        means = Means(
            telephone=telephone,
            callers_room=bridge,
            dial=self._dial,
            words=lambda context: words(self._service, context, sent.name),
            render=functools.partial(clips.render, voice),
            hand_back=functools.partial(
                hand_back,
                room=bridge.room,
                lkapi=ctx.api,
                store=store,
                settings=settings,
                fall_silent=bridge.shut_microphone,
            ),
        )
        return Switchboard(store, sent, means, lease_seconds=settings.lease_seconds)

    def _store(self, closing: AsyncExitStack) -> Store:
        settings = self._settings
        redis = RedisStore.connect(
            settings.redis_url,
            call_ttl_seconds=settings.call_ttl_seconds,
            handoff_ttl_seconds=settings.handoff_ttl_seconds,
        )
        closing.push_async_callback(redis.aclose)
        return SteadyStore(
            redis,
            service=DESK,
            agent_id=lambda: self._sent.human_id,
            lease_seconds=settings.lease_seconds,
            clock=StoreClock(begins_at=issued_at(self._ctx._info.token)),
        ).as_store

    async def _dial(self) -> None:
        ctx, settings = self._ctx, self._settings
        await dial(
            ctx.api,
            self._phone,
            trunk=settings.desk_trunk,
            room=ctx.room.name,
            ring_seconds=settings.desk_ring_seconds,
        )

    async def _close_consultation(self) -> None:
        """Nobody is left in it: his telephone is hung up."""
        try:
            async with asyncio.timeout(_ROOM_SECONDS):
                await self._ctx.api.room.delete_room(api.DeleteRoomRequest(room=self._ctx.room.name))
        except LIVEKIT_AWAY as e:
            log.warning("a human's line stays open: %s", type(e).__name__)
