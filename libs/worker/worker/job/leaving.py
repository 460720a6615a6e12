"""How a job leaves its call: never by ending what is another agent's.

Only who holds the floor ends a call, and only a call that has ended loses its room. Whoever is put out of the room, or stopped with
its process, leaves the call to the guardians; whoever lost the floor is silent at once and goes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from handoff.call import Ending
from handoff.errors import StoreUnavailable
from handoff.store import Store
from livekit import api, rtc
from livekit.agents import CloseEvent, CloseReason, JobContext
from livekit.agents.voice.room_io.types import DEFAULT_CLOSE_ON_DISCONNECT_REASONS
from telemetry import measure

from worker.agent.cast import Cast
from worker.handover.callback_ticket import ending_with_ticket
from worker.handover.passing import LIVEKIT_AWAY
from worker.job import last_words
from worker.job.cut_off import CutOff
from worker.job.media_liveness import MediaLiveness
from worker.job.worst_case import say_last_words, special_tone
from worker.speech import clips
from worker.speech.kept_clips import APOLOGY, KeptClips

log = logging.getLogger("voicemesh.leaving")

_APOLOGY_SECONDS = 8.0
_CLOSING_SECONDS = 3.0
"""Longest that a session may take to close: it waits for whatever still speaks, thinks or listens in it."""
_ROOM_SECONDS = 3.0
"""Longest that LiveKit may take to close a room, or to let us go; it closes an empty one by itself."""
_SEEN_OUT_SECONDS = 40.0
"""Longest that the process stays for what is still under way: an ending waits 30 s for a store that is away. A worker that is
stopped itself kills its jobs' processes sooner: LiveKit's shutdown_process_timeout (10 s), counted from where it waits for us."""


async def _nothing(reason: str) -> None:
    return None


class Leaving:
    """The way out of one job. ``close`` frees what the job opened; it runs last, once, and then ``told`` hears why."""

    def __init__(
        self,
        ctx: JobContext,
        store: Store,
        *,
        kept: KeptClips,
        close: Callable[[], Awaitable[None]],
        play: Callable[[rtc.Room, Sequence[rtc.AudioFrame]], Awaitable[None]] = last_words.play,
        told: Callable[[str], Awaitable[None]] = _nothing,
    ) -> None:
        self.cast: Cast | None = None
        self.is_leaving = False
        """Whether this job is over; whatever it still waits for is given up."""
        self._ctx = ctx
        self._store = store
        self._kept = kept
        self._close = close
        self._play = play
        self._told = told
        self._work = asyncio.current_task()
        self._background: set[asyncio.Task[None]] = set()
        self._hung_up: asyncio.Task[None] | None = None
        self._cut_off = CutOff(ctx.room, self.cut_off)
        self._liveness = MediaLiveness(ctx.room, self._reach_changed)
        ctx.room.on("participant_disconnected", self._somebody_left)
        # LiveKit's session notices only when what it is saying is over; an agent that was put out would renew its lease until then.
        ctx.room.on("disconnected", lambda *_: self._soon(self._give_up_the_call("out of the room")))
        ctx.add_shutdown_callback(self._see_out)

    async def _see_out(self) -> None:
        """LiveKit ends the process, and whatever runs in it, as soon as the room is gone and this has returned. A call's ending that
        waits for the store would be lost with it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SEEN_OUT_SECONDS):
                if self.cast is not None:
                    await self.cast.checkpoint.last_written()
                while self._background:
                    await asyncio.wait(self._background)

    def leave(self, reason: str) -> None:
        """Ends this job; the call, if it lives, is somebody else's."""
        self._soon(self._leave(reason))

    def _soon(self, doing: Awaitable[None]) -> None:
        task = asyncio.ensure_future(doing)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _leave(self, reason: str) -> None:
        if self.is_leaving:
            return
        self.is_leaving = True
        self._liveness.stop()
        if self._hung_up is not None:
            self._hung_up.cancel()
        if self._work is not None:
            self._work.cancel()  # LiveKit would wait for it for 15 s, and a place here would be taken all that time
        cast = self.cast
        if cast is not None:
            cast.checkpoint.let_go()
            with suppress(RuntimeError, TimeoutError):
                async with asyncio.timeout(_CLOSING_SECONDS):
                    await cast.session.aclose()
        with suppress(TimeoutError):  # it says goodbye to a LiveKit that may be out of reach
            async with asyncio.timeout(_ROOM_SECONDS):
                await self._ctx.room.disconnect()
        if cast is not None:
            await cast.checkpoint.last_written()
        await self._close()
        await self._told(reason)
        self._ctx.shutdown(reason)

    async def hang_up(self) -> None:
        """Closes the room for everybody when the call is over, and leaves; when the call is another agent's it only leaves."""
        if await self._is_over():
            with suppress(*LIVEKIT_AWAY):
                async with asyncio.timeout(_ROOM_SECONDS):
                    await self._ctx.api.room.delete_room(api.DeleteRoomRequest(room=self._ctx.room.name))
            self.leave("call ended")
        else:
            self.leave("the call goes on without us")

    async def _is_over(self) -> bool:
        """Whether the call has ended. While the store does not tell: whether no other agent is there to whom it could belong."""
        has_ended = self.cast.checkpoint.has_ended if self.cast is not None else None
        if has_ended is not None:
            return has_ended
        try:
            call = await self._store.load_call(self._ctx.room.name)
        except StoreUnavailable:
            call = None
        if call is not None:
            return call.ending is not None
        others = self._ctx.room.remote_participants.values()
        return not any(other.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT for other in others)

    def cannot_go_on(self, why: str, *, can_speak: bool) -> None:
        """Speech, on one side or the other, is lost for good: the caller is told, from a recording when nobody can speak, and is
        called back when that can be noted."""
        log.error("the call cannot go on: %s", why, extra={"call_id": self._ctx.room.name})
        self._soon(self._end_without(why, can_speak=can_speak))

    async def _end_without(self, why: str, *, can_speak: bool) -> None:
        cast = self.cast
        if cast is None or cast.checkpoint.floor is None:
            self.leave("failed")
            return
        service = cast.agent.brief.service.name
        ending = await say_last_words(cast, self._kept, self._store, service=service, can_speak=can_speak)
        await cast.checkpoint.end(ending, why)
        await self.hang_up()

    async def give_up(self) -> None:
        """After a fault: the call must not end in silence. A taker leaves (its giver goes on), and so does who holds no floor (a
        guardian brings another one); an owner apologises."""
        cast = self.cast
        if cast is None or cast.checkpoint.floor is None:
            self.leave("failed")
            return
        with suppress(RuntimeError, TimeoutError):
            async with asyncio.timeout(_APOLOGY_SECONDS):
                await self._apologise(cast)
        await cast.checkpoint.end(Ending.FAILED, "fault")
        await self.hang_up()

    async def _apologise(self, cast: Cast) -> None:
        text = self._kept.text(APOLOGY)
        clip = self._kept.find(text)
        speech = cast.session.say(text, audio=clips.played(clip)) if clip else cast.agent.say_prompt(APOLOGY)
        await speech.wait_for_playout()

    async def _apologise_without_session(self) -> None:
        clip = self._kept.find(self._kept.text(APOLOGY)) or special_tone()
        try:
            async with asyncio.timeout(_APOLOGY_SECONDS):
                await self._play(self._ctx.room, clip)
        except Exception as e:  # noqa: BLE001 - whatever LiveKit's client raised: the line is closed without a word then
            log.warning("the caller could not be told: %s", type(e).__name__, extra={"call_id": self._ctx.room.name})

    # --- what happens to us ---------------------------------------------------------------------------------------
    def floor_lost(self) -> None:
        """Another agent has the call: not a sound more from here."""
        log.warning("another agent holds the floor", extra={"call_id": self._ctx.room.name})
        measure.count("voicemesh_floor_conflicts_total", call_id=self._ctx.room.name)
        if self.cast is not None:
            self.cast.gate.shut()
        self.leave("floor lost")

    def orphaned(self) -> None:
        """Our main process is gone, and so are we within half a second: the call is free for a successor at once."""
        self._soon(self._orphaned())

    async def _orphaned(self) -> None:
        if self.cast is not None:
            await self.cast.checkpoint.abandon()
        self.leave("orphaned")

    def cut_off(self) -> None:
        """LiveKit is out of reach and the store may not be: the call is free for a successor, and not a sound more from here."""
        self._soon(self._give_up_the_call("cut off from LiveKit"))

    def _reach_changed(self, is_reached: bool) -> None:
        if self.cast is not None:
            self.cast.checkpoint.is_out_of_reach = not is_reached

    async def _give_up_the_call(self, reason: str) -> None:
        if self.cast is not None and not self.is_leaving:
            self.cast.gate.shut()
            await self.cast.checkpoint.abandon()
        self.leave(reason)

    def _somebody_left(self, who: rtc.RemoteParticipant) -> None:
        cast = self.cast
        if cast is None or who.identity != cast.checkpoint.call.caller_identity or self._hung_up is not None:
            return
        if who.disconnect_reason in DEFAULT_CLOSE_ON_DISCONNECT_REASONS:  # else he may be back in a moment
            self._hung_up = asyncio.create_task(self._end_without_session())

    async def _end_without_session(self) -> None:
        """The session closes when its caller hangs up, and the call ends with it. One that hangs must not keep its ending back."""
        await asyncio.sleep(_CLOSING_SECONDS)
        log.warning("the caller has hung up and the session does not close", extra={"call_id": self._ctx.room.name})
        self._soon(self._closed(CloseReason.PARTICIPANT_DISCONNECTED))

    def session_closed(self, event: CloseEvent) -> None:
        """The session has ended: the caller left, speech or model failed, or we were put out."""
        if self._hung_up is not None:
            self._hung_up.cancel()
        self._soon(self._closed(event.reason))

    async def _closed(self, reason: CloseReason) -> None:
        cast = self.cast
        if cast is None or cast.checkpoint.floor is None:
            self.leave("the caller left")  # while we waited for the floor
            return
        if reason is CloseReason.PARTICIPANT_DISCONNECTED:
            await cast.checkpoint.end(ending_with_ticket(Ending.CALLER_HUNG_UP, cast.checkpoint.call))
            await self.hang_up()
        elif reason is CloseReason.ERROR:
            await cast.checkpoint.end(Ending.FAILED, "speech or model failed")
            if await self._is_over():  # else another agent speaks
                await self._apologise_without_session()
            await self.hang_up()
        else:  # out of the room, or this process is stopped: the caller may still be there, and somebody goes on
            await cast.checkpoint.abandon()
            self.leave("out of the call")
