"""What a listener says to show that he listens ("uh-huh", "I see") is no turn of his: it does not take the word from an agent.

Whoever falls silent for a caller's first word within 600 ms cannot wait to hear whether it is one: the agent pauses for either.
When speech to text has made a backchannel of it, the agent goes on at once where it stopped.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

from livekit.agents import AgentSession, stt

_LISTENING = (
    r"(?:u+h+[ -]?h+u+h+|m+[ -]?h+m+|m\W?h\W?m+|h+m+|m+|a+h+|o+h+|aha|right|i see|gotcha|got it|interesting|really|wow)"
)
_BACKCHANNEL = re.compile(rf"\W*{_LISTENING}(?:\W+{_LISTENING})*\W*", re.IGNORECASE)
"""Never a word that could be an answer ("yes", "okay", "no"): those are taken for one."""
_MUMBLE_SECONDS = 1.2
"""What is no longer, and cannot be made out, is such a sound as well: recognisers write "uh-huh" as "Aye" or "I'm home". With the
0.3 s of silence that end it."""
_FAREWELL = re.compile(r"\W*(?:good)?bye(?:\W*(?:good)?bye)*\W*", re.IGNORECASE)
_FAREWELL_CONFIDENCE = 0.6
"""By telephone "uh-huh" is written as "Bye-bye" with a confidence of up to 0.50, and a "Bye" with 0.51 to 0.66 (three voices, Whisper tiny).
Who says goodbye in the middle of our sentence says it again at its end, or hangs up; who only listened would have lost his call."""


def is_backchannel(text: str) -> bool:
    """Whether nothing was said but that the caller listens."""
    return bool(_BACKCHANNEL.fullmatch(text))


def is_mumble(text: str, seconds: float, confidence: float, *, min_confidence: float) -> bool:
    """Whether a voice of ``seconds`` is too short and too unclear to be what it was taken for."""
    needed = max(min_confidence, _FAREWELL_CONFIDENCE) if _FAREWELL.fullmatch(text) else min_confidence
    return seconds <= _MUMBLE_SECONDS and confidence < needed


async def without_backchannels(
    events: AsyncIterable[stt.SpeechEvent | str],
    *,
    is_listening: Callable[[str, float], bool],
    on_dropped: Callable[[], None] = lambda: None,
) -> AsyncIterator[stt.SpeechEvent | str]:
    """The events of speech to text, less the final transcripts of which ``is_listening`` (text, confidence from 0 to 1) is true.

    ``on_dropped`` is told of each that is not passed on.
    """
    async for event in events:
        if (heard := _heard(event)) is not None and is_listening(*heard):
            on_dropped()
        else:
            yield event


def is_in_mid_sentence(session: AgentSession[Any]) -> bool:
    """Whether the agent speaks, or has only paused for a sound: an "uh" may be followed by its "huh"."""
    activity = session._activity
    return session.agent_state == "speaking" or (activity is not None and activity._paused_speech is not None)


def go_on(session: AgentSession[Any]) -> None:
    """A paused agent goes on with its sentence now, unless the caller is speaking again.

    By itself the session would wait ``false_interruption_timeout``, as it must for a voice without words. It has no public way to
    say that the wait is over.
    """
    activity = session._activity
    if activity is not None and activity._paused_speech is not None and session.user_state != "speaking":
        activity._start_false_interruption_timer(0.0)


def _heard(event: stt.SpeechEvent | str) -> tuple[str, float] | None:
    if isinstance(event, str):
        return event, 1.0
    if event.type is not stt.SpeechEventType.FINAL_TRANSCRIPT or not event.alternatives:
        return None
    return event.alternatives[0].text, event.alternatives[0].confidence
