"""Sales' playbook, whole dialogues with its real back office behind it: quotes, plans, the caller's own plan."""

from __future__ import annotations

import pytest
from sales_mcp.rows import Lead, Quote
from worker.playbook.story import Story
from worker.testing.playbook import Play

from services.sales.tests.dialogue import (
    BOOK,
    BOOKED,
    HANDED_OVER,
    QUOTE,
    THURSDAY,
    BackOffice,
    booked,
)


# --- the whole way ----------------------------------------------------------------------------------------------------
def test_a_prospect_gets_a_quote_and_a_demo_at_once(play: Play, office: BackOffice) -> None:
    assert play.go_on() == f"{QUOTE} {THURSDAY}"
    assert play.caller("Yes, that works.") == BOOKED
    assert play.caller("No, that's all, thank you.").endswith("Goodbye.")
    assert [name for name, _ in play.calls] == ["make_quote", "find_demo_slots", "book_demo", "create_lead", "end_call"]
    assert booked(office) == ["2026-03-05T09:00"]
    (lead,) = office.desk.rows(Lead)
    assert (lead.seats, lead.quote_id, lead.interest, lead.account_id) == (40, 1, "a demo", None)
    assert play.called("end_call") == [{"outcome": "resolved"}]


def test_what_is_known_is_not_asked_for(play: Play) -> None:
    said = play.go_on()
    assert "How many" not in said
    assert "interested" not in said


def test_on_its_own_line_interest_size_quote_and_demo_come_one_after_the_other(
    direct: Play, office: BackOffice
) -> None:
    assert direct.caller("I'd like a quote, please.") == "How many people would use it?"
    direct.facts["company_size"] = "40"
    assert direct.caller("We are forty people.") == f"{QUOTE} Would you like to see it in a demo?"
    assert direct.caller("Yes please.") == THURSDAY
    assert direct.caller("Yes.") == BOOKED
    assert len(booked(office)) == 1


def test_a_caller_who_does_not_say_what_it_is_about_is_asked_in_other_words(direct: Play) -> None:
    assert direct.caller("Um.") == "I didn't get what you're interested in. Is it our plans, a quote, or a demo?"
    assert direct.caller("Hm.") == "How many people would use it?"


def test_the_account_is_never_asked_for_without_need(play: Play) -> None:
    play.go_on()
    play.caller("Yes.")
    said = " ".join(turn.text for turn in play.conversation.agent_turns)
    assert "account" not in said
    assert play.called("verify_identity") == []


def test_nothing_is_said_twice_in_a_whole_call(direct: Play) -> None:
    for words in ("Um.", "A quote.", "Several."):
        direct.caller(words)
    direct.facts["company_size"] = "40"
    for words in ("Forty.", "Yes.", "No.", "Maybe.", "Yes.", "No."):
        direct.caller(words)
    said = [turn.text for turn in direct.conversation.agent_turns]
    assert len(said) == len(set(said))


# --- company size and quote -------------------------------------------------------------------------------------------
def test_a_size_that_is_never_said_leads_to_a_demo_all_the_same(direct: Play, office: BackOffice) -> None:
    said = [direct.caller("A quote."), *(direct.caller("Well, quite some.") for _ in range(3))]
    assert said[3] == "No problem, that can be sorted out later. Would you like to see Acme Cloud in a demo?"
    assert len(set(said)) == 4
    assert direct.caller("Yes.") == THURSDAY
    assert direct.caller("Yes.") == BOOKED
    assert office.desk.rows(Lead)[0].seats is None


def test_a_single_person_is_quoted_as_one_person(direct: Play) -> None:
    direct.facts["company_size"] = "1"
    assert "For one person I recommend Cloud Pro. That's $49.99 per seat" in direct.caller("A quote for myself.")


def test_another_size_gets_another_quote(play: Play, office: BackOffice) -> None:
    play.go_on()
    play.caller("Yes.")
    play.story = Story(effects=("make_quote QT-60417 249.00", "book_demo DM-70418", "create_lead LD-80625"))
    play.facts["company_size"] = "8"
    said = play.caller("Yes, what would it be for eight people?")
    assert said.startswith("For 8 people it's Cloud Team, $9.88 per seat per month and $79 in total.")
    assert office.desk.count(Quote) == 2


def test_a_company_that_is_too_large_is_offered_the_customer_care_lead(direct: Play) -> None:
    direct.facts["company_size"] = "9000"
    assert direct.caller("A quote for nine thousand.") == (
        "A quote of that size is made by our customer care lead. Shall I connect you?"
    )
    direct.caller("Yes please.")
    assert direct.called("transfer_call")[0]["service"] == "escalation"


