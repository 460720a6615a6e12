"""The floor, enforced in the process: an agent without it is never heard.

A VoiceGate is the top of the session's audio output. Closed, it holds whatever the agent says, so that a waiting taker has its
first sentence rendered and ready; open, it lets everything pass; shut (floor lost, for good), it drops everything.
"""

from __future__ import annotations

import asyncio

from livekit import rtc
from livekit.agents.voice import io

from worker.speech.unheard import keep_unheard


class VoiceGate(io.AudioOutput):
    """Wraps the room's audio output. ``first_frame`` is set when a closed gate holds a rendered sentence."""

    def __init__(self, next_in_chain: io.AudioOutput, *, is_open: bool) -> None:
        super().__init__(
            label="VoiceGate",
            next_in_chain=next_in_chain,
            sample_rate=next_in_chain.sample_rate,
            capabilities=io.AudioOutputCapabilities(pause=True),
        )
        self._unheard = keep_unheard(next_in_chain)
        self.first_frame = asyncio.Event()
        self._open = asyncio.Event()
        self._is_shut = False
        if is_open:
            self._open.set()

    @property
    def is_open(self) -> bool:
        """Whether what the agent says is heard."""
        return self._open.is_set() and not self._is_shut

    def open(self) -> None:
        """The floor is ours: what is held flows at once."""
        self._open.set()

    def close(self) -> None:
        """What the agent says from now on is held until the gate opens again."""
        self._open.clear()

    def shut(self) -> None:
        """The floor is lost, for good: what still plays is cut and nothing more passes."""
        self._is_shut = True
        self._open.set()
        self.clear_buffer()

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Passes a frame on when the gate is open; waits while it is closed; drops it when it is shut."""
        self.first_frame.set()
        while not (self._open.is_set() or self._is_shut):  # it may have been closed again before we woke up
            await self._open.wait()
        if self._is_shut:
            return
        await super().capture_frame(frame)
        assert self.next_in_chain is not None
        await self.next_in_chain.capture_frame(frame)

    def flush(self) -> None:
        """Ends the current segment, here and below."""
        super().flush()
        if self.next_in_chain is not None:
            self.next_in_chain.flush()

    def pause(self) -> None:
        """Falls silent in mid-sentence; nothing of it is lost when it is resumed."""
        if self._unheard is not None:
            self._unheard.is_paused = True
        super().pause()

    def resume(self) -> None:
        """Goes on where the pause began."""
        if self._unheard is not None:
            self._unheard.is_paused = False
        super().resume()

    def clear_buffer(self) -> None:
        """Cuts what is playing."""
        if self._unheard is not None:
            self._unheard.forget()
        if self.next_in_chain is not None:
            self.next_in_chain.clear_buffer()
