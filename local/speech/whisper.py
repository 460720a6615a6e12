"""The ears: Whisper tiny.en by CTranslate2 (int8, greedy), with a log-probability for every token it heard."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import ctranslate2
import numpy as np
from tokenizers import Tokenizer

from local.speech.features import HOP, RATE, Float, log_mel
from local.speech.models import WHISPER_CONFIG, WHISPER_MODEL, WHISPER_TOKENIZER, WHISPER_VOCABULARY, path_of
from local.speech.trade_words import BONUS, alternatives

_SHORT_FRAMES, _LONG_FRAMES = 1500, 3000
"""Windows of 15 and 30 s. The short one takes half the time and costs no word; a still shorter one makes Whisper babble."""
_SHORT_SECONDS_MAX = 13.0
_WINDOW_SECONDS = 30.0
_SEARCH_SECONDS = 5.0
"""Longer audio is cut at the quietest moment of a window's last 5 s."""
_PEAK_OF_SILENCE = 10 ** (-50 / 20)
"""Below -50 dBFS nothing was said: Whisper would hear "you" or "Thank you." in it."""
_NO_SPEECH_PROB, _NO_SPEECH_LOGPROB = 0.6, -1.0
"""Whisper's own rule: probably no speech, and unsure of the words, is nothing."""
_BABBLE_RATIO = 2.4
"""Whisper's own measure of a loop: text that compresses better than this."""
_BABBLE_BYTES = 40
"""In less there is little to compress."""
_ROUNDS = 3
_BABBLE_LOGPROB = -2.0
"""A loop is sure of itself; nobody else should be."""
_TOKENS_A_SECOND = 12
_NO_EVIDENCE_LOGPROB = -10.0


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a word, and how sure Whisper was of it."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard. ``logprob`` is the tokens' average, 0 for nothing; of what came below -0.5, over half the words were wrong."""

    text: str
    tokens: tuple[Token, ...]
    logprob: float
    no_speech_prob: float
    seconds: float


