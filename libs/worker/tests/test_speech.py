"""Ears that say how sure they are, errors that quote nobody, and which server is asked for what."""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx2
import openai
import pytest
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, APIStatusError, APITimeoutError
from worker.agent.call_agent import CallAgent
from worker.service import Service, Voice
from worker.settings import Settings
from worker.speech import clips
from worker.speech import providers as speech
from worker.speech.providers import Provider, SpareSpeech, SureSTT
from worker.testing.text_call import make_settings

SERVICE = Service("billing", CallAgent, Voice("onyx"))
SAID = "my card is four one one one"
ONCE = APIConnectOptions(max_retry=0)
Answer = Callable[[httpx2.Request], httpx2.Response]


def ears_that_ask(answer: Answer) -> SureSTT:
    """SureSTT before a provider that answers as told, without a network between them."""
    client = openai.AsyncClient(
        api_key="key",
        base_url="http://speech.invalid/v1",
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=httpx2.MockTransport(answer)),
    )
    return SureSTT(model="whisper", client=client)


def some_speech() -> rtc.AudioFrame:
    return rtc.AudioFrame(data=bytes(2 * 2400), sample_rate=24000, num_channels=1, samples_per_channel=2400)


def heard(text: str, *logprobs: float) -> Answer:
    tokens = [{"token": "t", "logprob": value, "bytes": []} for value in logprobs]
    return lambda request: httpx2.Response(200, json={"text": text, "logprobs": tokens})


def refused(status: int) -> Answer:
    return lambda request: httpx2.Response(status, json={"error": {"message": f"cannot transcribe {SAID!r}"}})


def fails(error: Callable[..., Exception]) -> Answer:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise error(SAID, request=request)

    return answer


# --- how sure ---------------------------------------------------------------------------------------------------------
async def test_a_hearing_carries_its_words_and_how_sure_it_is() -> None:
    event = await ears_that_ask(heard("Hello.", math.log(0.9), math.log(0.4))).recognize(some_speech())
    (said,) = event.alternatives
    assert said.text == "Hello."
    assert said.confidence == pytest.approx(0.6)


async def test_the_provider_is_asked_for_its_probabilities() -> None:
    asked: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.read())
        return heard("Hello.", 0.0)(request)

    await ears_that_ask(answer).recognize(some_speech())
    (body,) = asked
    for part in (b'name="include[]"', b"logprobs", b'name="model"', b"whisper", b"RIFF"):
        assert part in body


@pytest.mark.parametrize(
    ("logprobs", "confidence"),
    [
        ([0.0, 0.0], 1.0),
        ([math.log(0.25)], 0.25),
        ([math.log(0.5), None], 0.5),
        ([-1000.0], 0.0),
        ([], 1.0),
        (None, 1.0),
    ],
    ids=["sure", "unsure", "a token without one", "lost", "none", "a server that gives none"],
)
def test_confidence_is_the_mean_probability_and_full_when_there_is_none(logprobs: Any, confidence: float) -> None:
    tokens = None if logprobs is None else [SimpleNamespace(logprob=value) for value in logprobs]
    assert speech._confidence(SimpleNamespace(logprobs=tokens)) == pytest.approx(confidence)


def test_a_reply_without_the_field_counts_as_sure() -> None:
    assert speech._confidence(SimpleNamespace(text="Hello.")) == 1.0


# --- what goes wrong --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (fails(httpx2.ReadTimeout), APITimeoutError),
        (fails(httpx2.ConnectTimeout), APITimeoutError),
        (fails(httpx2.ConnectError), APIConnectionError),
        (fails(httpx2.RemoteProtocolError), APIConnectionError),
        (refused(400), APIStatusError),
        (refused(401), APIStatusError),
        (refused(503), APIStatusError),
    ],
    ids=["slow answer", "slow connection", "nobody there", "broken off", "400", "401", "503"],
)
async def test_a_failure_becomes_livekits_own_error_and_quotes_nobody(
    answer: Answer, expected: type[Exception]
) -> None:
    with pytest.raises(expected) as caught:
        await ears_that_ask(answer).recognize(some_speech(), conn_options=ONCE)
    assert SAID not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(("status", "worth_a_retry"), [(400, False), (401, False), (429, True), (503, True)])
async def test_a_refusal_keeps_its_status_so_that_only_what_may_help_is_tried_again(
    status: int, worth_a_retry: bool
) -> None:
    with pytest.raises(APIStatusError) as caught:
        await ears_that_ask(refused(status)).recognize(some_speech(), conn_options=ONCE)
    assert (caught.value.status_code, caught.value.retryable) == (status, worth_a_retry)


