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
from worker.testing.playbook import Play, ToolFails

OFFERS_CALLBACK = "Shall I ask a colleague to call you back?"
WHICH_NUMBER = "On which number can a colleague call you back?"
NUMBER = "Five oh three, five five five, oh one four two."
READ_BACK = "Your callback ticket is C T, 1 0 0 0 1."


def start(waited: Waited | None, *, ticket: Callable[..., Any] | None = None) -> Play:
    """Nobody takes a call; who waited did so only for the first service."""

    def transfer(service: str, summary: str) -> str:
        return nobody_took(service, "at_capacity", meanwhile="", waited=None if service == "escalation" else waited)

    def leave(service: str = "", phone: str = "") -> str:
        return json.dumps({"ticket": "CT-10001", "service": service})

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
    assert play.caller("Yes please.").endswith(WHICH_NUMBER)
    said = play.caller(NUMBER)
    assert "call you back on 5 0 3, 5 5 5, 0 1 4 2," in said and READ_BACK in said
    assert [call["service"] for call in play.called("transfer_call")] == ["billing", "escalation"]
    assert len(play.called("leave_callback_ticket")) == 1


def test_who_asks_for_a_callback_while_he_waits_is_asked_for_his_number_and_has_his_ticket() -> None:
    play = start(Waited.CALLBACK)
    assert play.caller("I was charged twice.").endswith(WHICH_NUMBER)
    assert READ_BACK in play.caller(NUMBER)
    assert play.called("leave_callback_ticket") == [{"service": "billing", "phone": "5035550142"}]


def test_who_has_said_his_number_is_not_asked_for_it() -> None:
    play = start(Waited.CALLBACK)
    assert READ_BACK in play.caller("I was charged twice, you can call me on 503 555 0142.")
    assert play.called("leave_callback_ticket") == [{"service": "billing", "phone": "5035550142"}]


@pytest.mark.parametrize("words", ["You have it.", "The one I'm calling from.", "503 555."])
def test_who_names_no_number_has_his_ticket_without_one(words: str) -> None:
    play = start(Waited.CALLBACK)
    play.caller("I was charged twice.")
    said = play.caller(words)
    assert READ_BACK in said and "back on" not in said
    assert play.called("leave_callback_ticket") == [{"service": "billing"}]


@pytest.mark.parametrize("words", ["No thanks, never mind.", "Forget it.", "I'd rather not."])
def test_who_wants_no_callback_after_all_has_none_and_is_not_asked_again(words: str) -> None:
    play = start(Waited.CALLBACK)
    play.caller("I was charged twice.")
    assert play.caller(words).startswith("All right, nobody will call.")
    assert "ticket" not in play.caller("Thank you.")
    assert play.called("leave_callback_ticket") == []


def test_who_did_not_wait_is_asked_whether_to_try_once_more() -> None:
    assert start(None).caller("I was charged twice.").endswith("Shall I try once more?")


@pytest.mark.parametrize("words", ["Sorry, what was my ticket?", "Which is my number?"])
def test_the_ticket_is_read_again(words: str) -> None:
    play = start(Waited.CALLBACK)
    play.caller("I was charged twice.")
    play.caller(NUMBER)
    assert "C T, 1 0 0 0 1" in play.caller(words)


def test_a_second_yes_to_a_callback_makes_no_second_ticket() -> None:
    play = start(Waited.CALLBACK)
    play.caller("I was charged twice.")
    play.caller(NUMBER)
    play.agent(f"All right, you needn't wait any longer. I'm still here with you. {OFFERS_CALLBACK}")
    assert "noted already" in play.caller("Yes.")
    assert len(play.called("leave_callback_ticket")) == 1


def test_a_ticket_that_cannot_be_stored_is_not_promised() -> None:
    def fails(service: str = "", phone: str = "") -> str:
        raise ToolFails("The ticket could not be noted")

    play = start(Waited.CALLBACK, ticket=fails)
    play.caller("I was charged twice.")
    said = play.caller(NUMBER)
    assert "won't promise one" in said
    assert "C T" not in said


def test_a_no_to_the_callback_leads_on() -> None:
    play = start(Waited.TIMED_OUT)
    play.caller("I was charged twice.")
    assert play.caller("No, thanks.").startswith("All right.")
    assert play.called("leave_callback_ticket") == []
