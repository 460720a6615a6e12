"""Audio as bytes: what arrives in an upload, and the formats speech is sent in."""

from __future__ import annotations

import io
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from local.speech.features import RATE as HEARD_RATE
from local.speech.features import Float

CONTENT_TYPES: Mapping[str, str] = MappingProxyType(
    {"pcm": "audio/pcm", "wav": "audio/wav", "flac": "audio/flac", "mp3": "audio/mpeg", "opus": "audio/ogg"}
)
"""What speech can be sent as. `pcm` is raw little-endian int16 at 24 kHz and the only one that is sent while it is made."""
_LIBSNDFILE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"wav": ("WAV", "PCM_16"), "flac": ("FLAC", "PCM_16"), "mp3": ("MP3", "MPEG_LAYER_III"), "opus": ("OGG", "OPUS")}
)


class NotAudio(Exception):
    """The bytes are no sound file that libsndfile reads (WAV, FLAC, OGG, MP3, AIFF ...)."""


class TooLong(Exception):
    """The audio lasts longer than allowed."""


def read(content: bytes, *, seconds_max: float) -> Float:
    """Any sound file as mono at 16 kHz, -1 to 1. Raises NotAudio, TooLong (before decoding it)."""
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            if file.frames > seconds_max * file.samplerate:
                raise TooLong
            samples = file.read(int(seconds_max * file.samplerate), dtype="float32", always_2d=True)
            rate = file.samplerate
    except (soundfile.LibsndfileError, ValueError) as error:
        raise NotAudio(str(error)) from None
    mono = samples.mean(axis=1, dtype=np.float32)
    if not np.isfinite(mono).all():
        raise NotAudio("it holds samples that are no numbers")
    return mono if rate == HEARD_RATE else np.asarray(soxr.resample(mono, rate, HEARD_RATE), np.float32)


def write(samples: npt.NDArray[np.int16], rate: int, format: str) -> bytes:
    """``samples`` as a whole file of one of CONTENT_TYPES."""
    if format == "pcm":
        return samples.astype("<i2").tobytes()
    container, subtype = _LIBSNDFILE[format]
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=container, subtype=subtype)
    return buffer.getvalue()
