"""The caller's voice: every line as audio before the call begins, kept on disk from one run to the next."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import aiohttp
import numpy as np
import soundfile

from local.caller.band import FRAME, RATE, Samples, at_our_rate, mono, through_the_phone, to_int16
from local.caller.ear import audible
from local.caller.script import Line, Script

OnProgress = Callable[[int, int, str], None]
"""Called with how many lines are ready, of how many, and the words that come next."""

_RECIPE = "1"
"""Raise it when the same words would sound different."""
_PEAK = 0.6
_EDGE_FRAMES = 6
"""Silence kept before and after a spoken line."""
_TIMEOUT_SECONDS = 120.0
"""The voice is slow at first use: it loads its model then."""


class SpeechUnavailable(Exception):
    """The speech server did not answer, or refused; the message says which and why."""


async def speak(speech_url: str, text: str, *, voice: str, session: aiohttp.ClientSession) -> Samples:
    """The speech server's rendering of ``text`` at 48 kHz. Raises SpeechUnavailable."""
    wanted = {"model": "tts-1", "input": text, "voice": voice, "response_format": "wav"}
    try:
        async with session.post(f"{speech_url}/audio/speech", json=wanted) as answer:
            body = await answer.read()
            if answer.status != 200:
                detail = body[:200].decode("utf-8", "replace")
                raise SpeechUnavailable(f"the speech server at {speech_url} answered {answer.status}: {detail}")
    except (aiohttp.ClientError, TimeoutError) as e:
        raise SpeechUnavailable(f"the speech server at {speech_url} did not answer: {type(e).__name__}") from e
    try:
        samples, rate = soundfile.read(io.BytesIO(body), dtype="int16")
    except soundfile.LibsndfileError as e:
        raise SpeechUnavailable(f"the speech server at {speech_url} sent something that is not WAV: {e}") from e
    return at_our_rate(mono(samples), rate)


async def render(
    script: Script, *, speech_url: str, cache_dir: Path, on_progress: OnProgress | None = None
) -> dict[int, Samples]:
    """The audio of each line that makes a sound, by its place in the script, in the band of the script's channel.

    Lines said before come from ``cache_dir``. Raises SpeechUnavailable.
    """
    sounding = [(index, line) for index, line in enumerate(script.lines) if line.makes_sound]
    rendered: dict[int, Samples] = {}
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for done, (index, line) in enumerate(sounding):
            if on_progress is not None:
                on_progress(done, len(sounding), line.say or (line.play.name if line.play else ""))
            clean = _played(line) if line.play else await _said(line.say, script.voice, speech_url, cache_dir, session)
            rendered[index] = through_the_phone(clean) if script.channel == "phone" else clean
    if on_progress is not None:
        on_progress(len(sounding), len(sounding), "")
    return rendered


def _played(line: Line) -> Samples:
    assert line.play is not None
    samples, rate = soundfile.read(line.play, dtype="int16")
    return at_our_rate(mono(samples), rate)


async def _said(text: str, voice: str, speech_url: str, cache_dir: Path, session: aiohttp.ClientSession) -> Samples:
    name = hashlib.sha256(f"{_RECIPE}\0{voice}\0{text}".encode()).hexdigest()[:32]
    kept = cache_dir / "callers" / f"{name}.flac"
    if kept.is_file():
        try:
            samples, rate = soundfile.read(kept, dtype="int16")
            return at_our_rate(mono(samples), rate)
        except soundfile.LibsndfileError:
            kept.unlink(missing_ok=True)  # a broken file is made again
    spoken = _evened(await speak(speech_url, text, voice=voice, session=session))
    _keep(kept, spoken)
    return spoken


def _keep(path: Path, samples: Samples) -> None:
    """Whole or not at all, also when two runs do it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(f".{os.getpid()}.part")
    soundfile.write(half, samples, RATE, format="FLAC", subtype="PCM_16")
    half.replace(path)


def _evened(samples: Samples) -> Samples:
    """At a fixed loudness, with the silence around it cut to a breath."""
    peak = int(np.abs(samples.astype(np.int32)).max(initial=0))
    if not peak:
        return samples
    loud = to_int16(samples.astype(np.float64) / peak * _PEAK)
    heard = np.flatnonzero(audible(loud))
    if not heard.size:
        return loud
    first, last = max(0, int(heard[0]) - _EDGE_FRAMES), int(heard[-1]) + 1 + _EDGE_FRAMES
    return loud[first * FRAME : last * FRAME]
