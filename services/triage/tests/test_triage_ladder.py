"""What the front desk says when the ladder came to its end: nobody took the call, the caller waited, a callback is noted."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from worker.handover.announcing import nobody_took
from worker.handover.hold import Waited
from worker.playbook import playbook
from worker.playbook.conversation import Conversation, Said
from worker.playbook.story import Story
from worker.testing.playbook import Play, ToolFails

OFFERS_CALLBACK = "Shall I ask a colleague to call you back?"
WHICH_NUMBER = "On which number can we call you?"
NUMBER = "Five oh three, five five five, oh one four two."
READ_BACK = "Your callback ticket is C T, 1 0 0 0 1."


def start(waited: Waited | None, *, ticket: Callable[..., Any] | None = None) -> Play:
    """Nobody takes a call; who waited did so only for the first service."""

    def transfer(service: str, summary: str) -> str:
        return nobody_took(service, "at_capacity", meanwhile="", waited=None if service == "escalation" else waited)

    def leave(service: str = "", phone: str = "") -> str:
        return json.dumps({"ticket": "CT-10001", "service": service, "phone": phone or "none"})

    return Play(
        playbook.load(files("triage") / "playbook.yaml"),
        {"transfer_call": transfer, "end_call": lambda outcome: None, "leave_callback_ticket": ticket or leave},
    )


def test_who_waited_in_vain_is_offered_a_callback_and_not_another_wait() -> None:
    said = start(Waited.TIMED_OUT).caller("I was charged twice.")
    assert said.startswith("I'm sorry, our billing specialist is still busy")
    assert said.endswith(OFFERS_CALLBACK)


def test_who_does_not_want_to_wait_is_offered_a_callback() -> None:
    assert start(Waited.NO_LONGER).caller("I was charged twice.").endswith(OFFERS_CALLBACK)


def test_when_customer_care_cannot_take_the_call_a_ticket_is_noted_and_read_back() -> None:
    play = start(Waited.TIMED_OUT)
    play.caller("I was charged twice.")
    assert READ_BACK in play.caller("Yes please.")
    assert [call["service"] for call in play.called("transfer_call")] == ["billing", "escalation"]
    assert len(play.called("leave_callback_ticket")) == 1


def test_who_asks_for_a_callback_while_he_waits_has_his_ticket_at_once() -> None:
    play = start(Waited.CALLBACK)
    assert READ_BACK in play.caller("I was charged twice.")
    assert play.called("leave_callback_ticket") == [{"service": "billing"}]


def test_who_has_a_ticket_is_asked_for_the_number_to_call_and_hears_it_again() -> None:
    play = start(Waited.CALLBACK)
    assert play.caller("I was charged twice.").endswith(f"{READ_BACK} {WHICH_NUMBER}")
    assert play.caller(NUMBER).startswith("Thank you. We'll call you on 5 0 3, 5 5 5, 0 1 4 2.")
    assert play.called("leave_callback_ticket")[-1] == {"service": "billing", "phone": "5035550142"}
    assert play.caller("No, that's all, thank you.").endswith("Goodbye.")


def test_a_number_that_was_heard_wrong_is_put_right_and_ends_no_call() -> None:
    play = start(Waited.CALLBACK)
    play.caller("I was charged twice.")
    play.caller("503 555 0142")
    assert "5 0 3, 5 5 5, 0 1 4 3" in play.caller("No, it's 503 555 0143.")
    assert [call.get("phone") for call in play.called("leave_callback_ticket")] == [None, "5035550142", "5035550143"]
    assert play.called("end_call") == []


def test_who_has_said_his_number_is_not_asked_for_it() -> None:
    play = start(Waited.CALLBACK)
    said = play.caller("I was charged twice, you can call me on 503 555 0142.")
    assert READ_BACK in said and "5 0 3, 5 5 5, 0 1 4 2" in said and WHICH_NUMBER not in said
    assert play.called("leave_callback_ticket") == [{"service": "billing", "phone": "5035550142"}]


@pytest.mark.parametrize("words", ["503 555.", "Sure.", "Five oh three."])
def test_who_has_said_a_part_of_it_is_asked_for_all_of_it(words: str) -> None:
    play = start(Waited.CALLBACK)
    play.caller("I was charged twice.")
    assert "the whole number" in play.caller(words)
    assert "5 0 3, 5 5 5, 0 1 4 2" in play.caller(NUMBER)


@pytest.mark.parametrize("words", ["No, thanks.", "The one I'm calling from.", "You already have it.", "This number."])
def test_who_names_no_number_keeps_his_ticket(words: str) -> None:
    play = start(Waited.CALLBACK)
    play.caller("I was charged twice.")
    assert play.caller(words) == "All right. Is there anything else I can help you with?"
    assert len(play.called("leave_callback_ticket")) == 1


def test_who_wants_a_manager_instead_of_telling_his_number_is_understood() -> None:
    play = start(Waited.CALLBACK)
    play.caller("I was charged twice.")
    play.caller("I want to speak to a manager right now.")
    assert play.called("transfer_call")[-1]["service"] == "escalation"


def test_a_service_that_has_the_call_later_does_not_tell_of_the_ticket_again() -> None:
    before = start(Waited.CALLBACK)
    before.caller("I was charged twice.")
    before.caller(NUMBER)
    later = Play(
        playbook.load(files("technical") / "playbook.yaml"),
        before.tools,
        story=Story(effects=("leave_callback_ticket CT-10001",)),
    )
    for turn in before.conversation.items:
        if isinstance(turn, Said):
            later.conversation = Conversation((*later.conversation.items, turn))
    said = later.caller("The app keeps crashing.")
    assert "callback ticket" not in said and "We'll call you" not in said


def test_who_did_not_wait_is_asked_whether_to_try_once_more() -> None:
    assert start(None).caller("I was charged twice.").endswith("Shall I try once more?")


@pytest.mark.parametrize("words", ["Sorry, what was my ticket?", "Which is my number?"])
def test_the_ticket_is_read_again(words: str) -> None:
    play = start(Waited.CALLBACK)
    play.caller("I was charged twice.")
    assert "C T, 1 0 0 0 1" in play.caller(words)


def test_a_second_yes_to_a_callback_makes_no_second_ticket() -> None:
    play = start(Waited.CALLBACK)
    play.caller("I was charged twice.")
    play.agent(f"All right, you needn't wait any longer. I'm still here with you. {OFFERS_CALLBACK}")
    assert "noted already" in play.caller("Yes.")
    assert len(play.called("leave_callback_ticket")) == 1


def test_a_ticket_that_cannot_be_stored_is_not_promised() -> None:
    def fails(service: str = "", phone: str = "") -> str:
        raise ToolFails("The ticket could not be noted")

    said = start(Waited.CALLBACK, ticket=fails).caller("I was charged twice.")
    assert "won't promise one" in said
    assert "C T" not in said


def test_a_no_to_the_callback_leads_on() -> None:
    play = start(Waited.TIMED_OUT)
    play.caller("I was charged twice.")
    assert play.caller("No, thanks.").startswith("All right.")
    assert play.called("leave_callback_ticket") == []
