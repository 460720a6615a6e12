"""Keywords alone: what names a matter, what is denied, and the short answers to the clarifying question."""

import pytest
from worker.understanding import keywords


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("Hi, I was charged twice for my March invoice.", "billing"),
        ("Hi, I was charged twice for my March end voice.", "billing"),
        ("There's a duplicate charge on my bill", "billing"),
        ("I want my money back.", "billing"),
        ("My account ID is AC4721 and I was charged twice for my March invoice.", "billing"),
        ("My server keeps crashing with an error.", "technical"),
        ("It's not working since yesterday.", "technical"),
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
    name, confidence = keywords.best(said)
    assert name == intent
    assert 0.5 <= confidence <= 1


@pytest.mark.parametrize(
    "said",
    [
        "", "Hello?", "Yes please.", "No, that's all, thank you.", "Um, I have a question.", "My account ID is A C 4 7 2 1.",
        "marching boards", "The thing with the card.", "The payment page shows an error.", "may I ask something",
    ],
)  # fmt: skip
def test_an_unclear_matter_stays_below_half(said: str) -> None:
    assert keywords.best(said)[1] < 0.5


def test_more_hints_make_it_surer_and_a_rival_less_sure() -> None:
    assert keywords.best("I was charged for my invoice, I want a refund")[1] > keywords.best("I was charged")[1]
    assert keywords.best("my last invoice and the servers")[1] < keywords.best("my last invoice")[1]


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("it's not about billing, it's a technical problem", "it's , it's a technical problem"),
        ("I don't need an upgrade but a receipt", "I but a receipt"),
        ("No it's not technical, it's my bill", "No it's , it's my bill"),
        ("it's not working", "it's not working"),
        ("I don't want to talk to a robot", "I don't want to talk to a robot"),
        ("I don't need your service any more", "I don't need your service any more"),
    ],
)
def test_what_it_is_not_about_is_left_out_but_a_fault_or_a_farewell_stays(said: str, left: str) -> None:
    assert keywords.without_denied(said) == left


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("Billing.", "billing"), ("billing please", "billing"), ("um it's about my bill", "billing"), ("a refund", "billing"),
        ("It's a technical thing.", "technical"), ("technical I guess", "technical"), ("tech support", "technical"),
        ("the plans", "sales"), ("Our plans.", "sales"), ("I think it's about your plans", "sales"), ("sales", "sales"),
        ("a manager please", "escalation"), ("human", "escalation"), ("general question", "general"), ("your address", "general"),
    ],
)  # fmt: skip
def test_a_short_answer_to_the_clarifying_question_names_a_service(said: str, intent: str) -> None:
    assert keywords.names_a_service(said) == intent
    assert keywords.best(said)[1] > 0.9


@pytest.mark.parametrize(
    "said", ["", "yes", "no", "the first one", "a question", "no problem", "my plans for tonight are off"]
)
def test_other_short_answers_name_none(said: str) -> None:
    assert keywords.names_a_service(said) == ""


def test_a_few_words_tell_out_of_scope_without_a_model() -> None:
    assert keywords.is_out_of_scope("What's the weather like?")
    assert not keywords.is_out_of_scope("my invoice")
