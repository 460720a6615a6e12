"""Who may come in: calls that run, plus places kept for accepted offers whose agent is still on its way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from handoff.outcome import Refusal

_LIVEKIT_AWAY_SECONDS = 10.0
"""So long nobody is recovered from here after LiveKit did not answer us. The worker's own connection notices a network that takes
packets and brings none only after 30 s, and what is seized meanwhile is silent for a whole lease."""


class Admission:
    """Counts places in the worker's main process. ``running`` gives the number of live jobs.

    A place kept for an offer that never turns into a job is free again after ``hold_seconds``.
    """

    def __init__(
        self,
        capacity: int,
        *,
        running: Callable[[], int],
        hold_seconds: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacity = capacity
        self._running = running
        self._hold_seconds = hold_seconds
        self._now = now
        self._kept: dict[str, float] = {}
        self.draining = False
        self._is_connected = True
        self._livekit_away_until = -math.inf

    @property
    def is_connected(self) -> bool:
        """False while LiveKit cannot send us calls: an offer taken then would wait for an agent that never comes."""
        return self._is_connected

    @is_connected.setter
    def is_connected(self, is_connected: bool) -> None:
        self._is_connected = is_connected
        if is_connected:  # anew: LiveKit answers
            self._livekit_away_until = -math.inf

    def livekit_did_not_answer(self) -> None:
        """Calls are recovered by others for a while."""
        self._livekit_away_until = self._now() + _LIVEKIT_AWAY_SECONDS

    @property
    def reaches_livekit(self) -> bool:
        """Whether a call that lost its agent may be recovered from here: LiveKit has us, and has answered when it was asked."""
        return self._is_connected and self._now() >= self._livekit_away_until

    @property
    def capacity(self) -> int:
        """Most calls at once."""
        return self._capacity

    @property
    def active(self) -> int:
        """Calls that run now."""
        return self._running()

    @property
    def taken(self) -> int:
        """Running calls and kept places."""
        deadline = self._now()
        self._kept = {handoff: until for handoff, until in self._kept.items() if until > deadline}
        return self._running() + len(self._kept)

    def try_admit(self, handoff_id: str) -> Refusal | None:
        """Keeps a place for a handoff, or says why not. The same handoff asked again keeps its one place."""
        if self.draining:
            return Refusal.DRAINING
        if not self.is_connected or (handoff_id not in self._kept and self.taken >= self._capacity):
            return Refusal.AT_CAPACITY
        self._kept[handoff_id] = self._now() + self._hold_seconds
        return None

    def refuse_job(self, handoff_id: str = "") -> Refusal | None:
        """Why LiveKit should offer a job to another worker; None when it may come in. A place that was promised to its
        handoff is its own, whatever happened meanwhile."""
        taken = self.taken
        if handoff_id in self._kept:
            return None
        if self.draining:
            return Refusal.DRAINING
        return Refusal.AT_CAPACITY if taken >= self._capacity else None

    def keep(self, place: str) -> None:
        """Keeps a place, until it is released, for a job that LiveKit was promised and that is not among the running ones yet."""
        self._kept[place] = math.inf

    def release(self, handoff_id: str) -> None:
        """The place is needed no more: the job runs, or the offer was withdrawn."""
        self._kept.pop(handoff_id, None)