# --- how fast it speaks -----------------------------------------------------------------------------------------------
async def test_every_voice_speaks_at_the_pace_that_it_was_told_last() -> None:
    spare = SpareSpeech("http://spare.invalid/v1", "key")
    provider = Provider(make_settings(speech_url="http://speech.invalid/v1"), SERVICE, spare=spare)
    asked: list[float] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(json.loads(request.read())["speed"])
        return httpx2.Response(503)

    steady = provider.voice()
    for voice in steady.voices:
        voice._client._client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    for speed in (None, 0.9):
        if speed is not None:
            provider.speak_at(speed)
        with pytest.raises(APIConnectionError):
            await clips.render(steady, "Hello.")
    await provider.aclose()
    assert asked == [1.0, 1.0, 0.9, 0.9], "the first one, and who stands in for it"


# --- whom it asks -----------------------------------------------------------------------------------------------------
def asked(settings: Settings) -> list[str]:
    """Which hosts hear, speak and think for these settings."""
    provider = Provider(settings, SERVICE)
    parts = (*provider.ears().ears, *provider.voice().voices, *provider.models())
    return [part._client.base_url.host for part in parts]


def test_a_speech_server_of_ones_own_is_asked_before_the_provider() -> None:
    settings = make_settings(speech_url="http://own.invalid/v1", openai_base_url="http://provider.invalid/v1")
    assert asked(settings) == ["own.invalid", "own.invalid", "provider.invalid"]


def test_without_one_the_provider_hears_speaks_and_thinks() -> None:
    settings = make_settings(speech_url="", openai_base_url="http://provider.invalid/v1")
    assert asked(settings) == ["provider.invalid"] * 3


def test_with_a_key_alone_it_is_openais_own() -> None:
    assert asked(make_settings(speech_url="", openai_api_key="key")) == ["api.openai.com"] * 3


def test_a_second_model_stands_behind_the_first_at_its_own_provider() -> None:
    settings = make_settings(
        openai_base_url="http://provider.invalid/v1",
        fallback_model="small",
        fallback_base_url="http://other.invalid/v1",
    )
    first, second = Provider(settings, SERVICE).models()
    assert (first._client.base_url.host, second._client.base_url.host) == ("provider.invalid", "other.invalid")
    assert second.model == "small"


def test_without_a_key_or_an_address_there_is_no_model() -> None:
    assert Provider(make_settings(), SERVICE).models() == []


def test_a_server_that_wants_no_key_is_sent_a_word_instead() -> None:
    assert Provider(make_settings(), SERVICE).ears().ears[0]._client.api_key == "none"


def test_a_service_speaks_in_its_own_voice() -> None:
    assert Provider(make_settings(), SERVICE).voice().voices[0]._opts.voice == "onyx"


def test_a_spare_provider_hears_and_speaks_second_with_its_own_models_and_voice() -> None:
    spare = SpareSpeech("http://spare.invalid/v1", "key", stt_model="whisper-1", tts_model="tts-1", voice="nova")
    provider = Provider(make_settings(speech_url="http://own.invalid/v1"), SERVICE, spare=spare)
    ears, voices = provider.ears().ears, provider.voice().voices
    assert [part._client.base_url.host for part in (*ears, *voices)] == ["own.invalid", "spare.invalid"] * 2
    assert (ears[1]._opts.model, voices[1]._opts.model, voices[1]._opts.voice) == ("whisper-1", "tts-1", "nova")


def test_a_spare_provider_without_names_of_its_own_uses_the_first_ones() -> None:
    provider = Provider(make_settings(), SERVICE, spare=SpareSpeech("http://spare.invalid/v1"))
    assert provider.voice().voices[1]._opts.voice == "onyx"
    assert provider.ears().ears[1]._opts.model == make_settings().stt_model


def test_only_a_server_of_ones_own_is_asked_in_vain() -> None:
    assert Provider(make_settings(speech_url="http://own.invalid/v1"), SERVICE).ears().may_guess
    assert not Provider(make_settings(speech_url="", openai_api_key="key"), SERVICE).ears().may_guess


async def test_closing_it_closes_every_connection() -> None:
    settings = make_settings(openai_base_url="http://provider.invalid/v1")
    provider = Provider(settings, SERVICE, spare=SpareSpeech("http://spare.invalid/v1"))
    await provider.aclose()
    assert all(ears._client.is_closed() for ears in provider.ears().ears)
    assert all(model._client.is_closed() for model in provider.models())
