"""A listener: writes down what can be heard at the caller's ear, stretch by stretch, with nothing but the audio to go by."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from local.caller.band import FRAME, RATE, Samples
from local.caller.ear import Speech, audible, who_speaks_when
from local.caller.recording import Recording, service_of
from local.caller.voice import SpeechUnavailable

_RATE = 16_000
_MARGIN_FRAMES = 15
_TOGETHER_FRAMES = 2_000
"""Stretches are put together up to 20 s: a reference that is spelled with pauses must not be heard in two halves."""
_LONGEST_FRAMES = 2_500
"""A longer stretch is cut, at its longest pause: recognition takes no more than 30 s at once."""
_JOIN_FRAMES = 120
"""Stretches of one speaker closer than 1.2 s are listened to together: sentences help each other."""
_JOIN_FRAMES_AGAIN = 25
"""The second time each sentence is listened to by itself."""
_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Note:
    """What the listener wrote down of one stretch, and whose voice it was."""

    service: str
    text: str
    start_ms: int
    end_ms: int


async def listen(recording: Recording, *, speech_url: str, again: bool = False) -> tuple[Note, ...]:
    """Transcribes what the caller heard. Who spoke is known from the tracks; the words come from the mixed audio that the
    caller's ear had. Raises SpeechUnavailable.

    ``again``: as one who has missed something plays it once more, sentence by sentence. The same cuts would be misheard the same way.
    """
    heard = recording.heard
    notes: list[Note] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)) as session:
        for stretch in stretches(recording.agents, join_frames=_JOIN_FRAMES_AGAIN if again else _JOIN_FRAMES):
            start = max(0, stretch.start - _MARGIN_FRAMES) * FRAME
            piece = heard[start : (stretch.end + _MARGIN_FRAMES) * FRAME]
            text = await _transcribe(piece, speech_url, session)
            notes.append(Note(service_of(stretch.speaker), text, stretch.start_ms, stretch.end_ms))
    return tuple(notes)


def stretches(tracks: Mapping[str, Samples], *, join_frames: int = _JOIN_FRAMES) -> list[Speech]:
    """The agents' speech in pieces to listen to: one speaker each, those closer than ``join_frames`` (of 10 ms) together, none
    longer than 25 s."""
    joined: list[Speech] = []
    for speech in who_speaks_when(tracks):
        last = joined[-1] if joined else None
        fits = last is not None and speech.end - last.start <= _TOGETHER_FRAMES
        if last is not None and fits and last.speaker == speech.speaker and speech.start - last.end <= join_frames:
            joined[-1] = Speech(last.speaker, last.start, speech.end)
        else:
            joined.append(speech)
    return [piece for speech in joined for piece in _cut(speech, tracks[speech.speaker])]


def _cut(speech: Speech, track: Samples) -> list[Speech]:
    """A stretch that is too long, cut in the middle of the longest pause that is not near its ends."""
    length = speech.end - speech.start
    if length <= _LONGEST_FRAMES:
        return [speech]
    first, last = speech.start + length // 4, speech.end - length // 4
    middle = _longest_pause(audible(track)[first:last]) + first
    parts = Speech(speech.speaker, speech.start, middle), Speech(speech.speaker, middle, speech.end)
    return [piece for part in parts for piece in _cut(part, track)]


def _longest_pause(is_heard: npt.NDArray[np.bool_]) -> int:
    """The middle frame of the longest run of silence; the middle of it all when there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], is_heard, [True]]).astype(np.int8)))
    pauses = edges.reshape(-1, 2)
    if not len(pauses):
        return is_heard.size // 2
    start, end = pauses[np.argmax(pauses[:, 1] - pauses[:, 0])]
    return int(start + end) // 2


async def _transcribe(samples: Samples, speech_url: str, session: aiohttp.ClientSession) -> str:
    wav = io.BytesIO()
    soundfile.write(wav, soxr.resample(samples, RATE, _RATE), _RATE, format="WAV", subtype="PCM_16")
    form = aiohttp.FormData()
    form.add_field("file", wav.getvalue(), filename="heard.wav", content_type="audio/wav")
    form.add_field("model", "whisper-tiny.en")
    form.add_field("language", "en")
    form.add_field("response_format", "json")
    try:
        async with session.post(f"{speech_url}/audio/transcriptions", data=form) as answer:
            if answer.status != 200:
                raise SpeechUnavailable(f"the speech server at {speech_url} answered {answer.status} to a recording")
            body = await answer.json()
    except (aiohttp.ClientError, TimeoutError) as e:
        raise SpeechUnavailable(f"the speech server at {speech_url} did not answer: {type(e).__name__}") from e
    return str(body.get("text", "")).strip()
