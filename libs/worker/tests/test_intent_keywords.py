"""Keyword intent: what callers say, and when it is better to ask."""

import pytest
from worker.intent import SURE, find_intent


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("Hi, I was charged twice for my March invoice.", "billing"),
        ("Hi, I was charged twice for my March end voice.", "billing"),
        ("There's a duplicate charge on my bill", "billing"),
        ("I want my money back.", "billing"),
        ("Billing, please.", "billing"),
        ("My account ID is AC4721 and I was charged twice for my March invoice.", "billing"),
        ("My server keeps crashing with an error.", "technical"),
        ("It's not working since yesterday.", "technical"),
        ("A technical problem.", "technical"),
        ("I can't log in, the password is wrong.", "technical"),
        ("I'd like to upgrade to the team plan.", "sales"),
        ("How much does the enterprise plan cost?", "sales"),
        ("I want to speak to a manager.", "escalation"),
        ("Can I talk to a real person please?", "escalation"),
        ("I want to cancel my account.", "escalation"),
        ("What are your opening hours?", "general"),
        ("Where are you located?", "general"),
        ("It's not about billing, it's a technical problem.", "technical"),
        ("No, I don't need technical support, I want a refund.", "billing"),
    ],
)
def test_a_clear_matter_is_found(said: str, intent: str) -> None:
    found = find_intent(said)
    assert found is not None
    assert (found.name, found.found_by) == (intent, "keywords")
    assert SURE <= found.confidence <= 1


@pytest.mark.parametrize(
    "said",
    [
        "", "Hello?", "Yes please.", "No, that's all, thank you.", "Um, I have a question.", "My account ID is A C 4 7 2 1.",
        "marching boards", "The thing with the card.", "The payment page shows an error.", "may I ask something",
    ],
)  # fmt: skip
def test_an_unclear_matter_is_none_and_leads_to_a_question(said: str) -> None:
    assert find_intent(said) is None


def test_more_hints_make_it_surer() -> None:
    one, three = find_intent("my invoice"), find_intent("I was charged twice on my invoice, I want a refund")
    assert one is not None and three is not None
    assert three.confidence > one.confidence


def test_a_rival_makes_it_less_sure() -> None:
    alone, rivalled = find_intent("my invoice"), find_intent("my invoice and the servers")
    assert alone is not None and rivalled is not None
    assert rivalled.confidence < alone.confidence
