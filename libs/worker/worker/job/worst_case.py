"""The worst case: nobody can speak to the caller any more, or hear him. He hears why, from a recording if need be, and is called back."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import numpy as np
from handoff.call import Ending
from handoff.store import Store
from livekit import rtc
from livekit.agents import NOT_GIVEN, ToolError

from worker.agent.cast import Cast
from worker.handover import callback_ticket
from worker.speech import clips
from worker.speech.kept_clips import APOLOGY, KeptClips

log = logging.getLogger("voicemesh.worst_case")

TECHNICAL_PROBLEM = "technical_problem"
"""The prompt that promises a callback; APOLOGY is said when none could be noted."""
_TICKET_SECONDS = 1.5
_LAST_WORDS_SECONDS = 12.0
_RATE = 24000
_TONES_HERTZ, _TONE_SECONDS = (950, 1400, 1800), 0.33
"""The special information tone of ITU-T E.180, which telephones know as "this call cannot be completed"."""


async def say_last_words(cast: Cast, kept: KeptClips, store: Store, *, service: str, can_speak: bool) -> Ending:
    """Tells the caller that this call cannot go on, and how it then ends. Returns when he has heard it; bounded.

    ``can_speak`` is false when the voice is lost: then it is a recording, or three tones when there is none.
    """
    ending, name = Ending.FAILED, APOLOGY
    with suppress(ToolError, TimeoutError):
        async with asyncio.timeout(_TICKET_SECONDS):
            await callback_ticket.leave_ticket(store, cast.checkpoint, service)
        ending, name = Ending.CALLBACK_BOOKED, TECHNICAL_PROBLEM
    text = kept.text(name)
    clip = kept.find(text) or (None if can_speak else special_tone())
    with suppress(RuntimeError, TimeoutError):  # the session has closed meanwhile
        cast.session.interrupt(force=True)
        speech = cast.session.say(text, audio=clips.played(clip) if clip else NOT_GIVEN, allow_interruptions=False)
        async with asyncio.timeout(_LAST_WORDS_SECONDS):
            await speech.wait_for_playout()
    log.warning("the call cannot go on: %s", ending, extra={"call_id": cast.checkpoint.call.call_id})
    return ending


def special_tone() -> tuple[rtc.AudioFrame, ...]:
    """Three rising tones, one second: what there is to hear when there is no voice and no recording."""
    at = np.arange(int(_RATE * _TONE_SECONDS)) / _RATE
    tones = [np.sin(2 * np.pi * hertz * at) for hertz in _TONES_HERTZ]
    return clips.frames((np.concatenate(tones) * 6000).astype(np.int16), _RATE)
