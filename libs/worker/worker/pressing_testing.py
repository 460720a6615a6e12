"""A keypad for tests: a room in which keys are pressed, with no LiveKit behind it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from livekit import rtc

CALLER = "caller-1"
"""Who the caller of ``handoff.testing.make_call`` is in the room."""


class KeyRoom(rtc.EventEmitter[Any]):
    """Whoever listens to a room's keys hears those that a test presses."""

    def press(self, keys: str, *, by: str | None = CALLER) -> None:
        """One after the other, at once; None: a server sent them."""
        sender: Any = SimpleNamespace(identity=by) if by is not None else None
        for key in keys:
            self.emit("sip_dtmf_received", rtc.SipDTMF(code=0, digit=key, participant=sender))
