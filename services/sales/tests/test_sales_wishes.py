"""When a demo would suit: read out of what the caller says about it, and out of nothing else."""

from __future__ import annotations

import pytest
from handoff.call import Role, Turn
from handoff.testing import make_turn
from sales.plans import wanted_plan
from sales.wishes import demo_wish

OFFER = "For the demo I have Thursday at nine in the morning. Does that suit you?"


def talk(*texts: str) -> list[Turn]:
    """Agent and caller in turns, the agent first."""
    return [make_turn(text, role=Role.CALLER if n % 2 else Role.AGENT) for n, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("No, Friday would be better.", "friday"),
        ("Do you have something on Friday in the afternoon?", "friday afternoon"),
        ("That's too early for me.", "afternoon"),
        ("Not in the morning.", "afternoon"),
        ("Rather in the morning.", "morning"),
        ("I can't on Thursday, what about Tuesday?", "tuesday"),
        ("Thursday doesn't work, Monday?", "monday"),
        ("Not on Friday please.", ""),
        ("Monday or Tuesday.", "monday"),
        ("Thursday is fine.", ""),
        ("Thursday works.", ""),
        ("Friday works.", "friday"),
        ("Friday would be great.", "friday"),
        ("Yes, perfect, Thursday then.", ""),
        ("No.", ""),
    ],
)
def test_an_answer_to_an_offer(words: str, wish: str) -> None:
    assert demo_wish(talk(OFFER, words)) == wish


def test_a_wish_in_the_first_sentence_counts_when_it_is_about_a_demo() -> None:
    assert demo_wish(talk("How can I help you?", "I'd like a demo on Monday.")) == "monday"


def test_a_day_that_is_about_something_else_is_no_wish() -> None:
    assert demo_wish(talk("How can I help you?", "Since Monday nothing works.")) == ""


def test_a_half_of_the_day_goes_on_about_the_day_that_was_wished() -> None:
    talked = talk(OFFER, "No, Friday.", "How about Friday at nine in the morning?", "No, that's too early.")
    assert demo_wish(talked) == "friday afternoon"


def test_another_day_is_asked_for_afresh() -> None:
    talked = talk(OFFER, "Friday afternoon.", "How about Friday at three in the afternoon?", "No, then Monday.")
    assert demo_wish(talked) == "monday"


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("At ten please.", "thursday at ten in the morning"),
        ("Eleven o'clock please.", "thursday at eleven in the morning"),
        ("Yes, at two.", "thursday at two in the afternoon"),
        ("Ten would be better.", "thursday at ten in the morning"),
        ("I can't make nine, ten would be better.", "thursday at ten in the morning"),
        ("10 a.m. please", "thursday at ten in the morning"),
        ("Monday at noon?", "monday at noon"),
        ("No, Friday at four.", "friday at four in the afternoon"),
        ("Tomorrow please.", "tomorrow"),
        ("Nine is fine.", ""),
        ("Yes, Thursday at nine.", ""),
        ("We are ten people.", ""),
        ("The other one please.", ""),
        ("One moment.", ""),
        ("Yes please.", ""),
        ("Any day but Thursday please.", "not thursday"),
        ("Another day please.", "not thursday"),
        ("Yes, but not Thursday.", "not thursday"),
    ],
)
def test_an_hour_that_is_named_is_a_wish_for_the_day_that_was_offered(words: str, wish: str) -> None:
    assert demo_wish(talk(OFFER, words)) == wish


def test_an_hour_in_the_first_sentence_is_a_wish_and_a_number_of_people_is_none() -> None:
    assert demo_wish(talk("How can I help you?", "A demo for Monday at ten.")) == "monday at ten in the morning"
    assert demo_wish(talk("How can I help you?", "A demo for ten people.")) == ""


@pytest.mark.parametrize(
    ("words", "plan"),
    [
        ("Cloud Business for 10 people.", "Cloud Business"),
        ("How much would Cloud Business be for ten people?", "Cloud Business"),
        ("A quote for the team plan, please.", "Cloud Team"),
        ("What about Cloud Pro?", "Cloud Pro"),
        ("How much is Cloud Business?", ""),
        ("What's the difference between Cloud Pro and Cloud Team?", ""),
        ("We're on Cloud Team and want to upgrade.", ""),
        ("I don't want Cloud Business.", ""),
    ],
)
def test_a_plan_is_wanted_when_a_price_of_it_is(words: str, plan: str) -> None:
    assert wanted_plan(talk("How can I help you?", words)) == plan
