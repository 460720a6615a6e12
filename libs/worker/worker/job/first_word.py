"""Proof of being heard: the first frame that plays. An agent that holds the floor and has none is not the call's agent.

It would renew its lease for ever, and nobody else could speak: to everybody but the caller the call would look well.
"""

from __future__ import annotations

import asyncio
import logging

from worker.agent.cast import Cast
from worker.job.desk import Desk
from worker.speech.voice_gate import VoiceGate

log = logging.getLogger("voicemesh.first_word")


class FirstWord:
    """Listens at a gate from its making on."""

    def __init__(self, gate: VoiceGate) -> None:
        self._played = asyncio.Event()
        gate.on("playback_started", lambda _: self._played.set())

    async def plays_within(self, seconds: float) -> bool:
        """Whether a frame has played by then."""
        try:
            async with asyncio.timeout(seconds):
                await self._played.wait()
        except TimeoutError:
            return False
        return True


async def never_played(desk: Desk, cast: Cast) -> None:
    """Who holds the floor and is not heard: not a sound any more, and the call is free for a successor at once."""
    log.error("the first word did not play", extra={"call_id": desk.call_id})
    cast.gate.shut()
    await cast.checkpoint.abandon()
    desk.leaving.leave("never heard")
