"""What the server answers, with a stand-in that hears and speaks: OpenAI's shapes, refusals that name field and limit."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import soundfile
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer

from local.speech import sound_files
from local.speech.server import application
from local.speech.whisper import Heard, Token

SENTENCE = np.full(24_000, 1000, np.int16)
SECRET = "my secret words"


class Parrot:
    """Engines that hear one sentence whatever is said, and say a second of the same for every full stop."""

    is_ready = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, float]] = []

    async def hear(self, samples: np.ndarray) -> Heard:
        return Heard("Hi there.", (Token(" Hi", -0.1), Token(" there.", -0.3)), -0.2, 0.01, samples.size / 16_000)

    async def speak(self, text: str, voice: Any, *, speed: float = 1.0) -> AsyncIterator[np.ndarray]:
        self.asked.append((text, voice.name, speed))
        for _sentence in range(max(1, text.count("."))):
            yield SENTENCE


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


@pytest.fixture
async def client(parrot: Parrot) -> AsyncIterator[TestClient[Any, Any]]:
    """Speaks to the server over loopback, the only network here."""
    async with TestClient(TestServer(application(parrot))) as client:  # type: ignore[arg-type]
        yield client


def _form(content: bytes | None = None, **fields: str) -> FormData:
    form = FormData()
    sound = sound_files.write(SENTENCE, 24_000, "wav") if content is None else content
    form.add_field("file", sound, filename="a.wav", content_type="audio/wav")
    for name, value in fields.items():
        form.add_field(name, value)
    return form


def _speech(**changed: Any) -> dict[str, Any]:
    return {"model": "tts-1", "input": "Hello.", "voice": "alloy", "response_format": "pcm"} | changed


async def _refused(answer: Any, param: str | None, *, status: int = 400) -> str:
    assert answer.status == status
    error = (await answer.json())["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param
    assert error["type"] == ("invalid_request_error" if status < 500 else "server_error")
    assert answer.headers["x-request-id"].startswith("req_")
    return str(error["message"])


async def test_a_transcript_is_a_text(client: TestClient[Any, Any]) -> None:
    answer = await client.post("/v1/audio/transcriptions", data=_form(model="whisper-1"))
    assert await answer.json() == {"text": "Hi there.", "usage": {"type": "duration", "seconds": 1.0}}


async def test_log_probabilities_come_when_they_are_asked_for(client: TestClient[Any, Any]) -> None:
    answer = await client.post("/v1/audio/transcriptions", data=_form(**{"include[]": "logprobs"}))
    logprobs = (await answer.json())["logprobs"]
    assert logprobs[0] == {"token": " Hi", "logprob": -0.1, "bytes": [32, 72, 105]}
    assert [token["token"] for token in logprobs] == [" Hi", " there."]


async def test_the_verbose_transcript_tells_how_sure_it_is(client: TestClient[Any, Any]) -> None:
    answer = await client.post("/v1/audio/transcriptions", data=_form(response_format="verbose_json"))
    body = await answer.json()
    assert (body["language"], body["duration"], body["text"]) == ("english", 1.0, "Hi there.")
    assert body["segments"][0]["avg_logprob"] == -0.2


async def test_a_transcript_may_be_plain_text(client: TestClient[Any, Any]) -> None:
    answer = await client.post("/v1/audio/transcriptions", data=_form(response_format="text"))
    assert await answer.text() == "Hi there.\n"


@pytest.mark.parametrize(
    ("content", "fields", "param"),
    [
        (b"", {}, "file"),
        (b"this is no sound", {}, "file"),
        (None, {"language": "de"}, "language"),
        (None, {"response_format": "srt"}, "response_format"),
        (None, {"stream": "true"}, "stream"),
    ],
)
async def test_a_transcription_that_cannot_be_is_refused(
    client: TestClient[Any, Any], content: bytes | None, fields: dict[str, str], param: str
) -> None:
    await _refused(await client.post("/v1/audio/transcriptions", data=_form(content, **fields)), param)


async def test_a_form_without_a_file_is_refused(client: TestClient[Any, Any]) -> None:
    form = FormData({"model": "whisper-1"}, default_to_multipart=True)
    await _refused(await client.post("/v1/audio/transcriptions", data=form), "file")


async def test_a_body_that_is_no_form_is_refused(client: TestClient[Any, Any]) -> None:
    await _refused(await client.post("/v1/audio/transcriptions", json={}), None)


async def test_a_file_that_is_too_long_or_too_large_is_refused_with_the_limit(client: TestClient[Any, Any]) -> None:
    long = sound_files.write(np.zeros(24_000 * 301, np.int16), 24_000, "flac")
    assert "300 s" in await _refused(await client.post("/v1/audio/transcriptions", data=_form(long)), "file")
    large = bytes(26 << 20)
    answer = await client.post("/v1/audio/transcriptions", data=_form(large))
    assert "25 MB" in await _refused(answer, "file", status=413)


async def test_speech_is_raw_pcm_at_24_khz(client: TestClient[Any, Any], parrot: Parrot) -> None:
    answer = await client.post("/v1/audio/speech", json=_speech(input="One. Two.", voice="onyx", speed=1.5))
    assert answer.content_type == "audio/pcm"
    assert answer.headers["x-request-id"].startswith("req_")
    assert await answer.read() == np.concatenate([SENTENCE, SENTENCE]).tobytes()
    assert parrot.asked == [("One. Two.", "onyx", 1.5)]


async def test_speech_as_events_is_the_same_audio(client: TestClient[Any, Any]) -> None:
    answer = await client.post("/v1/audio/speech", json=_speech(stream_format="sse"))
    assert answer.content_type == "text/event-stream"
    events = [json.loads(line[6:]) for line in (await answer.text()).splitlines() if line.startswith("data: ")]
    assert events[-1]["type"] == "speech.audio.done"
    audio = b"".join(base64.b64decode(e["audio"]) for e in events if e["type"] == "speech.audio.delta")
    assert audio == SENTENCE.tobytes()


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "opus", None])
async def test_speech_as_a_file_is_a_whole_file(client: TestClient[Any, Any], format: str | None) -> None:
    answer = await client.post("/v1/audio/speech", json=_speech(input="One. Two.", response_format=format))
    assert answer.content_type == sound_files.CONTENT_TYPES[format or "mp3"]
    samples, rate = soundfile.read(io.BytesIO(await answer.read()))
    assert len(samples) / rate == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": "  \n"}, "input"),
        ({"input": None}, "input"),
        ({"input": "a" * 4097}, "input"),
        ({"voice": "nobody"}, "voice"),
        ({"voice": None}, "voice"),
        ({"voice": ["alloy"]}, "voice"),
        ({"response_format": "aac"}, "response_format"),
        ({"stream_format": "websocket"}, "stream_format"),
        ({"speed": 5}, "speed"),
        ({"speed": "fast"}, "speed"),
        ({"speed": True}, "speed"),
    ],
)
async def test_speech_that_cannot_be_is_refused(
    client: TestClient[Any, Any], parrot: Parrot, changed: dict[str, Any], param: str
) -> None:
    await _refused(await client.post("/v1/audio/speech", json=_speech(**changed)), param)
    assert parrot.asked == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(client: TestClient[Any, Any], body: bytes) -> None:
    answer = await client.post("/v1/audio/speech", data=body, headers={"Content-Type": "application/json"})
    await _refused(answer, None)


async def test_an_unknown_voice_is_told_the_known_ones(client: TestClient[Any, Any]) -> None:
    message = await _refused(await client.post("/v1/audio/speech", json=_speech(voice="x")), "voice")
    assert "heart" in message
    assert "alloy" in message


async def test_an_unknown_path_and_method_are_refused_in_the_same_shape(client: TestClient[Any, Any]) -> None:
    await _refused(await client.get("/v1/nothing"), None, status=404)
    await _refused(await client.get("/v1/audio/speech"), None, status=405)


async def test_models_are_listed(client: TestClient[Any, Any]) -> None:
    body = await (await client.get("/v1/models")).json()
    assert [model["id"] for model in body["data"]] == ["whisper-1", "tts-1"]


async def test_nothing_is_ready_while_the_models_are_being_loaded(client: TestClient[Any, Any], parrot: Parrot) -> None:
    parrot.is_ready = False
    assert (await client.get("/health/live")).status == 200
    assert (await client.get("/health/ready")).status == 503
    for answer in (
        await client.post("/v1/audio/speech", json=_speech()),
        await client.post("/v1/audio/transcriptions", data=_form()),
    ):
        await _refused(answer, None, status=503)
        assert answer.headers["Retry-After"] == "1"
    parrot.is_ready = True
    assert (await client.get("/health/ready")).status == 200


async def test_what_was_said_is_neither_logged_nor_quoted(
    client: TestClient[Any, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await client.post("/v1/audio/speech", json=_speech(input=SECRET))
    await client.post("/v1/audio/transcriptions", data=_form())
    refused = await client.post("/v1/audio/speech", json=_speech(input=SECRET * 1000))
    assert SECRET not in await refused.text()
    logged = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert SECRET not in logged
    assert "Hi there" not in logged
