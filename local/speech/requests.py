"""What a client may ask for: the fields of OpenAI's requests, checked, with the limits of this server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, web

from local.speech.refusal import Refusal
from local.speech.sound_files import CONTENT_TYPES
from local.speech.voices.catalogue import VOICES, Voice

UPLOAD_BYTES_MAX = 25 << 20
"""OpenAI's own limit for a file."""
SECONDS_MAX = 300.0
"""Of audio in one transcription: about 10 s of work."""
CHARACTERS_MAX = 4096
"""OpenAI's own limit for the text of one speech."""
_SPEED_MIN, _SPEED_MAX = 0.25, 4.0
_TRANSCRIPT_FORMATS = ("json", "verbose_json", "text")
_STREAM_FORMATS = ("audio", "sse")


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """An upload, and how its transcript is wanted."""

    content: bytes
    response_format: str
    with_logprobs: bool


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A text, who says it, and how it is sent."""

    text: str
    voice: Voice
    response_format: str
    speed: float
    as_events: bool


async def transcription_request(request: web.Request) -> TranscriptionRequest:
    """Reads the form. Raises Refusal. `prompt` and `temperature` are taken and change nothing."""
    content, fields = await _form(request)
    if content is None:
        raise Refusal("file is missing", param="file")
    if not content:
        raise Refusal("file is empty", param="file")
    language = fields.get("language", ["en"])[-1]
    if language and not language.lower().startswith("en"):
        raise Refusal("language: this server hears English only", param="language")
    if fields.get("stream", ["false"])[-1].lower() == "true":
        raise Refusal("stream: this server sends the transcript whole", param="stream")
    wanted = fields.get("response_format", ["json"])[-1]
    if wanted not in _TRANSCRIPT_FORMATS:
        raise Refusal(f"response_format is one of {', '.join(_TRANSCRIPT_FORMATS)}", param="response_format")
    include = [*fields.get("include[]", []), *fields.get("include", [])]
    return TranscriptionRequest(content, wanted, "logprobs" in include)


async def speech_request(request: web.Request) -> SpeechRequest:
    """Reads the JSON body. Raises Refusal."""
    try:
        body = await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise Refusal("the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal("the body is not a JSON object")
    return SpeechRequest(
        text=_text(body),
        voice=_voice(body),
        response_format=_one_of(body, "response_format", "mp3", tuple(CONTENT_TYPES)),
        speed=_speed(body),
        as_events=_one_of(body, "stream_format", "audio", _STREAM_FORMATS) == "sse",
    )


def _text(body: dict[str, Any]) -> str:
    text = body.get("input")
    if not isinstance(text, str) or not text.strip():
        raise Refusal("input must be a text that is not empty", param="input")
    if len(text) > CHARACTERS_MAX:
        raise Refusal(f"input has {len(text)} characters, the limit is {CHARACTERS_MAX}", param="input")
    return text


def _voice(body: dict[str, Any]) -> Voice:
    name = body.get("voice")
    voice = VOICES.get(name) if isinstance(name, str) else None
    if voice is None:
        raise Refusal(f"voice is one of {', '.join(sorted(VOICES))}", param="voice")
    return voice


def _speed(body: dict[str, Any]) -> float:
    speed = body.get("speed")
    if speed is None:
        return 1.0
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not _SPEED_MIN <= speed <= _SPEED_MAX:
        raise Refusal(f"speed is a number from {_SPEED_MIN} to {_SPEED_MAX}", param="speed")
    return float(speed)


def _one_of(body: dict[str, Any], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = body.get(name) or default
    if value not in allowed:
        raise Refusal(f"{name} is one of {', '.join(allowed)}", param=name)
    return str(value)


async def _form(request: web.Request) -> tuple[bytes | None, dict[str, list[str]]]:
    """The file's bytes, and the other fields, each with all its values."""
    if request.content_type != "multipart/form-data":
        raise Refusal("the body must be multipart/form-data")
    content: bytes | None = None
    fields: dict[str, list[str]] = {}
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise Refusal("a form within the form is not understood")
            if part.name == "file":
                content = await _upload(part)
            elif part.name:
                fields.setdefault(part.name, []).append(await part.text())
    except ValueError:
        raise Refusal("the body is not a well-formed multipart form") from None
    return content, fields


async def _upload(part: BodyPartReader) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(1 << 16):
        content += chunk
        if len(content) > UPLOAD_BYTES_MAX:
            raise Refusal(f"file is larger than {UPLOAD_BYTES_MAX >> 20} MB", param="file", status=413)
    return bytes(content)
