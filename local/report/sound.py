"""Audio inside a page: compact FLAC as a data: URI."""

from __future__ import annotations

import base64
import io

import soundfile
import soxr

from local.caller.band import RATE, Samples

_PAGE_RATE = 24_000
"""Enough for a voice, half the bytes of 48 kHz."""


def as_data_uri(samples: Samples) -> str:
    """``data:audio/flac;base64,...``; lossless but for the lower rate."""
    flac = io.BytesIO()
    soundfile.write(flac, soxr.resample(samples, RATE, _PAGE_RATE), _PAGE_RATE, format="FLAC", subtype="PCM_16")
    return "data:audio/flac;base64," + base64.b64encode(flac.getvalue()).decode("ascii")
