"""A made-up caller's ear: when somebody speaks, when it is his turn, and how long everything took. Seconds on this process's clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from local.caller.recording import service_of


class Ear:
    """Of one call. ``hears`` is told who is audible after every change.

    An answer is from the caller's word to a voice, a gap from one service's last sound to the next one's first, a silence from a strike to
    the next voice.
    """

    def __init__(
        self, *, now: Callable[[], float] = time.monotonic, told: Callable[[str, float], None] = lambda *_: None
    ) -> None:
        """``told`` hears of each duration at once: ``answers``, ``gaps`` or ``silences``, and seconds."""
        self._now = now
        self._told = told
        self._audible: tuple[str, ...] = ()
        self._changed = asyncio.Event()
        self.speaker = ""
        """Who was heard last."""
        self.silent_since = now()
        self.asked_at: float | None = None
        """When the caller said what he has had no answer to."""
        self.struck_at: float | None = None
        self.was_struck = False

    @property
    def is_spoken_to(self) -> bool:
        """Whether anybody is audible."""
        return bool(self._audible)

    def hears(self, audible: tuple[str, ...]) -> None:
        """After every change in the room."""
        if bool(audible) != bool(self._audible):
            if audible:
                self._begins(audible[0])
            else:
                self.silent_since = self._now()
        elif audible and audible != self._audible:
            self.speaker = audible[-1]
        self._audible = audible
        self._changed.set()

    def _begins(self, identity: str) -> None:
        now = self._now()
        if self.struck_at is not None:
            self._told("silences", now - self.struck_at)
        elif self.speaker and service_of(self.speaker) != service_of(identity):
            self._told("gaps", now - self.silent_since)
        elif self.asked_at is not None:
            self._told("answers", now - self.asked_at)
        self.struck_at = self.asked_at = None
        self.speaker = identity

    def struck(self, *, was_last: bool) -> None:
        """An agent's process was killed; nobody else is there to go on when it was the last."""
        self.was_struck = True
        if was_last:
            self.struck_at, self.asked_at = self._now(), None

    async def until(self, spoken_to: bool, within_seconds: float) -> bool:
        """Whether somebody was (or nobody was) audible within that time."""
        try:
            async with asyncio.timeout(within_seconds):
                while self.is_spoken_to != spoken_to:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True
