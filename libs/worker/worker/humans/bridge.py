"""A human on the telephone in the caller's room: he is heard there and hears what is said there, though his own line ends elsewhere.

livekit/sip plays to a telephone every sound of its room, and lets the room hear the telephone, from the moment that it is answered: by
a voicemail, too. So that line ends in a room of its own, and this carries the sound between the two, only once the human has taken the
call. LiveKit could move him instead, on LiveKit Cloud alone (`MoveParticipant`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

from livekit import api, rtc

from worker.handover.passing import LIVEKIT_AWAY, REMOVAL_SECONDS
from worker.humans.dialling import COLLEAGUE, NotReached
from worker.job.cut_off import CutOff
from worker.settings import Settings

log = logging.getLogger("voicemesh.bridge")

NO_WAY_IN = "no_way_in"
"""He took the call, and the caller's room could not be entered."""
RATE = 16_000
"""Of the sound that is carried, in Hz: all that a telephone line has (G.722)."""
_FRAME_MS = 10
_BACKLOG_FRAMES = 20
"""Sound that waits for longer than so many frames is dropped: a busy process must not make two people talk 2 s apart."""
_SUBSCRIBED_SECONDS = 2.0
_BACK_SECONDS = 5.0
"""A caller in a browser may load his page again; who hangs a telephone up does not come back."""
_TOKEN_SECONDS = 120
_TELEPHONE = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
_CALLERS = (rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD, _TELEPHONE)


