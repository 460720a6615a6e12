"""What a caller wishes, and what he only tells: read out of his words."""

from __future__ import annotations

from datetime import datetime

import pytest
from escalation import wishes
from escalation_mcp import spoken
from handoff.call import Role, Turn
from handoff.testing import make_turn

NOW = datetime(2026, 11, 25, 14, 10)
OFFER = "A manager can call you on Monday at nine in the morning. Shall I book that?"


def talk(*texts: str) -> list[Turn]:
    """Agent and caller in turns, the agent first."""
    return [make_turn(text, role=Role.CALLER if n % 2 else Role.AGENT) for n, text in enumerate(texts)]


def callback_wish(*texts: str) -> str:
    return wishes.wishes(talk(*texts), ("escalation",))["callback_wish"]


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("I called this morning and nobody called me back, I want a manager.", ""),
        ("Somebody was to call me back on Monday, get me a manager.", ""),
        ("I called this morning. A manager shall call me on Friday.", "A manager shall call me on Friday"),
        ("I want a manager to call me on Monday at ten.", "I want a manager to call me on Monday at ten."),
        ("I was hoping a manager could call me on Friday.", "I was hoping a manager could call me on Friday."),
    ],
)
def test_a_time_that_is_told_is_none_that_is_wished(words: str, wish: str) -> None:
    assert callback_wish("How can I help?", words) == wish


def test_a_day_that_was_offered_and_does_not_suit_is_news() -> None:
    assert callback_wish(OFFER, "Monday works.") == ""
    assert callback_wish(OFFER, "Any day but Monday.") == "Any day but Monday."
    assert callback_wish(
        OFFER, "Not Monday.", "A manager can call you on Tuesday. Shall I book that?", "Tuesday doesn't work."
    ) == ("Not Monday. Tuesday doesn't work.")


@pytest.mark.parametrize(
    ("words", "slot", "fits"),
    [
        ("any day but Tuesday", datetime(2026, 12, 1, 9), False),
        ("any day but Tuesday", datetime(2026, 11, 30, 9), True),
        ("Monday doesn't work", datetime(2026, 11, 30, 9), False),
        ("not today", datetime(2026, 11, 25, 16), False),
        ("not today", datetime(2026, 11, 26, 9), True),
        ("I can't on Monday or Tuesday", datetime(2026, 12, 1, 9), False),
        ("not in the morning", datetime(2026, 11, 26, 9), False),
        ("not in the morning", datetime(2026, 11, 26, 14), True),
        ("not at nine", datetime(2026, 11, 26, 9), False),
        ("not Monday, Tuesday at ten", datetime(2026, 12, 1, 10), True),
        ("Monday works", datetime(2026, 11, 30, 9), True),
        ("Not Monday. Tuesday doesn't work.", datetime(2026, 11, 30, 9), False),
    ],
)
def test_what_would_not_do_is_not_wished(words: str, slot: datetime, *, fits: bool) -> None:
    assert (not any(spoken.wish(words, NOW).misses(slot))) is fits


@pytest.mark.parametrize(
    "words",
    ["Is my complaint CC-40417 answered yet?", "What's the status of my complaint?", "Any news on my complaint?"],
)
def test_who_asks_after_a_complaint_makes_none(words: str) -> None:
    assert not wishes.complains(talk("How can I help?", words))


def test_who_complains_makes_a_complaint() -> None:
    for words in ("I want to make a complaint.", "I'm complaining about your service.", "A complaint case, please."):
        assert wishes.complains(talk("How can I help?", words))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("I want to cancel my demo.", ""),
        ("Please cancel my ticket.", ""),
        ("Cancel my account.", "cancel"),
        ("I want to cancel.", "cancel"),
    ],
)
def test_who_cancels_an_appointment_does_not_leave(words: str, why: str) -> None:
    assert wishes.wishes(talk("How can I help?", words), ("escalation",))["why"] == why
