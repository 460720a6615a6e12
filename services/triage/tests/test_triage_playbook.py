"""Triage's playbook, whole dialogues."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from worker.playbook import playbook
from worker.playbook.story import Story
from worker.telephone.keypad import chosen
from worker.testing.playbook import Play

BOOK = playbook.load(files("triage") / "playbook.yaml")
GREETING = "Thanks for calling Acme Cloud. How can I help you today?"
ANYTHING_ELSE = "Is there anything else I can help you with?"
CLARIFY = "Is this about billing, a technical problem, or our plans?"
GOODBYE = "Thanks for calling Acme Cloud. Have a great day. Goodbye."


def start(transfer: Callable[..., Any] = lambda service, summary: None, story: Story | None = None) -> Play:
    play = Play(BOOK, {"transfer_call": transfer, "end_call": lambda outcome: None}, story=story or Story())
    play.agent(GREETING)
    return play


def nobody(service: str, summary: str) -> str:
    return f"Nobody took the call: {service} unreachable. Tell the caller and go on helping."


def went_to(play: Play) -> list[str]:
    return [call["service"] for call in play.called("transfer_call")]


# --- to the right service ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "service"),
    [
        ("Hi, I was charged twice for my March invoice.", "billing"),
        ("Hi, my account ID is AC4721 and I was charged twice for my March invoice.", "billing"),
        ("I'd like a refund please.", "billing"),
        ("My server keeps crashing.", "technical"),
        ("I can't log in.", "technical"),
        ("I'd like to upgrade.", "sales"),
        ("Could I see a demo for forty people?", "sales"),
        ("I want to speak to a manager!", "escalation"),
        ("I want to cancel my subscription.", "escalation"),
    ],
)
def test_a_matter_for_a_specialist_is_handed_over_at_once_and_without_a_word(said: str, service: str) -> None:
    play = start()
    assert play.caller(said) == ""
    assert went_to(play) == [service]


def test_the_summary_tells_what_is_wanted_and_known() -> None:
    play = start()
    play.caller("Hi, my account ID is AC4721 and I was charged twice for my March invoice.")
    (call,) = play.called("transfer_call")
    for words in ("billing", "AC4721", "March", "charged twice"):
        assert words in call["summary"]


def test_the_summary_is_redacted_and_tells_no_zip_code() -> None:
    play = start()
    play.caller("I was charged twice on my card 4111 1111 1111 1111.")
    play.facts |= {"postal_code": "97209", "identity_capability": "verified"}
    play.caller("I need a refund!")
    for call in play.called("transfer_call"):
        assert not any(private in call["summary"] for private in ("1111", "97209", "verified"))


def test_an_angry_caller_goes_to_escalation_before_anything_else() -> None:
    play = start(story=Story(is_frustrated=True))
    assert (
        play.caller("This is ridiculous! What are your hours, when do you work at all?")
        == "I'm sorry for all this trouble."
    )
    assert went_to(play) == ["escalation"]


def test_of_several_matters_the_most_urgent_goes_first() -> None:
    play = start()
    play.caller("I'm thinking about a bigger plan, and my card was charged twice, I need that refund.")
    assert went_to(play) == ["billing"]


def test_a_general_question_is_answered_before_the_other_matter_is_handed_on() -> None:
    play = start(story=Story(pending_intents=("billing",)))
    said = play.caller("What are your opening hours, and I was charged twice.")
    assert said.startswith("We're open Monday to Friday")
    assert said.endswith("You also mentioned a question about your bill.")
    assert went_to(play) == ["billing"]


# --- what the front desk knows ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("What are your opening hours?", "Monday to Friday"),
        ("Are you open on Saturday?", "on Saturday from nine to one"),
        ("Are you open on Christmas?", "public holidays"),
        ("Where are you located?", "Harbor Street"),
        ("What's your e-mail address?", "e-mail"),
        ("What plans do you have?", "Cloud Team"),
        ("Our plans.", "Cloud Team"),
        ("Which products do you have?", "Cloud Backup"),
        ("What does Acme Cloud do?", "backups"),
        ("How do I reset my password?", "Forgot password"),
        ("How can I change my e-mail address?", "under Profile"),
        ("How can I cancel my subscription?", "cancel at any time"),
        ("Which payment methods do you accept?", "bank transfers"),
        ("How long does a refund take?", "five working days"),
        ("Where is my data stored?", "United States"),
        ("Is there a free trial?", "fourteen days"),
        ("Where do I find my account ID?", "top of every invoice"),
        ("When will I be billed?", "first day of each month"),
        ("Where can I see my invoices?", "under Billing"),
        ("Do you have a status page?", "status dot acme cloud"),
        ("Do you speak Spanish?", "English only"),
    ],
)
def test_a_general_question_is_answered_here(said: str, words: str) -> None:
    play = start()
    answer = play.caller(said)
    assert words in answer
    assert answer.endswith(ANYTHING_ELSE)
    assert play.calls == []


@pytest.mark.parametrize(
    ("said", "service"),
    [
        ("My password doesn't work.", "technical"),
        ("I was charged twice on Saturday.", "billing"),
    ],
)
def test_a_problem_is_no_general_question(said: str, service: str) -> None:
    play = start()
    play.caller(said)
    assert went_to(play) == [service]


def test_who_cannot_open_something_does_not_ask_for_our_hours() -> None:
    assert "Monday" not in start().caller("I can't open my invoice.")


def test_a_general_question_and_a_goodbye() -> None:
    play = start()
    play.caller("What are your opening hours?")
    assert play.caller("No, that's all, thank you.") == GOODBYE
    assert play.calls == [("end_call", {"outcome": "resolved"})]


def test_a_general_question_and_then_a_billing_matter() -> None:
    play = start()
    play.caller("What are your opening hours?")
    assert play.caller("Thanks. And I was charged twice for my invoice.") == ""
    assert went_to(play) == ["billing"]


# --- manners ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("said", ["What did you say?", "Pardon?", "Could you repeat that, please?", "Say that again."])
def test_what_was_said_is_repeated(said: str) -> None:
    play = start()
    answer = play.caller("What are your opening hours?")
    assert play.caller(said) == answer
    assert play.caller("No, thank you.") == GOODBYE


@pytest.mark.parametrize(
    "said", ["Hold on a second.", "One moment please.", "Wait, let me check.", "Just a minute, I have to find it."]
)
def test_who_needs_a_moment_gets_it(said: str) -> None:
    assert start().caller(said) == "Of course, take your time."


def test_what_is_out_of_scope_is_declined_politely_and_not_routed() -> None:
    play = start()
    assert play.caller("What's the weather like today?") == (
        "I'm afraid that's nothing I can help with here. How can I help you today?"
    )
    assert "bills, technical problems, and our plans" in play.caller("And the weather tomorrow?")
    assert play.calls == []


def test_a_wrong_number_is_no_matter() -> None:
    play = start()
    assert play.caller("Oh, I think I have the wrong number.").startswith("No problem at all. This is Acme Cloud.")
    assert play.caller("No, sorry.") == GOODBYE


def test_thanks_are_answered_and_then_goodbye_is_said() -> None:
    play = start()
    play.caller("Where are you located?")
    assert play.caller("Great, thank you.") == f"You're welcome. {ANYTHING_ELSE}"
    assert play.caller("Thanks.") == GOODBYE


# --- not understood ---------------------------------------------------------------------------------------------------
def test_an_unclear_matter_is_asked_about_twice_and_then_a_person_takes_it() -> None:
    play = start()
    said = [play.caller("Um, well, you know.") for _ in range(3)]
    assert said[0] == CLARIFY
    assert "billing, a technical problem, or our plans" in said[1]
    assert said[2] == "I'm sorry, I can't make out what you need. A colleague will listen to you."
    assert went_to(play) == ["escalation"]


def test_the_question_of_the_unsure_ear_counts_too() -> None:
    play = start()
    play.heard("mm")
    play.agent("Sorry, I didn't quite catch that. Is this about billing, a technical problem, or our plans?")
    assert "still don't know who can help you best" in play.caller("mumble")
    assert "A colleague will listen" in play.caller("mumble")


@pytest.mark.parametrize(
    ("answer", "service"),
    [
        ("Billing.", "billing"),
        ("It's about my bill.", "billing"),
        ("billing, please", "billing"),
        ("A technical problem.", "technical"),
    ],
)
def test_the_answer_to_the_clarifying_question_is_understood(answer: str, service: str) -> None:
    play = start()
    assert play.caller("I have a question.") == CLARIFY
    play.caller(answer)
    assert went_to(play) == [service]


def test_on_the_telephone_a_key_answers_it() -> None:
    play = start(story=Story(is_on_the_phone=True))
    asked = play.caller("I have a question.")
    assert asked == f"{CLARIFY} Or press 1 for billing, 2 for a technical problem, or 3 for our plans on your keypad."
    assert "We have three plans" in play.caller(chosen("3", asked))
    play.caller(chosen("2", asked))
    assert went_to(play) == ["technical"]


def test_a_caller_who_stays_unclear_while_nobody_else_is_there_is_bidden_goodbye() -> None:
    play = start(nobody)
    for _ in range(9):
        play.caller("mumble")
        if play.called("end_call"):
            break
    assert play.called("end_call") == [{"outcome": "failed"}]


# --- nobody takes the call --------------------------------------------------------------------------------------------
def test_after_a_failed_transfer_it_says_so_and_stays() -> None:
    play = start(nobody)
    said = play.caller("I was charged twice.")
    assert said == (
        "I'm sorry, our billing specialist can't take your call right now. I'm still here with you. Shall I try once more?"
    )
    assert play.caller("What are your opening hours?").startswith("We're open")


def test_after_a_failed_transfer_one_more_try_may_work() -> None:
    answers = [nobody("billing", ""), None]
    play = start(lambda service, summary: answers.pop(0))
    play.caller("I was charged twice.")
    assert play.caller("Yes please.") == ""
    _, second = play.called("transfer_call")
    assert second["service"] == "billing"
    assert "charged twice" in second["summary"]


def test_after_two_failed_transfers_it_offers_a_callback_which_escalation_books() -> None:
    play = start(lambda service, summary: nobody(service, summary) if service == "billing" else None)
    play.caller("I was charged twice.")
    said = play.caller("Yes.")
    assert said == "I'm sorry, I still can't reach our billing specialist. Shall I ask a colleague to call you back?"
    assert play.caller("Yes please.") == ""
    assert went_to(play) == ["billing", "billing", "escalation"]


def test_with_nobody_there_at_all_the_caller_is_asked_to_call_again() -> None:
    play = start(nobody)
    play.caller("I was charged twice.")
    play.caller("Yes.")
    assert "customer care lead can't take your call" in play.caller("Yes.")
    assert "Please call us again a little later" in play.caller("Yes.")
    assert play.caller("No.").endswith("Goodbye.")
    assert play.called("end_call") == [{"outcome": "failed"}]
    assert went_to(play) == ["billing", "billing", "escalation", "escalation"]


def test_a_no_to_another_try_leads_on() -> None:
    play = start(nobody)
    play.caller("I was charged twice.")
    assert play.caller("No, never mind.") == f"All right. {ANYTHING_ELSE}"


def test_a_caller_who_insists_is_answered_every_time() -> None:
    play = start(nobody)
    for _ in range(6):
        assert play.caller("I need a refund for my invoice!")
    assert len(play.called("transfer_call")) <= 3


def test_the_hop_limit_ends_gracefully() -> None:
    play = start(
        lambda service, summary: f"Nobody took the call: {service} hop_limit. This call was passed on too often."
    )
    said = play.caller("I was charged twice.")
    assert said == (
        "I'm sorry, I can't connect you any further in this call. I'm still here with you."
        " Shall I ask a colleague to call you back?"
    )
    assert play.caller("No.") == f"All right. {ANYTHING_ELSE}"


def test_a_note_about_a_failed_handoff_is_told_to_the_caller() -> None:
    play = start()
    play.caller("I was charged twice.")
    assert "can't take your call right now" in play.note("The handoff to billing failed: lost.")


# --- the call comes back ----------------------------------------------------------------------------------------------
def back_from(service: str, said_there: str) -> Play:
    """Triage has the call again; the caller has not said a word since the other agent announced it."""
    play = start(story=Story(services=("triage", service, "triage"), is_returning=True))
    play.heard(said_there)
    play.agent("I'm connecting you with our front desk who can help you with this. One moment please.")
    play.agent("Hi again, this is the front desk.")
    return play


def test_a_question_that_was_asked_elsewhere_is_answered_without_being_asked_again() -> None:
    assert back_from("technical", "What are your opening hours?").go_on().startswith("We're open Monday to Friday")


def test_who_comes_back_without_a_question_is_asked_for_one() -> None:
    play = back_from("sales", "I'd like to talk to somebody else.")
    assert play.go_on() == "What else can I do for you?"


def test_only_the_shared_rules_say_the_same_as_billing() -> None:
    """Both speak in the same conversation; what one service said must not count as said by another's rules that depend on it."""
    ours, theirs = (playbook.load(files(s) / "playbook.yaml") for s in ("triage", "billing"))
    own = [
        {p.text for rule in book.rules if rule.file == "playbook.yaml" for p in rule.phrases} for book in (ours, theirs)
    ]
    shared = {text for text in own[0] & own[1] if "{" not in text}
    assert shared <= {"I'm sorry, I can't make out what you need. A colleague will listen to you."}


def test_every_answer_that_is_written_down_can_be_asked_for() -> None:
    spoken = " ".join(phrase.text for rule in BOOK.rules for phrase in rule.phrases)
    assert [name for name in BOOK.knowledge if f"{{knowledge.{name}}}" not in spoken] == []
    assert len(BOOK.knowledge) >= 10
