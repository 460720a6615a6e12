"""A caller who says nothing is asked twice, then bidden goodbye."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from livekit.agents import AgentSession


class SilenceWatch:
    """Counts the caller's silences: ``on_silence(n)`` runs after each ``seconds`` in which neither side spoke (n from 1).

    The caller's voice starts the count anew; the agent's own words only restart the clock.
    """

    def __init__(
        self, session: AgentSession[Any], *, seconds: float, on_silence: Callable[[int], Awaitable[None]]
    ) -> None:
        self._session = session
        self._seconds = seconds
        self._on_silence = on_silence
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        session.on("user_state_changed", self._caller_changed)
        session.on("agent_state_changed", self._agent_changed)
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
