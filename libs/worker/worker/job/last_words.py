"""A recording for the caller when the session that would say it is closed: it has a track of its own."""

from __future__ import annotations

from collections.abc import Sequence

from livekit import rtc


async def play(room: rtc.Room, clip: Sequence[rtc.AudioFrame]) -> None:
    """Returns when the caller has heard it. Not bounded: whoever calls it bounds it. Raises what LiveKit's client raises."""
    source = rtc.AudioSource(clip[0].sample_rate, clip[0].num_channels)
    try:
        track = rtc.LocalAudioTrack.create_audio_track("last_words", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await room.local_participant.publish_track(track, options)
        await publication.wait_for_subscription()
        for frame in clip:
            await source.capture_frame(frame)
        await source.wait_for_playout()
    finally:
        await source.aclose()
