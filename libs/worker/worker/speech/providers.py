"""Ears, voice and brain of an agent, from the settings: OpenAI-compatible providers, or the embedded server and the playbook."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2 as httpx
import openai as openai_sdk
from livekit import rtc
from livekit.agents import NOT_GIVEN, APIConnectionError, APIConnectOptions, APIStatusError, APITimeoutError
from livekit.agents import stt as lk_stt
from livekit.agents.language import LanguageCode
from livekit.agents.types import NotGivenOr
from livekit.agents.utils import AudioBuffer
from livekit.plugins import openai

from worker.service import Service
from worker.settings import Settings
from worker.speech.steady_ears import SteadyEars
from worker.speech.steady_voice import Recorded, SteadyVoice

_NO_KEY = "none"
"""Sent to servers that want no key: the client library refuses an empty one."""
_CONNECT_SECONDS = 2.0
_TLS = httpx.create_ssl_context()
"""Made once, in the job processes' template: reading the certificates takes 50 ms of a caller's time otherwise."""


class SureSTT(openai.STT):
    """OpenAI's transcription endpoint, with how sure it is.

    The plugin does not ask for confidences. Here ``include[]=logprobs`` does, and the geometric mean of the tokens'
    probabilities becomes the transcript's confidence (0 to 1), so that an unsure hearing can lead to a question.
    """

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str | list[str]] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> lk_stt.SpeechEvent:
        try:
            reply = await self._client.audio.transcriptions.create(
                file=("speech.wav", rtc.combine_audio_frames(buffer).to_wav_bytes(), "audio/wav"),
                model=self._opts.model,
                language="en",
                response_format="json",
                include=["logprobs"],
                timeout=httpx.Timeout(15, connect=conn_options.timeout),
            )
        except openai_sdk.APITimeoutError:
            raise APITimeoutError() from None
        except openai_sdk.APIStatusError as e:
            # The body may quote what was said: only the status travels on.
            raise APIStatusError("transcription refused", status_code=e.status_code, request_id=e.request_id) from None
        except openai_sdk.APIConnectionError:
            raise APIConnectionError() from None
        heard = lk_stt.SpeechData(text=reply.text, language=LanguageCode("en"), confidence=_confidence(reply))
        return lk_stt.SpeechEvent(type=lk_stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[heard])


def _confidence(reply: Any) -> float:
    logprobs = [p.logprob for p in (getattr(reply, "logprobs", None) or []) if p.logprob is not None]
    return math.exp(sum(logprobs) / len(logprobs)) if logprobs else 1.0


SPEECH_TIMEOUT_SECONDS = 4.0
"""A speech provider's silence before the next in line is asked; its usual answer takes 0.3 to 1.5 s."""


@dataclass(frozen=True, slots=True)
class SpareSpeech:
    """An OpenAI-compatible speech provider that stands in when the first one fails; an empty name means the first one's."""

    url: str
    api_key: str = ""
    stt_model: str = ""
    tts_model: str = ""
    voice: str = ""


def spare_speech(settings: Settings) -> SpareSpeech | None:
    """The one in the settings; None when there is none: then the first provider gets a second try."""
    url = settings.fallback_speech_url
    if not url:
        return None
    return SpareSpeech(
        url,
        settings.fallback_api_key,
        stt_model=settings.fallback_stt_model,
        tts_model=settings.fallback_tts_model,
        voice=settings.fallback_voice,
    )


class Provider:
    """Ears, voice and brain of one job, over one HTTP client for speech and one for the model."""

    def __init__(self, settings: Settings, service: Service, *, spare: SpareSpeech | None = None) -> None:
        """``spare``: by default the settings'."""
        self._settings = settings
        self._service = service
        self._spare = spare or spare_speech(settings)
        self._spare_client = _client(self._spare.url, self._spare.api_key) if self._spare else None
        self._steady: list[SteadyEars | SteadyVoice] = []
        self._voices: list[openai.TTS] = []
        speech_url = settings.speech_url or settings.openai_base_url
        self._speech = _client(speech_url, settings.openai_api_key)
        self._model = (
            self._speech
            if speech_url == settings.openai_base_url
            else _client(settings.openai_base_url, settings.openai_api_key)
        )
        self._fallback = (
            _client(settings.fallback_base_url, settings.fallback_api_key)
            if settings.fallback_base_url or settings.fallback_api_key
            else self._model
        )

    def ears(self, *, on_lost: Callable[[], None] = lambda: None) -> SteadyEars:
        """Speech to text, with confidences. ``on_lost``: nobody can transcribe the caller any more."""
        ears = [SureSTT(model=self._settings.stt_model, language="en", client=self._speech)]
        if self._spare is not None:
            model = self._spare.stt_model or self._settings.stt_model
            ears.append(SureSTT(model=model, language="en", client=self._spare_client))
        # A provider bills every second it hears; a server of one's own is there anyway.
        may_guess = bool(self._settings.speech_url)
        steady = SteadyEars(ears, timeout_seconds=SPEECH_TIMEOUT_SECONDS, may_guess=may_guess, on_lost=on_lost)
        self._steady.append(steady)
        return steady

    def voice(
        self, *, recorded: Recorded = lambda text: None, on_lost: Callable[[], None] = lambda: None
    ) -> SteadyVoice:
        """Text to speech in the service's voice. ``recorded`` finds a sentence that is kept; ``on_lost``: nobody can speak."""
        names = (self._settings.tts_model, self._service.voice.name)
        voices = [_voice(*names, client=self._speech)]
        if self._spare is not None:
            spare = self._spare
            voices.append(_voice(spare.tts_model or names[0], spare.voice or names[1], client=self._spare_client))
        self._voices += voices
        steady = SteadyVoice(voices, timeout_seconds=SPEECH_TIMEOUT_SECONDS, recorded=recorded, on_lost=on_lost)
        self._steady.append(steady)
        return steady

    def speak_at(self, speed: float) -> None:
        """How fast its voices say their next sentences: 1 is the provider's usual pace, less is slower."""
        for voice in self._voices:
            voice.update_options(speed=speed)

    def models(self) -> list[openai.LLM]:
        """The language model and its stand-in, in the order in which they are asked; none without a key or an address."""
        if not self._settings.has_model:
            return []
        first = openai.LLM(model=self._settings.llm_model, client=self._model)
        if not self._settings.fallback_model:
            return [first]
        return [first, openai.LLM(model=self._settings.fallback_model, client=self._fallback)]

    async def aclose(self) -> None:
        """Closes the connections."""
        for steady in self._steady:
            await steady.aclose()
        for client in (self._speech, self._model, self._fallback, self._spare_client):
            if client is not None:
                await client.close()


def _voice(model: str, name: str, *, client: openai_sdk.AsyncClient | None) -> openai.TTS:
    """Raw PCM, so that the first frame needs no decoder."""
    return openai.TTS(model=model, voice=name, response_format="pcm", client=client)


def _client(base_url: str, api_key: str) -> openai_sdk.AsyncClient:
    return openai_sdk.AsyncClient(
        api_key=api_key or _NO_KEY,
        base_url=base_url or None,
        max_retries=0,  # LiveKit's sessions retry; two layers of it would multiply a caller's wait
        http_client=httpx.AsyncClient(
            verify=_TLS,
            timeout=httpx.Timeout(20, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=20, keepalive_expiry=120),
            follow_redirects=True,
        ),
    )
