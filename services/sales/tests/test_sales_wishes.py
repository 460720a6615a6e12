"""When a demo would suit: read out of what the caller says about it, and out of nothing else."""

from __future__ import annotations

import pytest
from handoff.call import Role, Turn
from handoff.testing import make_turn
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
        ("Monday or Tuesday.", ""),
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
