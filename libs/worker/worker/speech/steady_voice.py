"""A voice that does not fall silent because its provider does: it is waited for no longer than a caller may wait, then the next in
line says the sentence, then a recording of it; and when there is none, whoever answers the call is told that the voice is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APITimeoutError, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

from worker.speech.standby import ONCE, Standby

log = logging.getLogger("voicemesh.voice")

_NOTHING_SECONDS = 0.02
"""A sentence that nobody can say is one silent frame: no audio at all would be an error in the session."""
Recorded = Callable[[str], tuple[rtc.AudioFrame, ...] | None]


class SteadyVoice(tts.TTS[Any]):
    """``voices`` in the order in which they are asked, all of one sample rate.

    What is said live (by a session, ``stream``) never fails: when all else has, ``on_lost`` is called, once, and silence follows.
    What is rendered ahead (``synthesize``) raises APIError then: nobody shall keep a recording of silence.
    """

    def __init__(
        self,
        voices: Sequence[tts.TTS[Any]],
        *,
        timeout_seconds: float,
        recorded: Recorded = lambda text: None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """``timeout_seconds``: the longest silence before a sentence, and in it. ``recorded``: the sentence when it is kept.

        A voice that stands alone has twice as long on its second try: late words are better than the last ones.
        """
        if len({voice.sample_rate for voice in voices}) != 1:
            raise ValueError("voices that stand in for one another need one sample rate")
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True),
            sample_rate=voices[0].sample_rate,
            num_channels=voices[0].num_channels,
        )
        self.is_lost = False
        self._standby = Standby("voice", voices)
        self._timeout_seconds = timeout_seconds
        self._recorded = recorded
        self._on_lost = on_lost
        self._live = tts.StreamAdapter(tts=_Live(self))
        for voice in voices:
            voice.on("metrics_collected", self._pass_on)

    @property
    def model(self) -> str:
        """Of the preferred voice."""
        return self._standby.first.model

    @property
    def provider(self) -> str:
        """Of the preferred voice."""
        return self._standby.first.provider

    @property
    def voices(self) -> tuple[tts.TTS[Any], ...]:
        """In the order in which they are asked."""
        return self._standby.all

    def _pass_on(self, *args: Any, **kwargs: Any) -> None:
        self.emit("metrics_collected", *args, **kwargs)

    def prewarm(self) -> None:
        """Opens the connection ahead of the first sentence."""
        self._standby.first.prewarm()

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        """A sentence that is rendered ahead. Raises livekit.agents.APIError when nobody can say it."""
        return _Sentence(self, text, conn_options, is_live=False)

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> tts.SynthesizeStream:
        """What a session says, sentence by sentence. Never fails."""
        return self._live.stream(conn_options=conn_options)

    async def said(self, text: str, *, is_live: bool) -> AsyncIterator[rtc.AudioFrame]:
        """The frames of a sentence, from whoever can say it. Raises APIError when nobody can and it is not live."""
        for seconds, voice in self._tries() if not self.is_lost else ():
            try:
                async for frame in self._said_by(voice, text, seconds):
                    yield frame
            except (APIError, TimeoutError) as e:
                # What was said of it by then is heard; the next one says it from its beginning.
                self._standby.failed(voice, e)
            else:
                self._standby.served(voice, lambda other: self._only_tried(other, text))
                return
        if kept := self._recorded(text):
            for frame in kept:
                yield frame
            return
        if not is_live:
            raise APIConnectionError("nobody can say this sentence", retryable=False)
        self._lose()
        yield rtc.AudioFrame.create(self.sample_rate, self.num_channels, int(self.sample_rate * _NOTHING_SECONDS))

    def _tries(self) -> list[tuple[float, tts.TTS[Any]]]:
        """Who is asked, in order, and how many seconds he may be silent."""
        tries = [(self._timeout_seconds, voice) for voice in self._standby.in_turn()]
        if len(self._standby.all) == 1:
            tries[-1] = (2 * self._timeout_seconds, self._standby.first)
        return tries

    async def _said_by(self, voice: tts.TTS[Any], text: str, seconds: float) -> AsyncIterator[rtc.AudioFrame]:
        """Raises APIError, TimeoutError: also for a voice that answers without a sound."""
        is_mute = True
        async with voice.synthesize(text, conn_options=ONCE) as stream:
            while True:
                async with asyncio.timeout(seconds):
                    piece = await anext(stream, None)
                if piece is None:
                    break
                is_mute = False
                yield piece.frame
        if is_mute and text.strip():
            raise APITimeoutError("the voice said nothing", retryable=False)

    async def _only_tried(self, voice: tts.TTS[Any], text: str) -> None:
        async for _ in self._said_by(voice, text, self._timeout_seconds):
            pass

    def _lose(self) -> None:
        if not self.is_lost:
            self.is_lost = True
            log.error("nobody can speak any more")
            self._on_lost()

    async def aclose(self) -> None:
        """Closes what it tries in the background; the voices are their provider's."""
        await self._standby.aclose()
        for voice in self._standby.all:
            voice.off("metrics_collected", self._pass_on)


class _Live(tts.TTS[Any]):
    """The same voice, as the session's sentences reach it."""

    def __init__(self, steady: SteadyVoice) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=steady.sample_rate,
            num_channels=steady.num_channels,
        )
        self._steady = steady

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Sentence(self._steady, text, conn_options, is_live=True)


class _Sentence(tts.ChunkedStream):
    def __init__(self, voice: SteadyVoice, text: str, conn_options: APIConnectOptions, *, is_live: bool) -> None:
        self._voice = voice
        self._is_live = is_live
        super().__init__(tts=voice, input_text=text, conn_options=conn_options)

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        output_emitter.initialize(
            request_id=utils.shortuuid(),
            sample_rate=self._voice.sample_rate,
            num_channels=self._voice.num_channels,
            mime_type="audio/pcm",
        )
        async for frame in self._voice.said(self._input_text, is_live=self._is_live):
            output_emitter.push(frame.data.tobytes())
        output_emitter.flush()

    async def _metrics_monitor_task(self, event_aiter: Any) -> None:
        async for _ in event_aiter:
            pass  # the voice that spoke tells its own
