"""Billing's playbook: a refund that is wanted after all, the charge that is meant, and answers that fit the question."""

from __future__ import annotations

import pytest
from worker.playbook.story import Story
from worker.testing.playbook import Play

from services.billing.tests.dialogue import ASK_ACCOUNT, BOOK, CALLBACK, DONE, OFFER, VERIFIED, BackOffice, taken

AFTER_ALL = "All right, then once more. Shall I refund the $49.99 for March, yes or no?"
MARCUS = VERIFIED | {"account_id": "AC1058", "display_name": "Marcus Webb"}
VICTOR = VERIFIED | {"account_id": "AC1963", "display_name": "Victor Almeida"}


def verified(office: BackOffice, said: str, facts: dict[str, str]) -> Play:
    office.verify(facts["account_id"])
    return taken(office, said=said, facts=facts, story=Story(services=("triage", "billing")))


# --- after all ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "words",
    ["Yes, refund it after all please.", "I changed my mind.", "But I was charged twice!", "I do want the refund."],
)
def test_a_refund_that_was_declined_is_offered_once_more_and_made_on_a_yes(office: BackOffice, words: str) -> None:
    play = verified(office, "I was charged twice in March.", VERIFIED)
    assert play.go_on().endswith(OFFER)
    play.caller("No.")
    assert play.caller(words) == AFTER_ALL
    assert office.refunds() == 0, "nobody has said yes to it yet"
    assert DONE in play.caller("Yes.")
    assert office.refunds() == 1


def test_a_second_no_is_a_no_too(office: BackOffice) -> None:
    play = verified(office, "I was charged twice in March.", VERIFIED)
    play.go_on()
    play.caller("No.")
    play.caller("I changed my mind.")
    assert play.caller("No.").startswith("All right, I won't refund the March charge.")
    assert play.caller("No, that's all.").endswith("Goodbye.")
    assert office.refunds() == 0


# --- the charge that is meant -------------------------------------------------------------------------------------------
def test_the_charge_whose_amount_is_named_is_explained(office: BackOffice) -> None:
    play = verified(office, "What is the charge of fifty dollars on my invoice?", VICTOR)
    assert "The $49.99 is the price of Cloud Pro" in play.go_on()
    assert "gigabytes of storage" in play.caller("And what is the charge of three dollars?")


def test_a_charge_that_does_not_exist_is_not_explained_by_another_one(office: BackOffice) -> None:
    play = verified(office, "What is the charge of twelve dollars on my invoice?", MARCUS)
    assert play.go_on().startswith("I'm sorry, I can't find a charge like that")


def test_the_amount_that_a_bill_has_grown_by_is_no_charge(office: BackOffice) -> None:
    play = verified(office, "Why is my bill ten dollars higher than usual?", VICTOR)
    assert "gigabytes of storage" in play.go_on()


def test_a_wrong_name_on_an_invoice_is_no_wrong_charge(office: BackOffice) -> None:
    play = verified(office, "My invoice has the wrong company name on it.", VERIFIED)
    assert play.go_on() == f"I'm sorry, I can't change what is written on an invoice. {CALLBACK}"


def test_a_wrong_amount_is_a_wrong_charge(office: BackOffice) -> None:
    assert verified(office, "My invoice has the wrong amount on it.", VERIFIED).go_on().endswith(OFFER)


def test_a_payment_and_the_reason_of_its_amount_are_both_told(office: BackOffice) -> None:
    said = verified(office, "Is my payment through? And also why was it so high?", MARCUS).go_on()
    assert "was paid on March 4. Now to the amount." in said
    assert "The $49.99 is the price of Cloud Pro for March." in said


# --- answers that fit ---------------------------------------------------------------------------------------------------
def test_a_new_card_in_the_story_of_a_double_charge_is_no_question_about_cards(office: BackOffice) -> None:
    play = verified(office, "I got a new card and you charged the old one twice.", VERIFIED)
    assert play.go_on().endswith(OFFER)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("How can I get a refund for that?", ASK_ACCOUNT),
        ("Where do I find that?", "top of every invoice"),
        ("How do I get my account number?", "top of every invoice"),
        ("When is my bill going to be corrected?", ASK_ACCOUNT),
        ("Do you accept Visa?", "bank transfer"),
    ],
)
def test_a_question_of_a_caller_who_is_not_verified_gets_what_fits(office: BackOffice, said: str, words: str) -> None:
    play = Play(BOOK, office.tools())
    play.agent("Thanks for calling Acme Cloud billing. How can I help you with your account?")
    answer = play.caller(said)
    assert words in answer
    assert ("account ID" in answer) or ("bank transfer" in answer)
