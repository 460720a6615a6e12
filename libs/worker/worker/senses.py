"""An agent's ears and mouth, as LiveKit's session uses them: what reaches it of the caller's voice, and the caller of its own."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

from livekit import rtc
from livekit.agents import Agent, ModelSettings, stt

from worker.backchannel import go_on, without_backchannels
from worker.first_sound import from_first_sound


class Senses(Agent):
    """Subclasses override ``is_listening``."""

    def is_listening(self, text: str, confidence: float) -> bool:
        """Whether a sound of the caller, transcribed with a confidence from 0 to 1, said no more than that he listens."""
        return False

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncIterator[stt.SpeechEvent | str]:
        """Speech to text, without the "uh-huh" of a caller who listens."""
        events = Agent.default.stt_node(self, audio, model_settings)
        async for event in without_backchannels(
            events, is_listening=self.is_listening, on_dropped=lambda: go_on(self.session)
        ):
            yield event

    def tts_node(self, text: AsyncIterable[str], model_settings: ModelSettings) -> AsyncIterator[rtc.AudioFrame]:
        """Text to speech, from its first sound on."""
        return from_first_sound(Agent.default.tts_node(self, text, model_settings))
