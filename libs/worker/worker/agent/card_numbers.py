"""Card numbers that a caller says though nobody asks for one: they go no further than speech to text."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator

from handoff.redact import redact_cards
from livekit.agents import stt


async def without_cards(events: AsyncIterable[stt.SpeechEvent | str]) -> AsyncIterator[stt.SpeechEvent | str]:
    """The events of speech to text, with ``[card]`` (``[number]``, where a digit was misheard) in place of what is as long as a card."""
    async for event in events:
        if isinstance(event, str):
            yield redact_cards(event)
            continue
        for heard in event.alternatives:
            heard.text = redact_cards(heard.text)
        yield event
