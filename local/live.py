"""A call as it goes, for a person to follow: the words from its captions, the rest from its record in the store."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

from handoff.call import Call
from handoff.context import SECRET
from handoff.errors import StoreUnavailable, UnknownHandoff
from handoff.lifecycle import State
from handoff.store import Handoff, Store

from local.console import Console

_SENTENCE_END = re.compile(r"[.!?…][\"'”’)]*(?=\s|$)")
_LOOK_SECONDS = 0.1


class LiveWords:
    """Prints what is said sentence by sentence, although captions grow word by word."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._text: dict[str, str] = {}
        self._printed: dict[str, int] = {}

    def note(self, speaker: str, text: str, is_final: bool, at_ms: int) -> None:
        """Fits `place_call`'s ``on_caption``."""
        if not text.startswith(self._text.get(speaker, "")):
            self._printed[speaker] = 0  # another caption began
        self._text[speaker] = "" if is_final else text
        printed = self._printed.get(speaker, 0)
        # What we understand of the caller may still change until it is final.
        until = len(text) if is_final else 0 if speaker == "caller" else _last_sentence_end(text)
        if words := text[printed:until].strip():
            self._console.spoken(speaker, words)
        self._printed[speaker] = 0 if is_final else max(printed, until)


def _last_sentence_end(text: str) -> int:
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return ends[-1] if ends else 0


class Story:
    """Prints each thing that a call's record tells, once."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told: set[str] = set()

    def tell_call(self, call: Call) -> None:
        """Its intent, its facts, what was done, how it ended."""
        if call.intent and self.is_news(f"intent {call.intent.name}"):
            self._console.aside(
                f"intent: {call.intent.name} ({call.intent.found_by}, {call.intent.confidence:.0%} sure)"
            )
        for fact in call.facts:
            if fact.name in SECRET:
                if self.is_news(f"secret {fact.name}"):
                    self._console.aside("the caller's identity is verified for this call")
            elif self.is_news(f"fact {fact.name} {fact.value} {fact.verified}"):
                how = "verified" if fact.verified else f"from the {fact.source}"
                self._console.aside(f"fact: {fact.name} = {fact.value} ({how})")
        for effect in call.effects:
            if self.is_news(f"effect {effect}"):
                self._console.aside(f"done: {effect}")
        if call.ending and self.is_news("ending"):
            self._console.aside(f"the call ended: {call.ending}")

    def tell_handoff(self, handoff: Handoff) -> None:
        """Its steps, with the milliseconds since the offer."""
        way = f"handoff {handoff.from_service} → {handoff.to_service}"
        offered_at = handoff.moved_at.get(State.OFFERED)
        for state, at in sorted(handoff.moved_at.items(), key=lambda move: move[1]):
            if not self.is_news(f"{handoff.context.handoff_id} {state}"):
                continue
            if state is State.OFFERED or offered_at is None:
                self._console.aside(f"{way}: {state}")
            else:
                why = f" ({handoff.reason})" if handoff.reason and state is handoff.state else ""
                self._console.aside(f"{way}: {state} after {(at - offered_at) * 1000:.0f} ms{why}")

    def is_news(self, what: str) -> bool:
        """True the first time."""
        is_news = what not in self._told
        self._told.add(what)
        return is_news


@contextlib.asynccontextmanager
async def following(store: Store, call_id: str, console: Console) -> AsyncIterator[None]:
    """Prints what the store tells of the call, as long as the block lasts. A store that is away is asked again."""
    story = Story(console)

    async def watch(handoff_id: str) -> None:
        with contextlib.suppress(UnknownHandoff, StoreUnavailable):
            async for handoff in store.watch(handoff_id):
                story.tell_handoff(handoff)

    async def look() -> None:
        async with asyncio.TaskGroup() as watches:
            while True:
                with contextlib.suppress(StoreUnavailable):
                    if (call := await store.load_call(call_id)) is not None:
                        story.tell_call(call)
                        for handoff_id in call.handoff_ids:
                            if story.is_news(f"handoff {handoff_id}"):
                                watches.create_task(watch(handoff_id))
                await asyncio.sleep(_LOOK_SECONDS)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
