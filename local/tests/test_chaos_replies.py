"""A patient caller answers what he was asked last, in whatever order."""

from __future__ import annotations

from local.caller import load_script
from local.chaos.replies import GOODBYE, WAIT, Answer, Replies, as_script, replies_of, reply
from local.supervisor.mesh import ROOT

OPENING = "Hi, I was charged twice for my March invoice."
ACCOUNT = "My account ID is A, C, four, seven, two, one."


def caller() -> Replies:
    return Replies(OPENING, (reply("account (ID|number)", ACCOUNT), reply("how much", "Ten.", "Eleven.")))


def test_he_says_what_he_wants_when_he_is_asked() -> None:
    assert caller().to("Thanks for calling. How can I help you today?") == Answer(OPENING)


def test_he_says_nothing_when_he_was_asked_nothing() -> None:
    assert caller().to("One moment please.") is None
    assert caller().to("") is None


def test_what_was_asked_last_counts() -> None:
    asked = "How can I help you today? Could you tell me your account ID?"
    assert caller().to(asked) == Answer(ACCOUNT)


def test_after_a_cut_he_answers_the_question_that_follows() -> None:
    said = "Sorry, we were cut off for a moment. Could you tell me your account ID?"
    assert caller().to(said) == Answer(ACCOUNT)


def test_after_a_cut_without_a_question_he_says_his_last_line_again() -> None:
    patient = caller()
    patient.said(Answer(ACCOUNT))
    assert patient.to("Sorry, we were cut off for a moment.") == Answer(ACCOUNT, is_again=True)


def test_asking_to_wait_is_not_what_he_says_again() -> None:
    patient = caller()
    patient.said(Answer(ACCOUNT))
    patient.said(Answer(WAIT))
    assert patient.to("Sorry, we were cut off for a moment.") == Answer(ACCOUNT, is_again=True)


def test_what_he_has_not_said_yet_comes_the_next_time() -> None:
    patient = caller()
    for expected in ("Ten.", "Eleven.", "Eleven."):
        answer = patient.to("How much?")
        assert answer == Answer(expected)
        patient.said(answer)


def test_looking_at_a_question_is_not_answering_it() -> None:
    patient = caller()
    assert patient.to("How much?") == patient.to("How much?")


def test_he_is_done_when_there_is_nothing_else() -> None:
    assert caller().to("It is done. Is there anything else I can help you with?") == Answer(GOODBYE)


def test_an_offer_to_try_once_more_is_not_a_wish_to_hear_it_again() -> None:
    answer = caller().to("I'm still here with you. Shall I try once more?")
    assert answer == Answer("Yes please.")


def test_asked_what_he_does_not_know_he_agrees_once_and_then_has_had_enough() -> None:
    patient = caller()
    answer = patient.to("I can offer you a credit of fifty dollars. Would you like that?")
    assert answer == Answer("Yes please.", is_guess=True)
    patient.said(answer)
    assert patient.to("Would you like that?") == Answer(GOODBYE, is_guess=True)
    assert patient.to("I'd like that too.") is None, "no question"


def test_a_shipped_script_makes_a_patient_caller_with_a_voice_for_every_line() -> None:
    script = load_script(ROOT / "local" / "callers" / "duplicate_charge.yaml")
    patient = replies_of(script)
    assert patient.opening == OPENING
    assert patient.to("Could you tell me your account ID?") == Answer(ACCOUNT)
    spoken = as_script(patient.every_line, like=script)
    assert [line.say for line in spoken.lines] == list(patient.every_line)
    assert GOODBYE in patient.every_line
