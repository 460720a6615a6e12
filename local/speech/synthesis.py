"""Text to audio in any of the voices. The same words in the same voice are the same samples for as long as this lives.

That matters: what was heard in a call is aligned with what was sent, and Piper by itself never says a thing twice alike.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import cache, partial

import numpy as np
import numpy.typing as npt
import soxr

from local.speech.features import Float
from local.speech.kokoro import RATE as KOKORO_RATE
from local.speech.kokoro import Kokoro
from local.speech.phonemizer import Phonemizer
from local.speech.piper import Piper
from local.speech.sentences import split_sentences
from local.speech.voices.catalogue import VOICES, Voice

Samples = npt.NDArray[np.int16]

RATE = 24_000
"""Of everything that is spoken, in Hz: what OpenAI's `pcm` means."""
_CACHE_BYTES = 64 << 20
"""22 minutes of speech."""
_BETWEEN_SENTENCES, _BETWEEN_CLAUSES = np.zeros(int(0.2 * RATE), np.int16), np.zeros(int(0.05 * RATE), np.int16)
_NOTHING_TO_SAY = np.zeros(int(0.1 * RATE), np.int16)
"""For a text of nothing but signs: an agent that says "..." must not become an error."""
_PIPER_GAIN = 1.5
"""Brings Piper to Kokoro's loudness (about -23 dBFS RMS); its peaks stay below full scale."""

_Key = tuple[str, str, float]


class Synthesiser:
    """Both engines. Piper is loaded by ``load``; Kokoro at the first word it has to say. Thread-safe."""

    def __init__(self, *, threads: int = 2) -> None:
        self._phonemizer = Phonemizer()
        self._threads = threads
        self._spoken = _Spoken(_CACHE_BYTES)
        self._loading = threading.Lock()
        self._piper_loaded: Piper | None = None
        self._kokoro_loaded: Kokoro | None = None

    def load(self) -> None:
        """Loads Piper and says a word, so that the first caller does not wait for either. Raises ModelProblem."""
        self._piper().speak("Hello.")

    def sentences(self, text: str, voice: Voice, *, speed: float = 1.0) -> Iterator[Callable[[], Samples]]:
        """What makes each sentence's audio, in order: call one when its turn has come. int16 at RATE, mono.

        Each but the last ends with a short pause.
        """
        parts = split_sentences(text)
        if not parts:
            yield _NOTHING_TO_SAY.copy
        for n, sentence in enumerate(parts, 1):
            yield partial(self._said, sentence, voice, speed, n == len(parts))

    def _piper(self) -> Piper:
        if self._piper_loaded is None:
            with self._loading:
                self._piper_loaded = self._piper_loaded or Piper(self._phonemizer, threads=self._threads)
        return self._piper_loaded

    def _kokoro(self) -> Kokoro:
        if self._kokoro_loaded is None:
            with self._loading:
                self._kokoro_loaded = self._kokoro_loaded or Kokoro(self._phonemizer, threads=self._threads)
        return self._kokoro_loaded

    def close(self) -> None:
        """Ends the phoneme program."""
        self._phonemizer.close()

    def _said(self, sentence: str, voice: Voice, speed: float, last: bool) -> Samples:
        audio = self._spoken.get((voice.name, sentence, speed), lambda: self._make(sentence, voice, speed))
        if last:
            return audio
        return np.concatenate([audio, _BETWEEN_CLAUSES if sentence.endswith(",") else _BETWEEN_SENTENCES])

    def _make(self, sentence: str, voice: Voice, speed: float) -> Samples:
        if voice.engine == "kokoro":
            audio = self._kokoro().speak(sentence, style=voice.style, language=voice.language, speed=speed)
            return to_int16(_at_our_rate(audio, KOKORO_RATE))
        piper = self._piper()
        # A smaller speaker is a faster tape of a slower one.
        audio = piper.speak(sentence, speed=speed / voice.pitch)
        return to_int16(_at_our_rate(audio * _PIPER_GAIN, piper.rate * voice.pitch))


def synthesise(text: str, voice: str) -> tuple[Samples, int]:
    """``text`` as (int16 mono samples, rate in Hz), by an engine this process keeps.

    Raises KeyError for a voice that is not in the catalogue, ModelProblem when a model file is not right.
    """
    parts = [make() for make in _own_synthesiser().sentences(text, VOICES[voice])]
    return np.concatenate(parts), RATE


def to_int16(audio: Float) -> Samples:
    """From -1..1; what is louder is cut off, not wrapped round."""
    return np.asarray(np.clip(np.rint(audio * 32767.0), -32768, 32767), np.int16)


@cache
def _own_synthesiser() -> Synthesiser:
    return Synthesiser()


def _at_our_rate(audio: Float, rate: float) -> Float:
    return audio if rate == RATE else np.asarray(soxr.resample(audio, rate, RATE), np.float32)


class _Spoken:
    """Sentences by voice, the least recently said dropped first. Two who ask for one at once get the same one."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0
        self._kept: OrderedDict[_Key, Future[Samples]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: _Key, make: Callable[[], Samples]) -> Samples:
        """The kept audio, or what ``make`` returns; what it raises is raised to everybody who waits, and not kept."""
        with self._lock:
            found = self._kept.get(key)
            ours = found is None
            if found is None:
                found = self._kept[key] = Future()
            else:
                self._kept.move_to_end(key)
        if ours:
            self._fulfil(key, found, make)
        return found.result()

    def _fulfil(self, key: _Key, promise: Future[Samples], make: Callable[[], Samples]) -> None:
        try:
            audio = make()
        except BaseException as error:
            with self._lock:
                self._kept.pop(key, None)
            promise.set_exception(error)
            raise
        audio.flags.writeable = False
        with self._lock:
            self._bytes += audio.nbytes
            promise.set_result(audio)
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        for key in [key for key, promise in self._kept.items() if promise.done()][:-1]:
            if self._bytes <= self._bytes_max:
                return
            self._bytes -= self._kept.pop(key).result().nbytes