class Whisper:
    """The loaded model. Raises ModelProblem when its files are not right."""

    def __init__(self, *, threads: int = 2) -> None:
        for file in (WHISPER_CONFIG, WHISPER_VOCABULARY):
            path_of(file)
        folder = path_of(WHISPER_MODEL).parent
        self._model = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="int8", intra_threads=threads)
        self._tokenizer = Tokenizer.from_file(str(path_of(WHISPER_TOKENIZER)))
        self._start = self._number("<|startoftranscript|>")
        self._plain = self._number("<|notimestamps|>")

    def hear(self, samples: Float) -> Heard:
        """``samples`` at 16 kHz, -1 to 1. Silence is an empty text. One call at a time uses all its threads."""
        pieces = [self._window(window) for window in windows(samples)]
        tokens = tuple(token for piece in pieces for token in piece.tokens)
        return Heard(
            text=" ".join(piece.text for piece in pieces if piece.text),
            tokens=tokens,
            logprob=float(np.mean([token.logprob for token in tokens])) if tokens else 0.0,
            no_speech_prob=min((piece.no_speech_prob for piece in pieces), default=1.0),
            seconds=samples.size / RATE,
        )

    def _number(self, special: str) -> int:
        number = self._tokenizer.token_to_id(special)
        assert number is not None, "the checked tokenizer has it"
        return number

    def _window(self, samples: Float) -> Heard:
        seconds = samples.size / RATE
        if not samples.size or float(np.abs(samples).max()) < _PEAK_OF_SILENCE:
            return _nothing(seconds)
        short = seconds <= _SHORT_SECONDS_MAX
        heard = self._decode(samples, _SHORT_FRAMES if short else _LONG_FRAMES)
        if short and is_babble(heard.text):
            heard = self._decode(samples, _LONG_FRAMES)
        if is_babble(heard.text):
            return _unsure(heard)
        return heard

    def _decode(self, samples: Float, frames: int) -> Heard:
        seconds = samples.size / RATE
        encoded = self._model.encode(ctranslate2.StorageView.from_array(log_mel(samples, frames)[None]))
        result = self._model.generate(
            encoded,
            [[self._start, self._plain]],
            beam_size=1,
            max_length=int(seconds * _TOKENS_A_SECOND) + 20,
            return_no_speech_prob=True,
            return_logits_vocab=True,
        )[0]
        ids = [token for token in result.sequences_ids[0] if token < self._start]
        logprobs = [_logprob(step, token) for step, token in zip(result.logits[0], ids, strict=False)]
        mean = float(np.mean(logprobs)) if logprobs else 0.0
        if not ids or (result.no_speech_prob > _NO_SPEECH_PROB and mean < _NO_SPEECH_LOGPROB):
            return _nothing(seconds, result.no_speech_prob)
        ids, logprobs = self._in_the_trade(encoded, ids, logprobs, samples.size // HOP)
        return self._heard(ids, logprobs, no_speech_prob=result.no_speech_prob, seconds=seconds)

    def _in_the_trade(
        self, encoded: ctranslate2.StorageView, ids: list[int], logprobs: list[float], frames: int
    ) -> tuple[list[int], list[float]]:
        """The hearing, or one with a word of the trade in the place of its sound-alike, if the audio bears it out."""
        others = alternatives(self._tokenizer.decode(ids).strip())
        best = (sum(logprobs), ids, logprobs)
        for text in others:
            other = self._tokenizer.encode(" " + text, add_special_tokens=False).ids
            aligned = self._model.align(encoded, [self._start], [other], frames)[0]
            scores = [float(np.log(max(p, 1e-5))) for p in aligned.text_token_probs]
            if sum(scores) + BONUS > best[0]:
                best = (sum(scores) + BONUS, other, scores)
        return best[1], best[2]

    def _heard(self, ids: Sequence[int], logprobs: Sequence[float], *, no_speech_prob: float, seconds: float) -> Heard:
        texts = [self._tokenizer.decode([token]) for token in ids]
        return Heard(
            text=self._tokenizer.decode(list(ids)).strip(),
            tokens=tuple(Token(text, logprob) for text, logprob in zip(texts, logprobs, strict=True)),
            logprob=float(np.mean(logprobs)),
            no_speech_prob=float(no_speech_prob),
            seconds=seconds,
        )


def windows(samples: Float) -> list[Float]:
    """``samples`` in pieces of at most 30 s, cut where it is quietest."""
    whole, search = int(_WINDOW_SECONDS * RATE), int(_SEARCH_SECONDS * RATE)
    pieces = []
    while samples.size > whole:
        tail = samples[whole - search : whole]
        frames = tail[: tail.size // HOP * HOP].reshape(-1, HOP)
        smooth = np.convolve((frames.astype(np.float64) ** 2).mean(axis=1), np.ones(20), mode="same")
        cut = whole - search + int(smooth[10:-10].argmin() + 10) * HOP
        pieces.append(samples[:cut])
        samples = samples[cut:]
    return [*pieces, samples]


def is_babble(text: str) -> bool:
    """Whether ``text`` repeats itself as only a hallucination does: it compresses, or goes round in three words."""
    content = text.encode()
    if len(content) > _BABBLE_BYTES and len(content) / len(zlib.compress(content)) > _BABBLE_RATIO:
        return True
    words = re.sub(r"[^a-z' ]", "", text.lower()).split()
    rounds = Counter(zip(words, words[1:], words[2:], strict=False))
    return any(count >= _ROUNDS and len(set(three)) > 1 for three, count in rounds.items())


def _logprob(step: ctranslate2.StorageView, token: int) -> float:
    logits = np.asarray(step, np.float32).ravel()
    top = float(logits.max())
    value = float(logits[token]) - top - float(np.log(np.exp(logits - top).sum()))
    return max(value, _NO_EVIDENCE_LOGPROB)


def _nothing(seconds: float, no_speech_prob: float = 1.0) -> Heard:
    return Heard("", (), 0.0, float(no_speech_prob), seconds)


def _unsure(heard: Heard) -> Heard:
    tokens = tuple(Token(token.text, min(token.logprob, _BABBLE_LOGPROB)) for token in heard.tokens)
    return Heard(heard.text, tokens, _BABBLE_LOGPROB, heard.no_speech_prob, heard.seconds)
