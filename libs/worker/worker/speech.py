"""Ears, voice and brain of an agent, from the settings: OpenAI-compatible providers, or the embedded server and the playbook."""

from __future__ import annotations

import math
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


class Provider:
    """Ears, voice and brain of one job, over one HTTP client for speech and one for the model."""

    def __init__(self, settings: Settings, service: Service) -> None:
        self._settings = settings
        self._service = service
        speech_url = settings.speech_url or settings.openai_base_url
        self._speech = _client(settings, speech_url)
        self._model = (
            self._speech if speech_url == settings.openai_base_url else _client(settings, settings.openai_base_url)
        )

    def ears(self) -> lk_stt.STT[Any]:
        """Speech to text, with confidences."""
        return SureSTT(model=self._settings.stt_model, language="en", client=self._speech)

    def voice(self) -> openai.TTS:
        """Text to speech in the service's voice; raw PCM, so that the first frame needs no decoder."""
        return openai.TTS(
            model=self._settings.tts_model, voice=self._service.voice.name, response_format="pcm", client=self._speech
        )

    def brain(self) -> openai.LLM:
        """The language model (only when ``settings.has_model``)."""
        return openai.LLM(model=self._settings.llm_model, client=self._model)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._speech.close()
        await self._model.close()


def _client(settings: Settings, base_url: str) -> openai_sdk.AsyncClient:
    return openai_sdk.AsyncClient(
        api_key=settings.openai_api_key or _NO_KEY,
        base_url=base_url or None,
        max_retries=0,  # LiveKit's sessions retry; two layers of it would multiply a caller's wait
        http_client=httpx.AsyncClient(
            verify=_TLS,
            timeout=httpx.Timeout(20, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=20, keepalive_expiry=120),
            follow_redirects=True,
        ),
    )
