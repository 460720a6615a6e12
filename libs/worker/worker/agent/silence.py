"""A caller who says nothing is asked twice, then bidden goodbye. One who asked us to wait is waited for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from livekit.agents import AgentSession

PATIENT_SECONDS = 45.0
"""How long a caller may look for his papers who said "hold on a second"."""
_ASKS_TO_WAIT = re.compile(
    r"\b(?:hold on|hang on|one (?:second|sec|moment|minute)|just a (?:second|sec|moment|minute)|give me a (?:second|sec|moment|minute)"
    r"|wait a (?:second|sec|moment|minute)|let me (?:look|check|find|see|get|grab)|bear with me)\b",
    re.IGNORECASE,
)


def asks_to_wait(text: str) -> bool:
    """Whether a caller's turn asks us to wait for him."""
    return bool(_ASKS_TO_WAIT.search(text))


class SilenceWatch:
    """Counts the caller's silences: ``on_silence(n)`` runs after each ``seconds`` in which neither side spoke (n from 1).

    The caller's voice starts the count anew; the agent's own words only restart the clock.
    """

    def __init__(
        self, session: AgentSession[Any], *, seconds: float, on_silence: Callable[[int], Awaitable[None]]
    ) -> None:
        self._session = session
        self._seconds = self._usual = seconds
        self._on_silence = on_silence
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        session.on("user_state_changed", self._caller_changed)
        session.on("agent_state_changed", self._agent_changed)
        self._restart()

    def heard(self, text: str) -> None:
        """A turn of the caller, spoken or typed: after "hold on a second" he gets PATIENT_SECONDS, until he speaks again."""
        self._count = 0
        self._seconds = max(self._usual, PATIENT_SECONDS) if asks_to_wait(text) else self._usual
        self._restart()

    def stop(self) -> None:
        """No more silences are counted."""
        self._session.off("user_state_changed", self._caller_changed)
        self._session.off("agent_state_changed", self._agent_changed)
        if self._timer is not None:
            self._timer.cancel()

    def _caller_changed(self, event: object) -> None:
        if self._session.user_state == "speaking":
            self._count = 0
        self._restart()

    def _agent_changed(self, event: object) -> None:
        self._restart()

    def _restart(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._session.user_state != "speaking" and self._session.agent_state in ("listening", "idle"):
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._silent)

    def _silent(self) -> None:
        self._timer = None
        self._count += 1
        self._task = asyncio.ensure_future(self._on_silence(self._count))