class Bridge:
    """``join`` it when the human has taken the call; his microphone is shut until ``open_microphone``. ``on_cut_off``: LiveKit cannot be
    reached any more, or he was put out. Either word may come again, and after the other."""

    def __init__(
        self,
        consultation: rtc.Room,
        lkapi: api.LiveKitAPI,
        settings: Settings,
        *,
        call_id: str,
        human_id: str,
        on_caller_left: Callable[[], None],
        on_cut_off: Callable[[], None],
    ) -> None:
        self.room = rtc.Room()
        self._consultation = consultation
        self._api = lkapi
        self._settings = settings
        self._call_id, self._human_id = call_id, human_id
        self._on_caller_left, self._on_cut_off = on_caller_left, on_cut_off
        self._is_open = False
        self._carrying: set[asyncio.Task[None]] = set()
        self._awaiting: asyncio.Task[None] | None = None

    async def join(self, name: str) -> None:
        """In the caller's room under the human's ``name``, seen and not heard; he hears it from now on. Raises NotReached."""
        try:
            await self._join(name)
        except (rtc.ConnectError, rtc.participant.PublishTrackError) as e:
            log.warning("a caller's room cannot be entered: %s", type(e).__name__, extra={"call_id": self._call_id})
            raise NotReached(NO_WAY_IN) from None

    async def _join(self, name: str) -> None:
        microphone = rtc.AudioSource(RATE, 1, queue_size_ms=0)
        self.room.on("track_subscribed", lambda track, _, who: self._hear(track, who))
        self.room.on("participant_disconnected", lambda who: self._look(who.kind))
        self.room.on("disconnected", lambda _: self._out())
        CutOff(self.room, self._on_cut_off)
        await self.room.connect(self._settings.livekit_url, self._token(name))
        track = rtc.LocalAudioTrack.create_audio_track("human", microphone)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        published = await self.room.local_participant.publish_track(track, options)
        self._consultation.on("track_subscribed", lambda track, _, who: self._listen_to(track, who, microphone))
        for who in self._consultation.remote_participants.values():
            for publication in who.track_publications.values():
                if publication.track is not None:
                    self._listen_to(publication.track, who, microphone)
        with suppress(TimeoutError):  # heard from his first word, if the caller's side is as fast as ever
            async with asyncio.timeout(_SUBSCRIBED_SECONDS):
                await published.wait_for_subscription()

    def _token(self, name: str) -> str:
        """Of an agent's kind, as a human of the desk: one of ours."""
        grants = api.VideoGrants(
            room_join=True, room=self._call_id, can_publish=True, can_publish_sources=["microphone"], can_subscribe=True
        )
        return (
            api.AccessToken(self._settings.livekit_api_key, self._settings.livekit_api_secret)
            .with_identity(self._human_id)
            .with_name(name)
            .with_kind("agent")
            .with_ttl(timedelta(seconds=_TOKEN_SECONDS))
            .with_grants(grants)
            .to_jwt()
        )

    # --- the human's voice ----------------------------------------------------------------------------------------
    def open_microphone(self) -> None:
        """The floor is his: he is heard."""
        self._is_open = True

    def shut_microphone(self, shut: bool = True) -> None:
        """He is not heard (any more)."""
        self._is_open = not shut

    def _listen_to(self, track: rtc.Track, who: rtc.RemoteParticipant, microphone: rtc.AudioSource) -> None:
        if who.identity == COLLEAGUE and track.kind == rtc.TrackKind.KIND_AUDIO:
            self._soon(_carry(track, microphone, lambda: self._is_open))

    # --- what he hears --------------------------------------------------------------------------------------------
    def _hear(self, track: rtc.Track, who: rtc.RemoteParticipant) -> None:
        """Each voice has a track of its own in his room: livekit/sip mixes them."""
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._soon(self._played_to_him(track, who.identity))

    async def _played_to_him(self, track: rtc.Track, speaker: str) -> None:
        source = rtc.AudioSource(RATE, 1, queue_size_ms=0)
        mine = rtc.LocalAudioTrack.create_audio_track(speaker, source)
        here = self._consultation.local_participant
        # His room may be gone at any time: then there is nobody left to play it to.
        with suppress(rtc.participant.PublishTrackError, rtc.participant.UnpublishTrackError):
            published = await here.publish_track(mine, rtc.TrackPublishOptions())
            await _carry(track, source, lambda: True)
            await here.unpublish_track(published.sid)
        await source.aclose()

    def _soon(self, carrying: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(carrying)
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    # --- the caller -----------------------------------------------------------------------------------------------
    @property
    def has_caller(self) -> bool:
        """Whether a caller is in the room."""
        return any(who.kind in _CALLERS for who in self.room.remote_participants.values())

    def _look(self, kind: int) -> None:
        """Somebody of that kind has left."""
        if kind in _CALLERS and not self.has_caller and self._awaiting is None:
            patience = 0.0 if kind == _TELEPHONE else _BACK_SECONDS
            self._awaiting = asyncio.create_task(self._wait_for_caller(patience))

    async def _wait_for_caller(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._awaiting = None
        if not self.has_caller:
            self._on_caller_left()

    def _out(self) -> None:
        """LiveKit closes a room in which only ours are left: then it is the caller who is gone, and not we."""
        if self._awaiting is not None:
            self._on_caller_left()
        else:
            self._on_cut_off()

    async def close_call(self) -> None:
        """Everybody out: the call is over."""
        with suppress(*LIVEKIT_AWAY):  # LiveKit closes a room by itself when nobody is left
            async with asyncio.timeout(REMOVAL_SECONDS):
                await self._api.room.delete_room(api.DeleteRoomRequest(room=self._call_id))

    async def aclose(self) -> None:
        """Out of the caller's room."""
        self._is_open = False
        tasks = [*self._carrying, *([self._awaiting] if self._awaiting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.room.disconnect()


async def _carry(track: rtc.Track, into: rtc.AudioSource, is_open: Callable[[], bool]) -> None:
    """Frame by frame, as they come: nothing is kept, so nothing can be late."""
    stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=_FRAME_MS, capacity=_BACKLOG_FRAMES)
    try:
        async for event in stream:
            if is_open():
                await into.capture_frame(event.frame)
    finally:
        await stream.aclose()
