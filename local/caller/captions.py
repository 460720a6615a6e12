"""Live captions of both sides, from LiveKit's transcription streams, and what the mesh has said since the caller's last line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from livekit import rtc

from local.caller.recording import Caption, service_of

TOPIC = "lk.transcription"
_SEGMENT = "lk.segment_id"
_FINAL = "lk.transcription_final"
_TRACK = "lk.transcribed_track_id"

CALLER = "caller"

OnCaption = Callable[[str, str, bool, int], None]
"""Called with speaker (a service's name or ``caller``), the text so far, whether it is final, and milliseconds since the call's
zero."""


@dataclass(slots=True)
class _Segment:
    speaker: str
    identity: str
    text: str
    start_ms: int
    end_ms: int
    is_final: bool = False
    answered: int = 0
    """Characters that had come in when the caller last spoke."""


class Captions:
    """Collects the captions of one call. An agent's come word by word, as it speaks them; the caller's as they are understood."""

    def __init__(self, *, own_identity: str, now_ms: Callable[[], int], on_caption: OnCaption | None = None) -> None:
        self._own_identity = own_identity
        self._own_track_ids: set[str] = set()
        self._now_ms = now_ms
        self._on_caption = on_caption
        self._segments: dict[str, _Segment] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, room: rtc.Room) -> None:
        """Reads the room's transcriptions from now on; call it before connecting."""
        room.register_text_stream_handler(TOPIC, self._opened)

    def own_track(self, track_id: str) -> None:
        """Transcriptions of this track are the caller's own words, whoever sends them."""
        self._own_track_ids.add(track_id)

    def said_since(self) -> str:
        """What the agents have said since `answer` was last called."""
        parts = [s.text[s.answered :] for s in self._segments.values() if s.speaker != CALLER]
        return " ".join(part.strip() for part in parts if part.strip())

    def answer(self) -> None:
        """The caller speaks: what was said until now has had its answer."""
        for segment in self._segments.values():
            segment.answered = len(segment.text)

    @property
    def is_someone_mid_sentence(self) -> bool:
        """Whether an agent's caption is still being written."""
        return any(not s.is_final for s in self._segments.values() if s.speaker != CALLER)

    @property
    def settled_seconds(self) -> float:
        """For how long no agent's caption has grown; infinite when there has been none."""
        ends = [s.end_ms for s in self._segments.values() if s.speaker != CALLER]
        return (self._now_ms() - max(ends)) / 1000 if ends else float("inf")

    def all(self) -> tuple[Caption, ...]:
        """Every caption with words in it, by its beginning."""
        worded = [s for s in self._segments.values() if s.text.strip()]
        return tuple(
            Caption(s.speaker, s.identity, " ".join(s.text.split()), s.start_ms, s.end_ms)
            for s in sorted(worded, key=lambda s: s.start_ms)
        )

    async def close(self) -> None:
        """Stops reading."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _opened(self, reader: rtc.TextStreamReader, identity: str) -> None:
        task = asyncio.create_task(self._read(reader, identity))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, reader: rtc.TextStreamReader, identity: str) -> None:
        attributes = reader.info.attributes or {}
        is_own = identity == self._own_identity or attributes.get(_TRACK) in self._own_track_ids
        speaker = CALLER if is_own else service_of(identity)
        key = attributes.get(_SEGMENT) or reader.info.stream_id
        text = ""
        try:
            async for chunk in reader:
                text += chunk
                self.note(key, speaker, identity, text, is_final=False)
        except (ConnectionError, ValueError):
            pass  # the sender left in the middle of it: what came is what was said
        final = (reader.info.attributes or {}).get(_FINAL) == "true" or not is_own
        self.note(key, speaker, identity, text, is_final=final)

    def note(self, key: str, speaker: str, identity: str, text: str, *, is_final: bool) -> None:
        """The text so far of segment ``key``."""
        now = self._now_ms()
        segment = self._segments.get(key)
        if segment is None:
            if not text:
                return
            segment = self._segments[key] = _Segment(speaker, identity, text, now, now)
        elif segment.is_final:
            return
        if text != segment.text:
            segment.end_ms = now
        segment.text, segment.is_final = text or segment.text, is_final
        if self._on_caption is not None and text.strip():
            self._on_caption(speaker, " ".join(segment.text.split()), is_final, now)
