"""Technical's playbook: what the caller told is not asked for, what he tells late is looked at, and what he asks is answered."""

from __future__ import annotations

import pytest
from worker.playbook.story import Story
from worker.testing.playbook import Play

from services.technical.tests.dialogue import FOUND, UPDATE, BackOffice, direct, taken

ASK = "What exactly goes wrong?"
ASK_ACCOUNT = "Could you tell me your account ID, please?"


def direct_verified(office: BackOffice) -> Play:
    play = direct(office)
    play.facts |= {"account_id": "AC4721", "display_name": "Sarah Chen", "identity_capability": "verified"}
    office.call = office.call.verified("AC4721")
    return play


# --- asked only when nothing was told -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "symptom",
    [
        "My webhooks come twice.",
        "The previews are grey.",
        "It says storage is full.",
        "The restore stopped halfway.",
        "My files have conflicted copies.",
        "The link I shared expired.",
        "I have a problem with Cloud Drive, the previews are grey.",
        "My icon has turned purple.",
    ],
)
def test_a_symptom_that_was_told_is_not_asked_for(office: BackOffice, symptom: str) -> None:
    assert direct(office).caller(symptom) == ASK_ACCOUNT


@pytest.mark.parametrize(
    "words",
    [
        "I have a problem with Cloud Drive.",
        "Something is wrong with my backup.",
        "There's an issue with the API.",
        "Hello, I need some help.",
        "Technical support, please.",
        "I'm calling about my Cloud Drive.",
    ],
)
def test_who_names_no_more_than_a_problem_is_asked_what_goes_wrong(office: BackOffice, words: str) -> None:
    assert direct(office).caller(words) == ASK


def test_what_is_told_when_asked_finds_the_known_issue(office: BackOffice) -> None:
    play = direct_verified(office)
    assert play.caller("I have a problem with Cloud Drive.") == ASK
    assert play.caller("It crashes when it syncs.").endswith(f"{FOUND} {UPDATE}")


def test_a_technical_problem_mentioned_beside_a_bill_is_asked_about(office: BackOffice) -> None:
    play = taken(office, said="I was charged twice, and I also have a technical problem.")
    play.story = Story(services=("triage", "billing", "technical"))
    assert play.go_on() == ASK, "the last words before the call came name it at their end"


def test_a_symptom_that_no_fact_holds_is_still_known_after_the_zip_code(office: BackOffice) -> None:
    play = direct(office)
    play.caller("My webhooks come twice.")
    play.caller("AC1963")
    assert "I found the reason. A webhook comes again" in play.caller("85018")


# --- told late ----------------------------------------------------------------------------------------------------------
def test_a_symptom_that_is_told_after_nothing_was_found_is_looked_at(office: BackOffice) -> None:
    play = direct_verified(office)
    assert play.caller("I have a problem with Cloud Drive.") == ASK
    assert "On our side your Cloud Drive looks healthy." in play.caller("I don't know.")
    assert play.caller("It keeps crashing.") == f"{FOUND} {UPDATE}"
    assert office.tickets() == []


def test_a_symptom_that_explains_nothing_is_looked_at_once(office: BackOffice) -> None:
    play = direct_verified(office)
    play.caller("I have a problem with Cloud Drive.")
    play.caller("I don't know.")
    said = play.caller("My files are missing.")
    assert said == "Please tell me when you have tried it. Does it work now, yes or no?"
    assert len(play.called("run_diagnostics")) == 2
    assert play.caller("No.").startswith("Then let's try something else.")
    assert len(play.called("run_diagnostics")) == 2


def test_it_does_something_odd_is_no_success(office: BackOffice) -> None:
    play = taken(office)
    play.go_on()
    assert not play.caller("It does weird things.").startswith("I'm glad")


# --- answers that fit ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "told", "not_told"),
    [
        ("What's the status of the ticket I opened?", "number of your ticket", "incident"),
        ("How long does the first backup take?", "copies everything", "promise"),
        ("Do you have a phone number for the engineers?", "no telephone line", "Windows"),
        ("How much does the new version cost?", "free", "Check for updates"),
        ("How long will the outage last?", "can't promise a date", "copies"),
        ("Does it run on my phone?", "iPhone and Android", "telephone"),
        ("What is the status of your API?", "one incident", "ticket"),
    ],
)
def test_a_question_gets_the_answer_that_fits(office: BackOffice, asked: str, told: str, not_told: str) -> None:
    said = direct(office).caller(asked)
    assert told in said
    assert not_told not in said


def test_what_the_update_costs_is_no_matter_for_sales(office: BackOffice) -> None:
    play = taken(office)
    play.go_on()
    assert "free" in play.caller("How much does the new version cost?")
    assert play.called("transfer_call") == []


def test_figures_that_were_asked_for_first_are_told_once_they_are_known(office: BackOffice) -> None:
    play = taken(office, "AC1963", "Victor Almeida", said="What's my error rate?")
    assert "percent of the requests fail" in play.go_on()
