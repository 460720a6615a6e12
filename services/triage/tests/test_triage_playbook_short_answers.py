"""Triage's playbook: short answers keep off the specialists' matters, and what nobody knows here is said to be unknown."""

from __future__ import annotations

import pytest
from worker.playbook.story import Story

from services.triage.tests.test_triage_playbook import ANYTHING_ELSE, went_to
from services.triage.tests.test_triage_playbook import start as answered


@pytest.mark.parametrize(
    ("said", "service"),
    [
        ("How come I still get charged after I told you to cancel?", "billing"),
        ("Can I cancel a refund request?", "billing"),
        ("Where did my files go?", "technical"),
        ("When is my bill going to be corrected?", "billing"),
        ("How do I check the status of my ticket?", "technical"),
        ("What time is my demo tomorrow?", "sales"),
        ("When are you going to fix my bill?", "billing"),
    ],
)
def test_a_matter_that_sounds_like_a_general_question_goes_to_its_specialist(said: str, service: str) -> None:
    play = answered()
    assert play.caller(said) == ""
    assert went_to(play) == [service]


def test_what_the_time_is_and_a_change_of_address_are_no_questions_about_us() -> None:
    assert "Monday" not in answered().caller("What time is it?")
    assert "Harbor Street" not in answered().caller("I need to change my address.")


@pytest.mark.parametrize(
    "said", ["Do you ship to Canada?", "What's your return policy?", "I need to change my address."]
)
def test_a_general_question_without_an_answer_is_owned_up_to_and_not_asked_back(said: str) -> None:
    play = answered()
    answer = play.caller(said)
    assert "I don't know about that. You can write to help at acme cloud dot example" in answer
    assert answer.endswith(ANYTHING_ELSE)
    assert play.calls == []


def test_whether_data_is_safe_is_known() -> None:
    assert "encrypted" in answered().caller("Is my data safe with you?")


@pytest.mark.parametrize(
    "said",
    ["I'm not happy with the service.", "This is my third call.", "I want to unsubscribe.", "Can you call me back?"],
)
def test_who_is_not_content_or_wants_a_call_goes_to_customer_care(said: str) -> None:
    play = answered()
    play.caller(said)
    assert went_to(play) == ["escalation"]


@pytest.mark.parametrize("said", ["How do I cancel my subscription?", "How can I cancel?", "Can I cancel any time?"])
def test_who_asks_only_how_it_is_cancelled_is_told(said: str) -> None:
    """The story is the one that the worker tells of these words: "cancel my subscription" counts as a demand."""
    play = answered(story=Story(is_frustrated=True))
    assert "You can cancel at any time" in play.caller(said)
    assert play.calls == []


@pytest.mark.parametrize("said", ["Can I cancel my subscription, please?", "I'm fed up, how do I cancel?"])
def test_who_wants_it_cancelled_goes_to_customer_care(said: str) -> None:
    play = answered(story=Story(is_frustrated=True))
    play.caller(said)
    assert went_to(play) == ["escalation"]
