"""What a human hears on the telephone before he has a call, and what his keys do; who presses none gets no caller."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from handoff.call import Mood, Sentiment
from handoff.context import build_context
from handoff.desk import ENTRY
from handoff.testing import START, make_call, make_fact, make_intent, make_turn
from worker.humans.consulting import consult, words
from worker.humans.dialling import NotReached
from worker.testing.jumping_time import without_waiting
from worker.testing.text_call import paper_service

OPENING, BRIEFING, CHOICE = "opening", "briefing", "choice"
SAYING_SECONDS = 4.0


class Anna:
    """A human, or a machine, on the telephone. ``presses``: so many seconds after it was answered, which key."""

    def __init__(self, *presses: tuple[float, str], hangs_up_after: float | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.keys: asyncio.Queue[str] = asyncio.Queue()
        self.gone: asyncio.Future[bool] = loop.create_future()
        self.heard: list[str] = []
        for seconds, key in presses:
            loop.call_later(seconds, self.keys.put_nowait, key)
        if hangs_up_after is not None:
            loop.call_later(hangs_up_after, self.gone.set_result, True)

    async def answered(self) -> None: ...

    async def say(self, clip: Any) -> None:
        for word in clip:
            self.heard.append(word)
            await asyncio.sleep(SAYING_SECONDS)


async def consulted(anna: Anna) -> str:
    """How it ends: ``taken``, or why not."""

    async def clip(name: str) -> Any:
        return [name]

    try:
        await consult(anna, clip)
    except NotReached as e:
        return str(e)
    return "taken"


@without_waiting
async def test_a_human_hears_of_the_call_after_one_key_and_has_it_after_another() -> None:
    anna = Anna((5, "1"), (14, "1"))
    assert await consulted(anna) == "taken"
    assert anna.heard == [OPENING, BRIEFING, CHOICE]


@without_waiting
async def test_a_human_need_not_listen_to_the_end() -> None:
    anna = Anna((1, "1"), (2, "1"))
    assert await consulted(anna) == "taken"
    assert asyncio.get_running_loop().time() == pytest.approx(2)


@pytest.mark.parametrize("presses", [((2, "2"),), ((2, "1"), (6, "2"))], ids=["at once", "of this call"])
@without_waiting
async def test_a_human_declines_by_a_key(presses: tuple[tuple[float, str], ...]) -> None:
    assert await consulted(Anna(*presses)) == "declined"


@without_waiting
async def test_a_voicemail_presses_nothing_and_is_told_nothing_of_the_caller() -> None:
    machine = Anna()
    assert await consulted(machine) == "no_key"
    assert machine.heard == [OPENING, OPENING]


@without_waiting
async def test_a_human_who_only_listened_has_taken_nothing() -> None:
    anna = Anna((5, "1"))
    assert await consulted(anna) == "no_key"
    assert anna.heard == [OPENING, BRIEFING, CHOICE, CHOICE], "he is asked twice, and told the story once"


@without_waiting
async def test_other_keys_mean_nothing() -> None:
    assert await consulted(Anna((1, "5"), (2, "*"), (3, "1"), (4, "#"), (5, "1"))) == "taken"


@without_waiting
async def test_a_human_who_hangs_up_in_the_briefing_has_not_taken_the_call() -> None:
    anna = Anna((2, "1"), hangs_up_after=4)
    assert await consulted(anna) == "hung_up"
    assert asyncio.get_running_loop().time() == pytest.approx(4)


# --- the words ---------------------------------------------------------------------------------------------------------
CARD = "4242 4242 4242 4242"


def told(home: Path, *, mood: Mood = Mood.NEUTRAL, name: str = "Anna", **call: Any) -> Any:
    upset = make_call(sentiment=Sentiment(mood), **call)
    context = build_context(
        upset, entry=ENTRY, handoff_id="d1", epoch=1, now=START, intent=make_intent("escalation"), summary=None
    )
    return words(paper_service(home), context, name)


def test_the_opening_tells_that_somebody_calls_and_nothing_of_him(tmp_path: Path) -> None:
    call: Any = {"display_name": "Sarah Jones", "turns": (make_turn("I was charged twice."),)}
    said = told(tmp_path, **call)
    assert said.opening.startswith("Hello Anna.")
    assert "Press 1" in said.opening
    assert "2 to decline" in said.opening
    for private in ("Sarah", "charged", "AC4721"):
        assert private not in said.opening
    assert "Sarah Jones" in said.briefing
    assert "I was charged twice" in said.briefing


def test_a_telephone_without_a_name_is_greeted_by_none(tmp_path: Path) -> None:
    assert told(tmp_path, name="").opening.startswith("This is our voice assistant")


def test_the_briefing_tells_an_angry_caller_from_another(tmp_path: Path) -> None:
    homes = [tmp_path / "a", tmp_path / "b"]
    for home in homes:
        home.mkdir()
    assert "upset" in told(homes[0], mood=Mood.NEGATIVE).briefing
    assert "upset" not in told(homes[1]).briefing


def test_the_briefing_tells_what_the_desk_may_be_told_and_is_short(tmp_path: Path) -> None:
    facts = (make_fact("identity_capability", "a-proof"), make_fact("postal_code", "97209"), make_fact())
    turns = (make_turn(f"My card is {CARD}."), make_turn("Well, " * 200))
    said = told(tmp_path, facts=facts, turns=turns)
    for private in ("a-proof", "97209", "4242"):
        assert private not in said.briefing
    assert len(said.briefing) < 400
