"""An agent's ears and mouth, as LiveKit's session uses them: what reaches it of the caller's voice, and the caller of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from livekit import rtc
from livekit.agents import Agent, AgentSession, ModelSettings, UserStateChangedEvent, stt
from telemetry import measure

from worker.agent.backchannel import go_on, without_backchannels
from worker.agent.card_numbers import without_cards
from worker.speech.first_sound import from_first_sound

_ENDS_SECONDS = 0.1
"""How much later than speech to text a session may notice that a voice has ended."""


class Senses(Agent):
    """Subclasses override ``is_listening``."""

    def is_listening(self, text: str, confidence: float) -> bool:
        """Whether a sound of the caller, transcribed with a confidence from 0 to 1, said no more than that he listens."""
        return False

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent | str]:
        """Speech to text, without the "uh-huh" of a caller who listens, and without card numbers."""
        events = after_the_voice(without_cards(Agent.default.stt_node(self, audio, model_settings)), self.session)
        async for event in without_backchannels(events, is_listening=self.is_listening, on_dropped=self._only_listens):
            yield event

    def _only_listens(self) -> None:
        measure.count("voicemesh_interruptions_total", {"kind": "backchannel"})
        go_on(self.session)

    def tts_node(self, text: AsyncIterable[str], model_settings: ModelSettings) -> AsyncIterator[rtc.AudioFrame]:
        """Text to speech, from its first sound on."""
        return from_first_sound(Agent.default.tts_node(self, text, model_settings))


async def after_the_voice(
    events: AsyncIterable[stt.SpeechEvent | str], session: AgentSession[Any]
) -> AsyncIterator[stt.SpeechEvent | str]:
    """``events``, a transcript not before ``session`` knows that the voice has ended: its own detector hears the same, but the words may
    overtake it, and would be taken for those of a voice that goes on."""
    async for event in events:
        if isinstance(event, stt.SpeechEvent) and event.type is stt.SpeechEventType.FINAL_TRANSCRIPT:
            await _voice_ends(session)
        yield event


async def _voice_ends(session: AgentSession[Any]) -> None:
    has_ended = asyncio.Event()

    def changed(event: UserStateChangedEvent) -> None:
        if event.new_state != "speaking":
            has_ended.set()

    session.on("user_state_changed", changed)
    try:
        if session.user_state == "speaking":
            async with asyncio.timeout(_ENDS_SECONDS):
                await has_ended.wait()
    except TimeoutError:
        pass  # he speaks again: these are the words before
    finally:
        session.off("user_state_changed", changed)