def test_the_quote_of_a_crashed_agent_is_not_made_again(play: Play, office: BackOffice) -> None:
    play.go_on()
    play.forget_tools()
    assert play.caller("Yes.") != ""
    assert office.desk.count(Quote) == 1


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("How long is it valid?", "The quote is valid until April 3."),
        (
            "What was the price per seat?",
            "It's $6.23 per seat per month, $249 in total, with the reference Q T, 6 0 4 1 7.",
        ),
        ("Does it include single sign-on?", "Cloud Business comes with single sign-on, file versions for a year"),
        ("Can you email me that?", "I can't send it from here, but it is kept under the reference Q T, 6 0 4 1 7."),
    ],
)
def test_a_question_about_the_quote_is_answered_and_the_open_question_stays(
    direct: Play, asked: str, told: str
) -> None:
    direct.facts["company_size"] = "40"
    direct.caller("A quote please.")
    direct.story = Story(effects=("make_quote QT-60417 249.00",))
    said = direct.caller(asked)
    assert said.startswith(told)
    assert said.endswith(" Would you like to see it in a demo?")
    assert direct.caller("Yes.") == THURSDAY


def test_there_is_no_trial_but_a_demo(direct: Play) -> None:
    assert direct.caller("Do you have a free trial?") == (
        "Every plan can be tried for fourteen days, free of charge. Would you like to see it in a demo first?"
    )
    assert direct.caller("Yes.") == THURSDAY


# --- plans ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "asked",
    [
        "What plans do you have?",
        "Tell me about your plans.",
        "Which options are there?",
        "Plans.",
        "Hi, yes, the plans please.",
    ],
)
def test_the_plans_are_told_to_everybody(direct: Play, asked: str) -> None:
    said = direct.caller(asked)
    assert said.startswith("We have Cloud Pro for one person at $49.99 a month, Cloud Team")
    assert said.endswith("Would you like to have a quote?")
    assert direct.caller("Yes.") == "How many people would use it?"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("How much is Cloud Team?", "Cloud Team costs $79 a month for up to ten people, with shared folders"),
        ("What features does the pro plan have?", "Cloud Pro costs $49.99 a month for one person, with two terabytes"),
        ("Tell me about Cloud Business.", "Cloud Business costs $249 a month, with single sign-on"),
        ("What's the difference between Pro and Team?", "We have Cloud Pro for one person"),
    ],
)
def test_one_plan_is_told_when_one_is_asked_for(direct: Play, asked: str, told: str) -> None:
    assert direct.caller(asked).startswith(told)


def test_a_question_about_plans_that_came_with_the_call_is_answered(office: BackOffice) -> None:
    play = Play(BOOK, office.tools(), facts={"interest": "Cloud Team"}, story=HANDED_OVER)
    play.heard("How much does Cloud Team cost?")
    play.agent("I'm connecting you with our sales specialist who can help you with this. One moment please.")
    play.agent("Hi there, I'm your sales specialist. I see you're calling about Cloud Team.")
    assert play.go_on().startswith("Cloud Team costs $79 a month")


# --- the caller's own plan --------------------------------------------------------------------------------------------
def test_the_own_plan_is_told_after_account_and_zip(direct: Play) -> None:
    assert direct.caller("Which plan am I on?") == "Could you tell me your account ID, please?"
    assert direct.caller("A C 9047.") == "Thank you. And what is the ZIP code on the account?"
    direct.facts["postal_code"] = "37206"
    assert direct.caller("3 7 2 0 6.") == (
        "Linda, you're on Cloud Team with 6 seats, at $79 a month. The next larger plan is Cloud Business, at $249 a month."
        " Is there anything else I can help you with?"
    )


def test_a_caller_whom_billing_verified_is_not_asked_again(office: BackOffice) -> None:
    office.desk = office.desk.verified("AC9047")
    play = Play(BOOK, office.tools(), facts={"account_id": "AC9047", "identity_capability": "verified"})
    play.heard("Can you tell me what plan we have?")
    play.agent("Hi there, I'm your sales specialist.")
    assert play.go_on().startswith("Linda, you're on Cloud Team")


def test_a_wrong_zip_opens_nothing(direct: Play) -> None:
    direct.caller("What is my current plan?")
    direct.caller("AC9047.")
    direct.facts["postal_code"] = "97209"
    said = direct.caller("9 7 2 0 9.")
    assert "don't match" in said
    assert direct.called("get_customer_plan") == []
    assert "Linda" not in said


def test_who_does_not_know_the_account_goes_on_without_it(direct: Play) -> None:
    direct.caller("What is my current plan?")
    said = direct.caller("I don't have it here, never mind. I'd like a quote.")
    assert said == "How many people would use it?"


def test_a_verified_customers_lead_names_the_account(play: Play, office: BackOffice) -> None:
    office.desk = office.desk.verified("AC9047")
    play.facts |= {"account_id": "AC9047", "identity_capability": "verified"}
    play.go_on()
    play.caller("Yes.")
    assert office.desk.rows(Lead)[0].account_id == "AC9047"


def test_an_account_that_is_only_said_is_in_no_lead(play: Play, office: BackOffice) -> None:
    play.facts["account_id"] = "AC9047"
    play.go_on()
    assert play.caller("Yes.") == BOOKED
    assert office.desk.rows(Lead)[0].account_id is None
