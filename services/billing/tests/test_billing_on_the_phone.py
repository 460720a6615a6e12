"""Billing's playbook for a caller on the telephone, who may type: whole dialogues with its real back office behind it."""

from __future__ import annotations

import pytest
from worker.playbook.story import Story
from worker.telephone.keypad import chosen, told
from worker.testing.playbook import Play

from services.billing.tests.dialogue import ASK_ACCOUNT, ASK_ZIP, DONE, LOOK, OFFER, BackOffice, taken

TYPE_ACCOUNT = " Or type the four digits on your keypad, then press hash."
TYPE_ZIP = " Or type the five digits on your keypad, then press hash."
YES_OR_NO = " Or press 1 for yes or 2 for no on your keypad."


@pytest.fixture
def phone(office: BackOffice) -> Play:
    """A call by telephone that triage has just handed over; the account is not known yet."""
    return taken(office, story=Story(is_on_the_phone=True))


def types(play: Play, digits: str) -> str:
    """The caller types the answer to what was said last; what is said to that."""
    asked = play.conversation.agent_turns[-1].text
    words = chosen(digits, asked) or told(digits, asked)
    assert words, f"nobody asked for it: {asked}"
    return play.caller(words)


def test_a_refund_without_a_spoken_answer(phone: Play, office: BackOffice) -> None:
    assert phone.go_on() == ASK_ACCOUNT + TYPE_ACCOUNT
    assert types(phone, "4721") == ASK_ZIP + TYPE_ZIP
    assert types(phone, "97209") == f"{LOOK} {OFFER}{YES_OR_NO}"
    assert types(phone, "1").startswith(DONE)
    assert office.refunds() == 1


def test_two_is_a_no(phone: Play, office: BackOffice) -> None:
    phone.go_on()
    types(phone, "4721")
    types(phone, "97209")
    assert types(phone, "2").startswith("All right, I won't refund the March charge.")
    assert office.refunds() == 0


def test_a_mistyped_account_and_zip_code_can_be_typed_again(phone: Play) -> None:
    phone.go_on()
    assert types(phone, "4712") == (
        f"I can't find an account with the ID A C, 4 7 1 2. Could you say your account ID again, please?{TYPE_ACCOUNT}"
    )
    assert types(phone, "4721") == ASK_ZIP + TYPE_ZIP
    assert types(phone, "97208").endswith(f"What is the ZIP code, please?{TYPE_ZIP}")
    assert OFFER in types(phone, "97209")


def test_who_is_not_understood_is_told_of_the_keypad_again(phone: Play) -> None:
    phone.go_on()
    said = [phone.caller("Um, I have it somewhere here.") for _ in range(2)]
    assert [told("4721", text) for text in said] == ["My account ID is A C, 4 7 2 1."] * 2


def test_a_yes_over_the_hint_is_a_yes(phone: Play, office: BackOffice) -> None:
    phone.go_on()
    types(phone, "4721")
    types(phone, "97209")
    phone.interrupted_after(len(OFFER.split()) + 3)
    assert phone.caller("Yes please.").startswith(DONE)
    assert office.refunds() == 1


def test_a_yes_before_the_question_was_asked_is_none(phone: Play, office: BackOffice) -> None:
    phone.go_on()
    types(phone, "4721")
    types(phone, "97209")
    phone.interrupted_after(8)
    phone.caller("Yes please.")
    assert office.refunds() == 0


def test_who_asks_to_hear_it_again_hears_the_hint_again(phone: Play) -> None:
    asked = phone.go_on()
    assert phone.caller("What did you say?") == asked
    assert phone.caller("Hello?") == f"I'm here. {asked}"
    assert phone.caller("Hold on a second.") == "Of course, take your time with the account ID."
