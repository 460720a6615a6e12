"""A stand-in for a service's agent: joins a room, speaks made-up sounds with captions, says what it understood of the caller."""

from __future__ import annotations

import asyncio
import uuid

from livekit import api, rtc

from local.caller.band import FRAME, RATE, Samples

TOPIC = "lk.transcription"


class RoomAgent:
    """One agent participant with one track."""

    def __init__(self, url: str, *, api_key: str, api_secret: str, room: str, identity: str) -> None:
        grants = api.VideoGrants(room_join=True, room=room, agent=True)
        token = api.AccessToken(api_key, api_secret).with_identity(identity).with_kind("agent").with_grants(grants)
        self._url, self._token, self.identity = url, token.to_jwt(), identity
        self.room = rtc.Room()
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=1000)
        self._track_id = ""

    async def join(self) -> None:
        """Returns when somebody listens to the track."""
        await self.room.connect(self._url, self._token)
        track = rtc.LocalAudioTrack.create_audio_track("voice", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await self.room.local_participant.publish_track(track, options)
        self._track_id = publication.sid
        await publication.wait_for_subscription()

    async def say(self, text: str, sound: Samples) -> None:
        """Returns when the last of it has been played; the caption grows meanwhile."""
        caption = asyncio.create_task(self._write(text, sound.size / RATE))
        for start in range(0, sound.size - FRAME + 1, FRAME):
            frame = rtc.AudioFrame(sound[start : start + FRAME].tobytes(), RATE, 1, FRAME)
            await self._source.capture_frame(frame)
        await self._source.wait_for_playout()
        await caption

    async def understand(self, caller_identity: str, text: str) -> None:
        """Publishes the caller's words, twice, as an agent session does: as they are and as final."""
        segment = f"SG_{uuid.uuid4().hex}"
        for final in ("false", "true"):
            writer = await self.room.local_participant.stream_text(
                topic=TOPIC,
                sender_identity=caller_identity,
                attributes={"lk.transcription_final": final, "lk.segment_id": segment},
            )
            await writer.write(text)
            await writer.aclose()

    async def leave(self) -> None:
        """Leaves the room."""
        await self.room.disconnect()

    async def _write(self, text: str, seconds: float) -> None:
        writer = await self.room.local_participant.stream_text(
            topic=TOPIC,
            sender_identity=self.identity,
            attributes={
                "lk.transcription_final": "false",
                "lk.transcribed_track_id": self._track_id,
                "lk.segment_id": f"SG_{uuid.uuid4().hex}",
            },
        )
        words = text.split()
        for word in words:
            await writer.write(word + " ")
            await asyncio.sleep(seconds / len(words))
        await writer.aclose(attributes={"lk.transcription_final": "true"})
