"""Ears that do not close because their provider fails: the next in line hears the same words; when nobody does, twice in a row,
whoever answers the call is told that they are lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from livekit.agents import NOT_GIVEN, APIConnectOptions, APIError, APITimeoutError, stt
from livekit.agents.language import LanguageCode
from livekit.agents.types import NotGivenOr
from livekit.agents.utils import AudioBuffer

from worker.speech.standby import ONCE, Standby

log = logging.getLogger("voicemesh.ears")

_LAST_SECONDS = 15.0
"""For the last in line: a late transcript is better than none. The agent asks the caller meanwhile (session.py)."""
_UNHEARD = 2
"""So many utterances in a row that nobody could transcribe, and the call cannot go on."""


class SteadyEars(stt.STT[Any]):
    """``ears`` in the order in which they are asked. A caller's words that nobody hears are an empty transcript, not an error:
    after a few errors a session ends by itself, and the caller would hear nothing more."""

    def __init__(
        self,
        ears: Sequence[stt.STT[Any]],
        *,
        timeout_seconds: float,
        may_guess: bool = False,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """``timeout_seconds``: how long one may take while another one stands by. ``may_guess``: whether it costs nothing to ask them in
        vain, see early_ears.py."""
        super().__init__(capabilities=stt.STTCapabilities(streaming=False, interim_results=False))
        self._recognize_metrics_needed = False  # whoever heard it tells
        self._standby = Standby("transcription", ears)
        self._timeout_seconds = timeout_seconds
        self.may_guess = may_guess
        self._on_lost = on_lost
        self._unheard = 0
        for one in ears:
            one.on("metrics_collected", self._pass_on)

    @property
    def model(self) -> str:
        """Of the preferred ones."""
        return self._standby.first.model

    @property
    def provider(self) -> str:
        """Of the preferred ones."""
        return self._standby.first.provider

    @property
    def ears(self) -> tuple[stt.STT[Any], ...]:
        """In the order in which they are asked."""
        return self._standby.all

    def _pass_on(self, *args: Any, **kwargs: Any) -> None:
        self.emit("metrics_collected", *args, **kwargs)

    async def _recognize_impl(
        self,
        buffer: AudioBuffer,
        *,
        language: NotGivenOr[str | list[str]] = NOT_GIVEN,
        conn_options: APIConnectOptions,
    ) -> stt.SpeechEvent:
        heard = await self.hear(buffer)
        return self.nothing() if heard is None else heard

    async def hear(self, buffer: AudioBuffer) -> stt.SpeechEvent | None:
        """What was said; None when nobody can tell."""
        in_turn = self._standby.in_turn()
        for at, ears in enumerate(in_turn):
            is_last = at == len(in_turn) - 1 or len(self._standby.all) == 1
            try:
                async with asyncio.timeout(_LAST_SECONDS if is_last else self._timeout_seconds):
                    event = await ears.recognize(buffer, conn_options=ONCE)
            except (APIError, TimeoutError) as e:
                self._standby.failed(ears, e)
                if is_last and isinstance(e, TimeoutError | APITimeoutError):
                    break  # to ask the only one again would take as long again
                continue
            self._unheard = 0
            self._standby.served(ears, lambda other: other.recognize(buffer, conn_options=ONCE))
            return event
        return None

    def nothing(self) -> stt.SpeechEvent:
        """An utterance is over that nobody could transcribe: it has no words."""
        self._unheard += 1
        if self._unheard == _UNHEARD:
            log.error("nobody can transcribe any more")
            self._on_lost()
        silence = stt.SpeechData(text="", language=LanguageCode("en"), confidence=0.0)
        return stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[silence])

    async def aclose(self) -> None:
        """Closes what it tries in the background; the ears are their provider's."""
        await self._standby.aclose()
        for one in self._standby.all:
            one.off("metrics_collected", self._pass_on)
