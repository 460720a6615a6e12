"""The callers' voices: Kokoro-82M (int8) by onnxruntime. Better heard than Piper, and five times slower."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from pathlib import Path

import numpy as np

from local.speech.features import Float
from local.speech.models import KOKORO_MODEL, bytes_of
from local.speech.phonemizer import Phonemizer
from local.speech.piper import session_of

RATE = 24_000
VOICES_DIR = Path(__file__).with_name("voices")
STYLE_ROWS = (0, 1, 2, 3, 5, 8, 12, 17, 21, 25, 30, 45, 70, 110, 180, 300, 400, 509)
"""Which of a voice's 510 rows (one for each number of phonemes, less one) the shipped tables keep: dense where they change
fast. Between them we interpolate."""
_TOKENS_MAX = 500
"""The model takes 510 with its two pads."""
_SILENCE = 10 ** (-50 / 20)
_MARGIN = RATE // 20

# espeak-ng's IPA to the signs Kokoro was trained on.
_REWRITES = (
    (re.compile("ʲ"), "j"),
    (re.compile("r"), "ɹ"),
    (re.compile("x"), "k"),
    (re.compile("ɬ"), "l"),
)


class Kokoro:
    """The loaded model. Raises ModelProblem when its parts are not right."""

    def __init__(self, phonemizer: Phonemizer, *, threads: int = 2) -> None:
        self._phonemizer = phonemizer
        self._session = session_of(bytes_of(KOKORO_MODEL), threads)
        self._vocabulary: dict[str, int] = json.loads((VOICES_DIR / "vocabulary.json").read_text("utf-8"))
        self._styles: dict[str, Float] = {}

    def speak(self, sentence: str, *, style: str, language: str, speed: float = 1.0) -> Float:
        """One sentence, -1 to 1 at RATE, with the silence around it cut to 50 ms."""
        tokens = self._encode(self._phonemizer.ipa(sentence, language))[:_TOKENS_MAX]
        if not tokens:
            return np.zeros(0, np.float32)
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style_row(self._table(style), len(tokens))[None],
            "speed": np.array([speed], np.float32),
        }
        audio = np.asarray(self._session.run(None, inputs)[0], np.float32).ravel()
        return _trimmed(np.clip(audio, -1.0, 1.0))

    def _encode(self, ipa: str) -> list[int]:
        for pattern, sign in _REWRITES:
            ipa = pattern.sub(sign, ipa)
        return [self._vocabulary[sign] for sign in ipa if sign in self._vocabulary]

    def _table(self, style: str) -> Float:
        if style not in self._styles:
            self._styles[style] = np.load(VOICES_DIR / f"{style}.npy").astype(np.float32)
        return self._styles[style]


def style_row(table: Float, tokens: int) -> Float:
    """The style vector for a sentence of ``tokens`` phonemes, between the two nearest rows of the reduced ``table``."""
    wanted = min(max(tokens - 1, 0), STYLE_ROWS[-1])
    above = bisect_left(STYLE_ROWS, wanted)
    if STYLE_ROWS[above] == wanted:
        return np.asarray(table[above], np.float32)
    low, high = STYLE_ROWS[above - 1], STYLE_ROWS[above]
    share = np.float32((wanted - low) / (high - low))
    return np.asarray(table[above - 1] * (1 - share) + table[above] * share, np.float32)


def _trimmed(audio: Float) -> Float:
    loud = np.flatnonzero(np.abs(audio) > _SILENCE)
    if not loud.size:
        return audio
    return audio[max(0, int(loud[0]) - _MARGIN) : int(loud[-1]) + _MARGIN]
