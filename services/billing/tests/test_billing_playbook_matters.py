"""Billing's playbook, whole dialogues with its real back office behind it: other questions, faults, other services' matters."""

from __future__ import annotations

import pytest
from billing_mcp.rows import Mailing
from worker.playbook.story import Story
from worker.testing.playbook import Play

from services.billing.tests.dialogue import (
    ANYTHING_ELSE,
    ASK_ACCOUNT,
    ASK_ZIP,
    BOOK,
    CALLBACK,
    DONE,
    LOOK,
    OFFER,
    VERIFIED,
    BackOffice,
    fail,
    taken,
    went_to,
)


# --- the other tools --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("account_id", "said", "words"),
    [
        ("AC1963", "Why is my March bill higher than usual?", "gigabytes of storage beyond your plan"),
        ("AC1963", "I don't recognize a charge on my invoice.", "gigabytes of storage beyond your plan"),
        ("AC1058", "Can you explain the charge in March?", "is the price of Cloud Pro for March"),
        ("AC1058", "Did my payment go through?", "was paid on March"),
        ("AC8136", "Did you get my payment?", "didn't go through"),
        ("AC9047", "What's the status of my payment?", "is on its way"),
        ("AC1058", "Could you send me a copy of my invoice?", "I've sent your March invoice again"),
        ("AC1058", "I never got my February invoice.", "I've sent your February invoice again"),
        ("AC1058", "How much is my latest invoice?", "Your latest invoice is from March, and its total is $49.99."),
    ],
)
def test_a_question_about_a_bill_is_answered(office: BackOffice, account_id: str, said: str, words: str) -> None:
    office.verify(account_id)
    play = taken(office, said=said, facts=VERIFIED | {"account_id": account_id})
    answer = play.go_on()
    assert words in answer
    assert answer.endswith(ANYTHING_ELSE)


def test_a_charge_that_looks_like_a_duplicate_is_offered_back(office: BackOffice) -> None:
    office.verify("AC4721")
    play = taken(office, said="I don't recognize a charge on my March bill.", facts=VERIFIED)
    assert play.go_on() == OFFER


def test_an_invoice_is_sent_again_once(office: BackOffice) -> None:
    office.verify("AC1058")
    play = taken(office, said="Please send my invoice again.", facts=VERIFIED | {"account_id": "AC1058"})
    play.go_on()
    assert "I've sent your March invoice again" in play.caller("Yes, please send me the invoice again.")
    assert office.count(Mailing) == 1


def test_two_matters_in_one_sentence_are_both_done(office: BackOffice) -> None:
    office.verify("AC4721")
    play = taken(office, said="I was charged twice in March, and please send me a copy of the invoice.", facts=VERIFIED)
    said = play.go_on()
    assert "I've sent your March invoice again" in said
    assert said.endswith(f"Now to the charge. {OFFER}")
    assert play.caller("Yes.") == f"{DONE} {ANYTHING_ELSE}"


def test_one_question_after_the_other_in_one_call(office: BackOffice) -> None:
    office.verify("AC1963")
    play = taken(office, said="How much is my latest invoice?", facts=VERIFIED | {"account_id": "AC1963"})
    assert "its total is $52.99" in play.go_on()
    assert "gigabytes of storage" in play.caller("Yes, why is it higher than usual?")
    assert "was paid on March 4" in play.caller("And did my payment go through?")
    assert "sent your March invoice again" in play.caller("Can you send me a copy of my invoice?")
    assert play.caller("No, that's everything, thanks.").endswith("Goodbye.")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("How long does the refund take?", "five working days"),
        ("Which payment methods do you accept?", "bank transfer"),
        ("When will I be billed?", "first day of each month"),
        ("Where can I find my invoices?", "under Billing"),
        ("When are you open?", "Monday to Friday"),
    ],
)
def test_what_needs_no_account_is_answered_in_one_sentence(office: BackOffice, said: str, words: str) -> None:
    play = Play(BOOK, office.tools())
    play.agent("Thanks for calling Acme Cloud billing. How can I help you with your account?")
    answer = play.caller(said)
    assert words in answer
    assert answer.endswith(ANYTHING_ELSE)
    assert play.calls == []


def test_a_direct_caller_is_asked_who_he_is_and_what_it_is_about(office: BackOffice) -> None:
    play = Play(BOOK, office.tools())
    play.agent("Thanks for calling Acme Cloud billing. How can I help you with your account?")
    assert play.caller("Hello, I have a question.") == ASK_ACCOUNT
    assert play.caller("It's AC1058.") == ASK_ZIP
    assert play.caller("60614.") == "Thank you, Marcus. Is it about a wrong charge, a payment, or your latest invoice?"
    assert "Your latest invoice is from March, and its total is $49.99." in play.caller("About my latest invoice.")


# --- away, slow, broken -----------------------------------------------------------------------------------------------
def test_with_the_tools_away_it_says_what_it_cannot_do(play: Play) -> None:
    play.tools = {"end_call": lambda outcome: None, "transfer_call": lambda service, summary: None}
    said = play.go_on()
    assert said == f"I'm sorry, I can't reach our records right now, so I can't look at your account. {CALLBACK}"
    assert play.caller("No.") == f"All right. {ANYTHING_ELSE}"
    assert play.caller("No.").endswith("Goodbye.")
    assert play.called("end_call") == [{"outcome": "failed"}]


