"""A human of ours on the telephone: what he is told, by us alone, and which keys he presses. Nobody else is in his room."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from livekit import rtc

from worker.humans.dialling import COLLEAGUE
from worker.speech import clips

_SUBSCRIBED_SECONDS = 3.0
"""From the answered telephone to the first word; livekit/sip subscribes to us in well under a second."""
_CALL_STATUS, _HUNG_UP = "sip.callStatus", "hangup"
"""Attribute of a telephone in a room, and its value after a BYE. It stays ``active`` when the line brings no sound any more."""
Clip = Sequence[rtc.AudioFrame]


class Earpiece:
    """Follows the room of the consultation from its making on. ``open`` it before the telephone is called."""

    def __init__(self, room: rtc.Room, sample_rate: int) -> None:
        """``sample_rate``: of all clips, in Hz."""
        self.gone: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        """Set when he is not on the line any more: whether he hung up himself. False: his line, or ours, was cut."""
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self._room = room
        self._source = rtc.AudioSource(sample_rate, 1)
        self._heard: rtc.LocalTrackPublication | None = None
        self._is_answered = False
        room.on("sip_dtmf_received", self._pressed)
        room.on("participant_disconnected", self._left)
        room.on("disconnected", lambda _: self._gone(False))

    async def open(self) -> None:
        """Before he answers: our track is there, so that he misses no word."""
        track = rtc.LocalAudioTrack.create_audio_track("switchboard", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        self._heard = await self._room.local_participant.publish_track(track, options)

    async def answered(self) -> None:
        """He is on the line from now on; returns when he would hear what is said."""
        assert self._heard is not None, "open comes first"
        self._is_answered = True
        if COLLEAGUE not in self._room.remote_participants:
            self._gone(True)
        with suppress(TimeoutError):
            async with asyncio.timeout(_SUBSCRIBED_SECONDS):
                await self._heard.wait_for_subscription()

    def _pressed(self, dtmf: rtc.SipDTMF) -> None:
        self.keys.put_nowait(dtmf.digit)

    def _left(self, who: rtc.RemoteParticipant) -> None:
        if self._is_answered and who.identity == COLLEAGUE:  # before, he never came: whoever calls him is told why
            # LiveKit gives the same reason for both; livekit/sip notes the one before it leaves, and says nothing of the other.
            self._gone(who.attributes.get(_CALL_STATUS) == _HUNG_UP)

    def _gone(self, hung_up: bool) -> None:
        if not self.gone.done():
            self.gone.set_result(hung_up)

    async def say(self, clip: Clip) -> None:
        """To its end; what is left of it is not said when this is cancelled."""
        giving: asyncio.Future[None] | None = None
        try:
            async for frame in clips.played(clip):
                giving = asyncio.ensure_future(self._source.capture_frame(frame))
                await asyncio.shield(giving)
            await self._source.wait_for_playout()
        except asyncio.CancelledError:
            if giving is not None:  # livekit-rtc refuses every frame after one that was half given
                await asyncio.wait({giving})
            self._source.clear_queue()
            raise

    async def aclose(self) -> None:
        """Nothing is said any more."""
        await self._source.aclose()
