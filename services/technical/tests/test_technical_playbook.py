"""Technical's playbook, whole dialogues: with its real back office behind it."""

from __future__ import annotations

from typing import Any

import pytest
from worker.testing.playbook import Play, ToolFails

from services.technical.tests.dialogue import (
    BOOK,
    FOUND,
    OPENED,
    RESTART,
    UPDATE,
    BackOffice,
    direct,
    fail,
    taken,
)


# --- whole calls ------------------------------------------------------------------------------------------------------
def test_a_known_issue_is_explained_and_its_workaround_solves_it(office: BackOffice) -> None:
    play = taken(office)
    assert play.go_on() == f"Thank you, Sarah. Let me have a look. {FOUND} {UPDATE}"
    said = play.caller("Yes, it works now.")
    assert said == "I'm glad to hear that. Is there anything else I can help you with?"
    assert play.caller("No, that's all, thank you.").endswith("Goodbye.")
    assert play.called("end_call") == [{"outcome": "resolved"}]
    assert office.tickets() == []


def test_when_no_step_helps_a_ticket_is_opened_once_and_its_number_said(office: BackOffice) -> None:
    play = taken(office)
    play.go_on()
    assert play.caller("No, it still crashes.") == f"Then let's try something else. {RESTART}"
    assert play.caller("No.") == f"I'm sorry that it isn't solved. One moment, I'll open a ticket. {OPENED}"
    assert len(office.tickets()) == 1
    assert (
        play.called("open_ticket")[0]["idempotency_key"]
        == "call-1:Cloud Drive:known issue KI-201, the app crashes while it syncs:ticket"
    )
    assert "T K, 3 0 5 1 8" in play.caller("What was the number again?")
    assert play.caller("No, thanks.").endswith("Goodbye.")
    assert len(office.tickets()) == 1


def test_a_step_that_was_tried_is_not_suggested(office: BackOffice) -> None:
    play = taken(office, steps_tried="I've already updated it")
    assert play.go_on().endswith(f"{FOUND} {RESTART}")


def test_a_step_that_the_caller_names_later_brings_the_next_one(office: BackOffice) -> None:
    play = taken(office)
    play.go_on()
    assert RESTART in play.caller("I've already updated it.")


def test_who_has_tried_everything_gets_a_ticket_at_once(office: BackOffice) -> None:
    tried = "updated, restarted, signed in again, other network, reinstalled"
    play = taken(office, steps_tried=tried)
    assert play.go_on().endswith(f"You have tried all that I know, so I'll open a ticket. {OPENED}")


@pytest.mark.parametrize(
    "words", ["Yes, but it still crashes.", "It's the same.", "It doesn't work.", "Nope.", "That did not help."]
)
def test_a_step_that_did_not_help_is_not_taken_for_a_success(office: BackOffice, words: str) -> None:
    play = taken(office)
    play.go_on()
    assert RESTART in play.caller(words)


@pytest.mark.parametrize("words", ["It works!", "That helped, thanks.", "Yes.", "Yeah, that fixed it."])
def test_a_step_that_helped_is_understood(office: BackOffice, words: str) -> None:
    play = taken(office)
    play.go_on()
    assert play.caller(words).startswith("I'm glad to hear that.")


def test_a_caller_who_wants_to_try_later_is_let_go(office: BackOffice) -> None:
    play = taken(office)
    play.go_on()
    assert play.caller("I'll try that later.").startswith("Of course, try it when you can.")
    play.caller("No.")
    assert play.called("end_call") == [{"outcome": "resolved"}]


def test_an_unclear_answer_is_asked_about_once_and_then_a_ticket_is_opened(office: BackOffice) -> None:
    play = taken(office)
    said = [play.go_on(), play.caller("Hm, let me think."), play.caller("mumble mumble")]
    assert "Does it work now, yes or no?" in said[1]
    assert OPENED in said[2]


def test_an_incident_is_told_with_what_helps_meanwhile_and_no_date(office: BackOffice) -> None:
    play = taken(office, "AC2390", "Priya Natarajan", said="Our requests fail all the time.")
    said = play.go_on()
    assert "I found the reason. Many requests to Cloud API fail in our western region right now." in said
    assert "eastern region" in said
    assert play.caller("When will it be fixed?").startswith("I can't promise a date")
    assert office.tickets("AC2390") == []


def test_a_slow_product_is_told_with_its_figures(office: BackOffice) -> None:
    play = taken(office, "AC3344", "Tom Okafor", said="Everything is slow.")
    assert "Your Cloud Drive takes 2.2 seconds to answer, usually it is 0.2 seconds." in play.go_on()
    assert "percent of the requests fail" in play.caller("What is my error rate?")


