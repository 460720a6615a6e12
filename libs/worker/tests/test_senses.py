"""What lies between an agent and the caller: words do not overtake the end of the voice that said them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from livekit import rtc
from livekit.agents import UserStateChangedEvent, stt
from livekit.agents.language import LanguageCode
from worker.jumping_time import everything_ran, without_waiting
from worker.senses import after_the_voice

START, END, FINAL = (
    stt.SpeechEventType.START_OF_SPEECH,
    stt.SpeechEventType.END_OF_SPEECH,
    stt.SpeechEventType.FINAL_TRANSCRIPT,
)


class Session(rtc.EventEmitter):
    """Knows whether the caller speaks."""

    user_state: Any = "speaking"

    def caller(self, state: Any) -> None:
        before, self.user_state = self.user_state, state
        self.emit("user_state_changed", UserStateChangedEvent(old_state=before, new_state=state))


async def events(*kinds: stt.SpeechEventType) -> AsyncIterator[stt.SpeechEvent]:
    for kind in kinds:
        words = stt.SpeechData(text="Yes, please.", language=LanguageCode("en"))
        yield stt.SpeechEvent(kind, alternatives=[words] if kind is FINAL else [])


async def note(session: Session, told: list[stt.SpeechEventType]) -> None:
    async for event in after_the_voice(events(START, END, FINAL, START), session):  # type: ignore[arg-type]
        assert isinstance(event, stt.SpeechEvent)
        told.append(event.type)


@without_waiting
async def test_a_transcript_waits_until_the_session_knows_that_the_voice_has_ended() -> None:
    session, told = Session(), list[stt.SpeechEventType]()
    noting = asyncio.create_task(note(session, told))
    await everything_ran()
    assert told == [START, END]
    session.caller("listening")
    await everything_ran()
    assert told == [START, END, FINAL, START]
    await noting


@without_waiting
async def test_when_it_has_ended_nothing_waits() -> None:
    session, told = Session(), list[stt.SpeechEventType]()
    session.caller("listening")
    await note(session, told)
    assert (told, asyncio.get_running_loop().time()) == ([START, END, FINAL, START], 0.0)


@without_waiting
async def test_words_of_a_caller_who_speaks_again_are_not_kept_for_long() -> None:
    session, told = Session(), list[stt.SpeechEventType]()
    await note(session, told)
    assert told == [START, END, FINAL, START]
    assert 0.0 < asyncio.get_running_loop().time() < 0.2
