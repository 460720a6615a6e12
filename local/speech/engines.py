"""The loaded models and the threads they work in: hearing, agents' speech and callers' speech never wait for each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from local.speech.features import RATE as HEARD_RATE
from local.speech.features import Float
from local.speech.synthesis import Samples, Synthesiser
from local.speech.voices.catalogue import Voice
from local.speech.whisper import Heard, Whisper

_T = TypeVar("_T")


class Engines:
    """``load`` first; then ``hear`` and ``speak`` from the event loop. Each kind of work has one thread of its own."""

    def __init__(self) -> None:
        self.is_ready = False
        self._whisper: Whisper | None = None
        self._synthesiser = Synthesiser()
        self._threads = {kind: ThreadPoolExecutor(1, kind) for kind in ("hearing", "piper", "kokoro")}

    async def load(self) -> None:
        """Loads and warms Whisper and Piper. Raises ModelProblem."""
        await asyncio.gather(self._in("hearing", self._load_whisper), self._in("piper", self._synthesiser.load))
        self.is_ready = True

    async def hear(self, samples: Float) -> Heard:
        """What is said in ``samples`` (16 kHz)."""
        assert self._whisper is not None
        whisper = self._whisper
        return await self._in("hearing", lambda: whisper.hear(samples))

    async def speak(self, text: str, voice: Voice, *, speed: float = 1.0) -> AsyncIterator[Samples]:
        """The audio of ``text``, sentence by sentence as they are made. Stop iterating and the rest is not made."""
        for make in self._synthesiser.sentences(text, voice, speed=speed):
            yield await self._in(voice.engine, make)

    def close(self) -> None:
        """Waits for what is being made, and ends the phoneme program."""
        for pool in self._threads.values():
            pool.shutdown(cancel_futures=True)
        self._synthesiser.close()

    async def _in(self, kind: str, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads[kind], work)

    def _load_whisper(self) -> None:
        whisper = Whisper()
        # The first decoding is the slowest; noise makes it do everything once.
        whisper.hear(_hiss())
        self._whisper = whisper


def _hiss() -> Float:
    import numpy as np

    return np.random.default_rng(0).normal(0, 0.05, HEARD_RATE).astype(np.float32)