def test_of_two_products_the_caller_is_asked_which_one(office: BackOffice) -> None:
    play = taken(office, "AC8136", "Omar Haddad", said="Something is broken.")
    assert play.go_on().endswith(
        "There is more than one product on your account. Is it about Cloud API or Cloud Drive?"
    )
    assert "On our side your Cloud API looks healthy." in play.caller("Cloud API.")


def test_a_ticket_that_is_wanted_is_opened(office: BackOffice) -> None:
    play = taken(office)
    play.go_on()
    assert OPENED in play.caller("Can you just open a ticket for me?")


# --- tickets that exist -----------------------------------------------------------------------------------------------
def test_an_open_ticket_is_read_and_added_to(office: BackOffice) -> None:
    play = taken(office, "AC9047", "Linda Park", said="I have a question about ticket T K 3 0 2 1 5.")
    said = play.go_on()
    assert "Your ticket T K, 3 0 2 1 5 about Cloud Drive is open." in said
    assert said.endswith("Shall I add what you told me today?")
    assert play.caller("Yes please.").startswith("All right, I've added it to your ticket.")
    assert len(office.notes()) == 1
    assert play.caller("No, that's it.").endswith("Goodbye.")


def test_a_no_adds_nothing(office: BackOffice) -> None:
    play = taken(office, "AC9047", "Linda Park", said="I have a question about ticket T K 3 0 2 1 5.")
    play.go_on()
    assert play.caller("No.").startswith("All right, I'll leave the ticket as it is.")
    assert office.notes() == []


def test_what_the_caller_adds_later_goes_into_the_new_ticket(office: BackOffice) -> None:
    play = taken(office)
    play.go_on()
    play.caller("Please open a ticket.")
    assert play.caller("Please add to the ticket that I use Windows.").startswith("All right, I've added it")
    assert len(office.notes()) == 1


def test_a_ticket_without_its_number_is_asked_for(office: BackOffice) -> None:
    play = direct(office)
    said = play.caller("I want to know the status of my ticket.")
    assert said == "What is the number of your ticket? It begins with T K."
    assert play.caller("It's T K 3 0 2 1 5.") == "Could you tell me your account ID, please?"


def test_a_step_that_was_done_is_no_step_that_helped(office: BackOffice) -> None:
    play = taken(office)
    play.go_on()
    assert play.caller("Yes, I did that.") == "Please tell me when you have tried it. Does it work now, yes or no?"


def test_somebody_else_s_ticket_is_not_found(office: BackOffice) -> None:
    play = taken(office, said="I have a question about ticket T K 3 0 2 1 5.")
    assert "I can't find a ticket T K, 3 0 2 1 5 on your account." in play.go_on()


# --- a direct caller --------------------------------------------------------------------------------------------------
def test_a_direct_caller_is_asked_what_goes_wrong_and_then_who_he_is(office: BackOffice) -> None:
    play = direct(office)
    assert play.caller("Hello, I need some help.") == "What exactly goes wrong?"
    assert play.caller("My app closes by itself all the time.") == "Could you tell me your account ID, please?"
    assert play.caller("A C 4 7 2 1").endswith("what is the ZIP code on the account?")
    said = play.caller("97209")
    assert said == f"Thank you, Sarah. Let me have a look. {FOUND} {UPDATE}"


def test_an_outage_is_told_to_everybody(office: BackOffice) -> None:
    said = direct(office).caller("Is there an outage of Cloud API?")
    assert said.startswith("I know of one incident. Many requests to Cloud API fail in our western region right now.")


@pytest.mark.parametrize("words", ["I don't have it here.", "No, I can't find my account ID.", "No idea."])
def test_a_caller_without_an_account_hears_at_once_what_is_known_to_all(office: BackOffice, words: str) -> None:
    play = direct(office)
    play.caller("Cloud Drive hangs at preparing, the sync is stuck.")
    said = play.caller(words)
    assert "something like it is known" in said
    assert "pause the sync" in said
    assert "call you back" in play.caller("It's still stuck.")
    play.caller("Yes.")
    assert play.called("transfer_call")[0]["service"] == "escalation"


def test_whose_trouble_nobody_knows_is_told_where_the_account_stands_and_offered_a_callback(office: BackOffice) -> None:
    play = direct(office)
    play.caller("My Cloud Drive shows everything in purple.")
    said = play.caller("I don't have it here.")
    assert said.startswith("It's the letters A C and four digits, at the top of every invoice.")
    assert "call you back" in said


