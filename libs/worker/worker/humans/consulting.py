"""What is said between us and a human on the telephone before he has the call: does he want to hear of it, does he take it?

Nothing of the caller is told before a key was pressed: a voicemail presses none, and records that somebody has called. Nobody is put
through before a second one: who only listened, or put the telephone away, has taken nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from handoff.call import Mood
from handoff.context import HandoffContext
from handoff.summary import clip as cut

from worker.handover.announcing import house_words
from worker.humans.dialling import DECLINED, NotReached
from worker.humans.earpiece import Clip
from worker.service import Service

YES, NO, GIVE_BACK = "1", "2", "9"
"""Keys, as the announcements name them."""
NO_KEY = "no_key"
"""Why a telephone that was answered has not taken the call: a voicemail, or nobody at the other end."""
HUNG_UP = "hung_up"
_KEY_SECONDS = 5.0
"""How long a key is waited for after a question; it is asked twice."""
_SUMMARY_CHARS = 300
"""Some 20 s of speech: the caller waits."""


class Telephone(Protocol):
    """The human's telephone; see Earpiece."""

    @property
    def keys(self) -> asyncio.Queue[str]: ...

    @property
    def gone(self) -> asyncio.Future[bool]: ...

    async def answered(self) -> None: ...

    async def say(self, clip: Clip) -> None: ...


@dataclass(frozen=True, slots=True)
class Words:
    """All that may have to be said, in the order in which it is needed. ``opening`` tells nothing of the caller."""

    opening: str
    briefing: str
    choice: str
    connecting: str
    too_late: str
    kept: str


def words(service: Service, context: HandoffContext, name: str) -> Words:
    """In the house's words, for a human of this name. ``context`` is what the desk may be told."""
    caller = context.display_name
    upset = "upset" if context.sentiment.label is Mood.NEGATIVE else ""
    return Words(
        opening=house_words(service, "telephone_opening", person=name),
        briefing=house_words(
            service,
            "telephone_briefing",
            caller=caller,
            summary=cut(context.summary, _SUMMARY_CHARS),
            upset=upset,
        ),
        choice=house_words(service, "telephone_choice"),
        connecting=house_words(service, "telephone_connecting"),
        too_late=house_words(service, "telephone_too_late"),
        kept=house_words(service, "telephone_kept"),
    )


async def consult(phone: Telephone, clip: Callable[[str], Awaitable[Clip]]) -> None:
    """Returns when he has taken the call. ``clip`` gives the sound of one of the words, by name. Raises NotReached when he does not."""
    opening = await clip("opening")
    await _agreed(phone, (opening, opening))
    choice = await clip("choice")
    await _agreed(phone, ((*await clip("briefing"), *choice), choice))


async def _agreed(phone: Telephone, questions: tuple[Clip, Clip]) -> None:
    for question in questions:
        key = await _answer(phone, question)
        if key == YES:
            return
        if key == NO:
            raise NotReached(DECLINED)
    raise NotReached(NO_KEY)


async def _answer(phone: Telephone, question: Clip) -> str:
    """The first key that answers, also in the middle of the question; nothing when none does."""

    async def asked() -> None:
        await phone.say(question)
        await asyncio.sleep(_KEY_SECONDS)

    async def pressed() -> str:
        while (key := await phone.keys.get()) not in (YES, NO):
            pass
        return key

    asking, answering = asyncio.ensure_future(asked()), asyncio.ensure_future(pressed())
    first: set[asyncio.Future[Any]] = {asking, answering, phone.gone}
    try:
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        if phone.gone.done():
            raise NotReached(HUNG_UP)
        if not answering.done():
            asking.result()  # what it raised, if it did
            return ""
        return answering.result()
    finally:
        for task in (asking, answering):
            task.cancel()
        await asyncio.gather(asking, answering, return_exceptions=True)
