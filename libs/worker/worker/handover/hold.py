"""On hold: a caller waits in line for a busy service, with music and his position, and is heard all the while.

The line is the store's: all workers of all services that wait for one service stand in it, who is past patience first. Who stands
before as many places as are free goes through. It ends with a place, with the caller's wish, or with the time that is set.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from functools import lru_cache
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from handoff.errors import PeerUnreachable, StoreUnavailable
from handoff.store import Store
from livekit import rtc
from telemetry import measure

from worker.playbook.conversation import Answer, yes_or_no
from worker.speech import clips

_POLL_SECONDS = 1.0
"""How often the line and the service are looked at."""
_REPEAT_SECONDS = 15.0
"""After so long a caller hears his position again."""
_SOON_SECONDS = 6.0
"""A new position is not told sooner than this after the last word: music between two sentences calms."""
FRUSTRATED_PRIORITY = 10
"""Place in line of a caller who is past patience; everybody else has 0."""

_RATE = 24_000
_NOTES_HZ = (392.0, 493.9, 587.3, 659.3, 587.3, 493.9, 440.0, 523.3)
"""G4 B4 D5 E5 D5 B4 A4 C5: in the band of a telephone, and never louder than a voice."""
_NOTE_SECONDS = 0.55
_LOUDNESS = 0.045
"""Peak, of full scale: about -27 dBFS, half as loud as speech is heard."""

_CALLBACK = re.compile(
    r"\b(?:call(?:ed|ing)?|ring|phone) (?:me|us) (?:back|later)\b|\bcall-?backs?\b|\ba call back\b", re.IGNORECASE
)
_NO_LONGER = re.compile(
    r"\b(?:never ?mind|forget (?:it|that|about it)|good ?bye|bye|hang(?:ing)? up|call (?:you )?(?:back |again )?(?:later|tomorrow|another time)"
    r"|(?:don't|do not|won't|will not|can't|cannot|not) (?:want to |going to |like to |have time to |gonna )?(?:wait|hold|stay)"
    r"|(?:rather|prefer) not|no time|stop (?:it|this|the music|waiting)|(?:can|could) you help(?: me)?)\b",
    re.IGNORECASE,
)


class Waited(StrEnum):
    """How a wait ended."""

    FREE = "free"
    TIMED_OUT = "timed_out"
    NO_LONGER = "no_longer"
    """The caller does not want to wait any longer."""
    CALLBACK = "callback"
    """The caller would rather be called back."""
    GONE = "gone"
    """The service cannot be reached any more."""


class Overheard:
    """What the caller says while the call is being moved: the brain waits, so nobody answers it yet."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._read = 0
        self._new = asyncio.Event()

    def note(self, words: str) -> None:
        """The caller said this."""
        self._said.append(words)
        self._new.set()

    def clear(self) -> None:
        """A new transfer begins."""
        self._said.clear()
        self._read = 0
        self._new.clear()

    @property
    def is_new(self) -> bool:
        """Whether something was said since the last look."""
        return self._new.is_set()

    @property
    def everything(self) -> str:
        """All of it, as one text."""
        return " ".join(self._said)

    async def next(self, timeout_seconds: float) -> str:
        """What was said since the last look; empty when nothing comes in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._new.wait()
        self._new.clear()
        new, self._read = self._said[self._read :], len(self._said)
        return " ".join(new)


class Mouth(Protocol):
    """What a hold says and plays; see announcing.Announcer."""

    async def on_hold(self, target: str, position: int) -> None:
        """Why the caller waits, and his position."""

    async def position(self, position: int, *, was_heard: bool) -> None:
        """His position now."""

    def play(self, frames: Any) -> Any:
        """Music, until ``stop``; it has ``done()``."""

    async def stop(self, music: Any) -> None:
        """Ends it."""


def wish_of(words: str) -> Waited | None:
    """Whether what the caller says ends his wait, and how."""
    if _CALLBACK.search(words):
        return Waited.CALLBACK
    if _NO_LONGER.search(words) or yes_or_no(words) is Answer.NO:
        return Waited.NO_LONGER
    return None


class Hold:
    """``async with Hold(...) as hold``: one caller's wait for one service; he leaves the line at its end."""

    def __init__(
        self,
        store: Store,
        mouth: Mouth,
        overheard: Overheard,
        *,
        service: str,
        call_id: str,
        seconds: float,
        free: Callable[[], Awaitable[int]],
        priority: Callable[[], int],
        caller_is_done: Callable[[], Awaitable[None]],
    ) -> None:
        """``seconds``: longest wait. ``free`` tells how many places the service has, and raises PeerUnreachable when it is gone.
        ``caller_is_done`` returns when the caller is not in the middle of a sentence."""
        self._store = store
        self._mouth = mouth
        self._overheard = overheard
        self._service = service
        self._call_id = call_id
        self._free = free
        self._priority = priority
        self._caller_is_done = caller_is_done
        self._clock = asyncio.get_running_loop().time
        self._until = self._clock() + seconds
        self._told: int | None = None
        """The position that the caller heard last."""
        self._told_at = 0.0
        self._had_a_place = False
        self._music: Any = None

    async def __aenter__(self) -> Hold:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.leave_line()

    async def leave_line(self) -> None:
        """Who stands behind him moves up; an absent store forgets him by itself."""
        with suppress(StoreUnavailable):
            await self._store.leave_line(self._service, self._call_id)

    async def until_free(self) -> Waited:
        """Returns with the first end of the wait; after FREE it may be asked again, when the place was gone after all."""
        began = self._clock()
        ended: Waited | None = None
        try:
            ended = await self._wait()
            return ended
        finally:
            outcome = {Waited.FREE: "taken", Waited.NO_LONGER: "gave_up", Waited.CALLBACK: "gave_up"}
            labels = {"to": self._service, "outcome": outcome.get(ended, "other") if ended else "other"}
            measure.observe("voicemesh_queue_wait_seconds", self._clock() - began, labels, call_id=self._call_id)
            await self._silence()

    async def _wait(self) -> Waited:
        is_again, self._had_a_place = self._had_a_place, False
        while True:
            position = await self._position()
            try:
                places = await self._free()
            except PeerUnreachable:
                return Waited.GONE
            if places >= max(position, 1) and not is_again:
                await self._caller_is_done()
                self._had_a_place = True
                return wish_of(await self._overheard.next(0)) or Waited.FREE
            is_again = False  # it had a place and did not give it: not before the next look
            if self._clock() >= self._until:
                return Waited.TIMED_OUT
            await self._tell(position)
            left = self._until - self._clock()
            words = await self._overheard.next(max(0.0, min(_POLL_SECONDS, left)))
            if not words:
                continue
            if (wish := wish_of(words)) is not None:
                return wish
            await self._say(self._mouth.position(position, was_heard=True), position)

    async def _position(self) -> int:
        """0 when the line cannot be seen: then it is whoever comes first."""
        try:
            return await self._store.wait_in_line(self._service, self._call_id, priority=self._priority())
        except StoreUnavailable:
            return 0

    async def _tell(self, position: int) -> None:
        since = self._clock() - self._told_at
        if self._told is None:
            await self._say(self._mouth.on_hold(self._service, position), position)
        elif since >= _REPEAT_SECONDS or (position != self._told and since >= _SOON_SECONDS):
            await self._say(self._mouth.position(position, was_heard=False), position)
        if self._music is None or self._music.done():
            await self._caller_is_done()
            if not self._overheard.is_new:  # what he says is answered first
                self._music = self._mouth.play(clips.played(music()))

    async def _say(self, sentence: Awaitable[None], position: int) -> None:
        await self._caller_is_done()
        await self._silence()
        await sentence
        self._told, self._told_at = position, self._clock()

    async def _silence(self) -> None:
        music, self._music = self._music, None
        if music is not None:
            await self._mouth.stop(music)


def music() -> Iterator[rtc.AudioFrame]:
    """Hold music without end, in frames of 20 ms: soft tones, made here, so that there is no file and nobody's right to it."""
    return itertools.cycle(_melody())


@lru_cache(maxsize=1)
def _melody() -> tuple[rtc.AudioFrame, ...]:
    """Once through the notes, each struck softly and fading into the next."""
    step = int(_RATE * _NOTE_SECONDS)
    track = np.zeros(step * len(_NOTES_HZ))
    at = np.arange(step * 3) / _RATE
    swell = np.minimum(at / 0.04, 1.0) * np.exp(-at / 0.45)
    for number, pitch in enumerate(_NOTES_HZ):
        tone = (np.sin(2 * np.pi * pitch * at) + 0.25 * np.sin(4 * np.pi * pitch * at)) * swell
        # Round the end of the loop: the last note fades into the first.
        track[(number * step + np.arange(len(tone))) % len(track)] += tone
    samples = track / np.abs(track).max() * _LOUDNESS * 32767
    return clips.frames(samples.astype(np.int16), _RATE)