def test_who_does_not_know_his_zip_code_hears_what_is_known_to_all(office: BackOffice) -> None:
    play = direct(office)
    play.caller("Cloud Drive hangs at preparing, the sync is stuck. My account is AC4721.")
    assert "something like it is known" in play.caller("I don't know it.")


def test_who_is_not_understood_hears_it_when_he_has_been_asked_three_times(office: BackOffice) -> None:
    play = direct(office)
    play.caller("Cloud Drive hangs at preparing, the sync is stuck.")
    said = [play.caller("Hm.") for _ in range(3)]
    assert ["something like it is known" in words for words in said] == [False, False, True]


# --- the back office away ---------------------------------------------------------------------------------------------
def test_with_the_tools_away_it_says_what_it_cannot_do_and_offers_a_callback(office: BackOffice) -> None:
    play = direct(office)
    play.tools = {name: tool for name, tool in office.tools().items() if name in ("end_call", "transfer_call")}
    said = play.caller("The app keeps crashing.")
    assert "can't reach our records" in said
    assert "call you back" in said
    play.caller("Yes please.")
    assert play.called("transfer_call")[0]["service"] == "escalation"


@pytest.mark.parametrize("tool", ["run_diagnostics", "open_ticket"])
def test_a_tool_that_fails_is_tried_twice_and_nothing_is_invented(office: BackOffice, tool: str) -> None:
    play = taken(office)
    play.tools = office.tools() | {tool: fail("The technical records can't be reached right now.")}
    said = play.go_on()
    if tool == "open_ticket":
        said = play.caller("Please open a ticket.")
    assert len(play.called(tool)) == 2
    assert "right now. Shall I ask a colleague to call you back?" in said
    assert "T K" not in said and "reason" not in said.replace(FOUND, "")
    play.caller("No.")
    play.caller("No.")
    assert play.called("end_call") == [{"outcome": "failed"}]


def test_a_ticket_whose_answer_was_lost_is_opened_once(office: BackOffice) -> None:
    real, lost = office.tool("open_ticket"), [True]

    def flaky(**arguments: Any) -> Any:
        result = real(**arguments)
        if lost:
            lost.clear()
            raise ToolFails("No answer in time.")
        return result

    play = taken(office)
    play.tools = office.tools() | {"open_ticket": flaky}
    play.go_on()
    assert OPENED in play.caller("Please open a ticket.")
    assert len(office.tickets()) == 1


def test_after_a_crash_the_conversation_goes_on_where_it_was(office: BackOffice) -> None:
    play = taken(office)
    play.go_on()
    play.forget_tools()
    said = play.caller("No, it still crashes.")
    assert RESTART in said
    assert "I found the reason" not in said, "what was said is not said again"


# --- how something is done ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("How do I install the app?", "Downloads"),
        ("How do I reset my password?", "Forgot password"),
        ("I forgot my password.", "Forgot password"),
        ("Where can I download the drive software?", "Downloads"),
        ("How do I update the app?", "Check for updates"),
        ("How can I restore an older version?", "History"),
        ("How can I share a folder?", "Share"),
        ("Where do I get a new API key?", "Developers"),
        ("Does it run on a Mac?", "Windows, Mac and Linux"),
    ],
)
def test_a_how_to_question_is_answered_without_an_account(office: BackOffice, asked: str, told: str) -> None:
    play = Play(BOOK, office.tools())
    play.agent("Thanks for calling Acme Cloud technical support. What can I look at for you?")
    said = play.caller(asked)
    assert told in said
    assert said.endswith("Is there anything else I can help you with?")
    assert play.calls == []


@pytest.mark.parametrize(
    "fault",
    [
        "I can't install the app.",
        "My password doesn't work.",
        "The update failed and the app keeps crashing.",
        "I reset my password and still can't log in.",
    ],
)
def test_a_fault_is_no_how_to_question(office: BackOffice, fault: str) -> None:
    play = Play(BOOK, office.tools())
    play.agent("Thanks for calling Acme Cloud technical support. What can I look at for you?")
    assert play.caller(fault) == "Could you tell me your account ID, please?"


# --- other teams ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "service"),
    [
        ("I was also charged twice, I want a refund.", "billing"),
        ("I want to speak to your manager.", "escalation"),
        ("How much would an upgrade to Cloud Team cost?", "sales"),
    ],
)
def test_what_is_for_another_team_is_handed_over(office: BackOffice, words: str, service: str) -> None:
    play = taken(office)
    play.go_on()
    play.caller(words)
    assert play.called("transfer_call")[0]["service"] == service
