"""Triage's playbook, whole dialogues."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from worker import playbook
from worker.playbook_testing import Play

GREETING = "Thanks for calling Acme Cloud. How can I help you today?"
ANYTHING_ELSE = "Is there anything else I can help you with?"
CLARIFY = "Is this about billing, a technical problem, or our plans?"


def start(transfer: Callable[..., Any] = lambda service, summary: None) -> Play:
    book = playbook.load(files("triage") / "playbook.yaml")
    play = Play(book, {"transfer_call": transfer, "end_call": lambda outcome: None})
    play.agent(GREETING)
    return play


def nobody(service: str, summary: str) -> str:
    return f"Nobody took the call: {service} unreachable. Tell the caller and go on helping."


@pytest.mark.parametrize(
    "said",
    [
        "Hi, I was charged twice for my March invoice.",
        "Hi, my account ID is AC4721 and I was charged twice for my March invoice.",
        "I'd like a refund please.",
    ],
)
def test_a_billing_matter_is_handed_over_at_once_and_without_a_word(said: str) -> None:
    play = start()
    assert play.caller(said) == ""
    (call,) = play.called("transfer_call")
    assert call["service"] == "billing"


def test_the_summary_tells_what_is_wanted_and_known() -> None:
    play = start()
    play.caller("Hi, my account ID is AC4721 and I was charged twice for my March invoice.")
    (call,) = play.called("transfer_call")
    for words in ("billing", "AC4721", "March", "charged twice"):
        assert words in call["summary"]


def test_the_summary_is_redacted() -> None:
    play = start()
    play.caller("I was charged twice on my card 4111 1111 1111 1111.")
    assert "1111" not in play.called("transfer_call")[0]["summary"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("What are your opening hours?", "Monday to Friday"),
        ("Are you open on Saturday?", "on Saturday from nine to one"),
        ("Where are you located?", "Harbor Street"),
        ("What's your e-mail address?", "e-mail"),
        ("What plans do you have?", "Cloud Team"),
        ("Our plans.", "Cloud Team"),
        ("What does Acme Cloud do?", "backups"),
    ],
)
def test_a_general_question_is_answered_here(said: str, words: str) -> None:
    play = start()
    answer = play.caller(said)
    assert words in answer
    assert answer.endswith(ANYTHING_ELSE)
    assert play.calls == []


def test_a_general_question_and_a_goodbye() -> None:
    play = start()
    play.caller("What are your opening hours?")
    assert play.caller("No, that's all, thank you.") == "Thanks for calling Acme Cloud. Goodbye."
    assert play.calls == [("end_call", {"outcome": "resolved"})]


def test_a_general_question_and_then_a_billing_matter() -> None:
    play = start()
    play.caller("What are your opening hours?")
    assert play.caller("Thanks. And I was charged twice for my invoice.") == ""
    assert play.called("transfer_call")[0]["service"] == "billing"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("My server keeps crashing.", "technical team can't be reached on this line"),
        ("I'd like to upgrade.", "sales team can't be reached on this line"),
        ("I want to speak to a manager!", "No colleague can be reached on this line"),
    ],
)
def test_a_team_that_is_not_there_is_not_promised(said: str, words: str) -> None:
    play = start()
    answer = play.caller(said)
    assert words in answer
    assert answer.endswith(ANYTHING_ELSE)
    assert play.calls == []


def test_an_unclear_matter_is_asked_about_twice_then_politely_explained() -> None:
    play = start()
    said = [play.caller("mumble mumble") for _ in range(4)]
    assert said[0] == CLARIFY
    assert "billing, a technical problem, or our plans" in said[1]
    assert "billing, a technical problem" not in said[2]
    assert said[3] != ""
    assert len({*said[:3]}) == 3


@pytest.mark.parametrize("answer", ["Billing.", "It's about my bill.", "billing, please"])
def test_the_answer_to_the_clarifying_question_is_understood(answer: str) -> None:
    play = start()
    assert play.caller("I have a question.") == CLARIFY
    play.caller(answer)
    assert play.called("transfer_call")[0]["service"] == "billing"


def test_a_caller_who_stays_unclear_is_bidden_goodbye() -> None:
    play = start()
    for _ in range(9):
        play.caller("mumble")
        if play.called("end_call"):
            break
    assert play.called("end_call") == [{"outcome": "failed"}]


def test_after_a_failed_transfer_it_says_so_and_stays() -> None:
    play = start(nobody)
    said = play.caller("I was charged twice.")
    assert said == (
        "I'm sorry, our billing specialist can't take your call right now. I'm still here with you. Shall I try once more?"
    )
    assert "No" not in play.caller("What are your opening hours?")[:2]


def test_after_a_failed_transfer_one_more_try_may_work() -> None:
    answers = [nobody("billing", ""), None]
    play = start(lambda service, summary: answers.pop(0))
    play.caller("I was charged twice.")
    assert play.caller("Yes please.") == ""
    _, second = play.called("transfer_call")
    assert (second["service"], "charged twice" in second["summary"], "billing" in second["summary"]) == (
        "billing",
        True,
        True,
    )


def test_after_two_failed_transfers_it_does_not_offer_a_third() -> None:
    play = start(nobody)
    play.caller("I was charged twice.")
    said = play.caller("Yes.")
    assert "still can't reach our billing specialist" in said
    assert said.endswith(ANYTHING_ELSE)
    assert play.caller("No.").endswith("Goodbye.")


def test_a_no_to_another_try_leads_on() -> None:
    play = start(nobody)
    play.caller("I was charged twice.")
    assert play.caller("No, never mind.") == f"All right. {ANYTHING_ELSE}"


def test_a_caller_who_insists_is_answered_every_time() -> None:
    play = start(nobody)
    for _ in range(6):
        assert play.caller("I need a refund for my invoice!")
    assert len(play.called("transfer_call")) <= 3


def test_a_note_about_a_failed_handoff_is_told_to_the_caller() -> None:
    play = start()
    play.caller("I was charged twice.")
    assert "can't take your call right now" in play.note("The handoff to billing failed: lost.")


def test_no_sentence_of_triage_could_be_taken_for_one_of_billing() -> None:
    """Both speak in the same conversation; what triage said must not count as said by billing's rules that depend on it."""
    ours, theirs = (playbook.load(files(s) / "playbook.yaml") for s in ("triage", "billing"))
    shared = {p.text for rule in ours.rules for p in rule.phrases} & {
        p.text for rule in theirs.rules for p in rule.phrases
    }
    assert shared == set()
