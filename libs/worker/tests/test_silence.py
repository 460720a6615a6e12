"""A caller's silence is counted; his voice ends the count, the agent's own words only the waiting."""

from __future__ import annotations

import asyncio

import pytest
from livekit import rtc
from worker.agent.silence import PATIENT_SECONDS, SilenceWatch, asks_to_wait
from worker.testing.jumping_time import without_waiting

SECONDS = 8.0


class Quiet(rtc.EventEmitter):
    """A session in which nobody speaks until a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.user_state = "listening"
        self.agent_state = "listening"

    def caller(self, state: str) -> None:
        self.user_state = state
        self.emit("user_state_changed", object())

    def agent(self, state: str) -> None:
        self.agent_state = state
        self.emit("agent_state_changed", object())


def watched(session: Quiet) -> tuple[SilenceWatch, list[int]]:
    counted: list[int] = []

    async def on_silence(count: int) -> None:
        counted.append(count)

    return SilenceWatch(session, seconds=SECONDS, on_silence=on_silence), counted


async def agent_asks(session: Quiet) -> None:
    session.agent("speaking")
    await asyncio.sleep(3)
    session.agent("listening")


@without_waiting
async def test_a_silence_is_counted_when_it_has_lasted() -> None:
    _, counted = watched(Quiet())
    await asyncio.sleep(SECONDS - 0.1)
    assert counted == []
    await asyncio.sleep(0.2)
    assert counted == [1]


@without_waiting
async def test_silence_after_our_own_question_is_the_next_one() -> None:
    session = Quiet()
    _, counted = watched(session)
    for _ in range(3):
        await asyncio.sleep(SECONDS + 0.1)
        await agent_asks(session)
    assert counted == [1, 2, 3]


@without_waiting
async def test_one_silence_is_counted_once_however_long_it_lasts() -> None:
    _, counted = watched(Quiet())
    await asyncio.sleep(SECONDS * 5)
    assert counted == [1]


@without_waiting
async def test_a_caller_who_speaks_begins_anew() -> None:
    session = Quiet()
    _, counted = watched(session)
    await asyncio.sleep(SECONDS + 0.1)
    session.caller("speaking")
    await asyncio.sleep(SECONDS * 3)
    session.caller("listening")
    await asyncio.sleep(SECONDS + 0.1)
    assert counted == [1, 1]


@without_waiting
async def test_an_agent_that_thinks_or_speaks_is_no_silence_of_the_caller() -> None:
    session = Quiet()
    _, counted = watched(session)
    for state in ("thinking", "speaking"):
        session.agent(state)
        await asyncio.sleep(SECONDS * 2)
    assert counted == []


@without_waiting
async def test_a_stopped_watch_counts_nothing_more() -> None:
    session = Quiet()
    watch, counted = watched(session)
    watch.stop()
    session.caller("speaking")
    session.caller("listening")
    await asyncio.sleep(SECONDS * 2)
    assert counted == []


@without_waiting
async def test_a_caller_who_asks_us_to_wait_is_waited_for() -> None:
    watch, counted = watched(Quiet())
    watch.heard("Hold on a second, let me find it.")
    await asyncio.sleep(PATIENT_SECONDS - 0.1)
    assert counted == []
    await asyncio.sleep(0.2)
    assert counted == [1]


@without_waiting
async def test_with_his_next_words_our_patience_is_the_usual_one_again() -> None:
    watch, counted = watched(Quiet())
    watch.heard("One moment please.")
    watch.heard("I have it here.")
    await asyncio.sleep(SECONDS + 0.1)
    assert counted == [1]


@pytest.mark.parametrize("text", ["Hang on.", "just a minute", "Let me check my invoice", "bear with me"])
def test_people_ask_us_to_wait_in_many_words(text: str) -> None:
    assert asks_to_wait(text)


@pytest.mark.parametrize("text", ["I have waited for a week", "The second invoice", "Yes please"])
def test_other_words_about_time_ask_for_nothing(text: str) -> None:
    assert not asks_to_wait(text)


@without_waiting
async def test_a_caller_who_types_and_never_speaks_begins_anew_as_well() -> None:
    watch, counted = watched(Quiet())
    await asyncio.sleep(SECONDS + 0.1)
    watch.heard("")
    await asyncio.sleep(SECONDS - 0.1)
    assert counted == [1]
    await asyncio.sleep(0.2)
    assert counted == [1, 1]