@pytest.mark.parametrize("tool", ["find_account", "verify_identity", "check_refund_eligibility", "process_refund"])
def test_a_tool_that_fails_is_tried_twice_and_nothing_is_invented(play: Play, office: BackOffice, tool: str) -> None:
    play.tools = office.tools() | {tool: fail("The billing records can't be reached right now.")}
    play.go_on()
    said = play.caller("AC4721, 97209")
    if tool == "process_refund":
        said = play.caller("Yes.")
    assert len(play.called(tool)) == 2
    assert said.endswith(CALLBACK)
    assert "R F" not in said
    assert play.caller("Yes please.") == ""
    assert went_to(play) == ["escalation"]


def test_a_proof_that_has_expired_is_asked_for_once_more(office: BackOffice) -> None:
    play = taken(office, facts=VERIFIED)  # the office knows nothing of this caller
    assert play.go_on().endswith("For your security I have to ask once more. What is the ZIP code on the account?")
    assert OFFER in play.caller("97209")


# --- other matters ----------------------------------------------------------------------------------------------------
def test_a_change_of_topic_in_mid_sentence_is_followed(known: Play) -> None:
    known.go_on()
    assert known.caller("Actually, forget it, the app keeps crashing on me.") == ""
    assert went_to(known) == ["technical"]


def test_the_matter_that_waits_is_announced_when_this_one_is_done(office: BackOffice) -> None:
    office.verify("AC4721")
    said = "I was charged twice in March, and the app keeps crashing."
    play = taken(office, said=said, facts=VERIFIED, story=Story(pending_intents=("technical",)))
    play.go_on()
    assert play.caller("Yes please.") == f"{DONE} You also mentioned that the app keeps crashing."
    assert went_to(play) == ["technical"]


def test_the_matter_that_waits_is_not_forgotten_when_nobody_takes_it(office: BackOffice) -> None:
    office.verify("AC4721")
    play = taken(office, facts=VERIFIED, story=Story(pending_intents=("technical",)))
    play.tools = office.tools() | {"transfer_call": lambda service, summary: f"Nobody took the call: {service} lost."}
    play.go_on()
    assert "technical specialist can't take your call right now" in play.caller("Yes please.")
    assert play.caller("No.") == f"All right. {ANYTHING_ELSE}"
    assert play.caller("No.").endswith("Goodbye.")


def test_an_angry_caller_goes_to_escalation_from_the_middle_of_anything(known: Play) -> None:
    known.go_on()
    known.story = Story(is_frustrated=True)
    assert known.caller("This is ridiculous, you people are useless!") == "I'm sorry for all this trouble."
    assert went_to(known) == ["escalation"]


def test_who_was_with_escalation_already_is_not_sent_there_for_his_mood_again(known: Play) -> None:
    known.story = Story(is_frustrated=True, services=("triage", "escalation", "billing"))
    assert known.go_on() == f"{LOOK} {OFFER}"


def test_what_was_done_before_the_call_went_elsewhere_is_remembered(office: BackOffice) -> None:
    office.verify("AC4721")
    story = Story(
        effects=("process_refund RF-20417 49.99", "open_ticket TK-30401"),
        services=("triage", "billing", "technical", "billing"),
        is_returning=True,
    )
    play = taken(office, facts=VERIFIED | {"ticket_id": "TK-30401"}, story=story)
    said = play.go_on()
    assert said == (
        "Your refund is done, its reference is R F, 2 0 4 1 7. And your ticket with our technical team is T K, 3 0 4 0 1."
        f" {ANYTHING_ELSE}"
    )
    assert "R F, 2 0 4 1 7" in play.caller("Sorry, what was my reference?")
    assert office.refunds() == 0


def test_a_new_question_brings_the_call_back_and_is_answered(office: BackOffice) -> None:
    office.verify("AC4721")
    story = Story(("process_refund RF-20417 49.99",), services=("billing", "technical", "billing"), is_returning=True)
    play = taken(office, said="And please send me the invoice again.", facts=VERIFIED, story=story)
    assert "I've sent your March invoice again" in play.go_on()


def test_words_that_nobody_understands_lead_to_two_questions_and_then_to_a_person(office: BackOffice) -> None:
    office.verify("AC4721")
    play = taken(office, said="mumble", facts=VERIFIED)
    said = [play.go_on(), *(play.caller("mumble") for _ in range(2))]
    assert ["?" in text or "I can check" in text for text in said] == [True, True, False]
    assert went_to(play) == ["escalation"]


def test_nothing_is_said_twice_in_a_whole_call(play: Play) -> None:
    play.go_on()
    for words in ("Um.", "AC4712", "AC4721", "97209", "Hm?", "Yes.", "Hm?", "No."):
        play.caller(words)
    said = [turn.text for turn in play.conversation.agent_turns]
    assert len(said) == len(set(said))
