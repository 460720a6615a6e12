"""A telephone number, however it is said, and which one is said for being called back."""

from __future__ import annotations

import pytest
from worker.understanding.phone_numbers import callback_number, phone_number

ASKED = "On which number can a colleague call you back?"


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("503 555 0142", "5035550142"),
        ("It's five oh three, five five five, oh one four two.", "5035550142"),
        ("+1 503-555-0142", "15035550142"),
        ("503 555 0142 for an hour", "5035550142"),
        ("503 555 0142 I think", "5035550142"),
        ("My account is AC4721.", ""),
        ("Nine seven two oh nine.", ""),
        ("My invoice number is 2026030042.", ""),
        ("", ""),
    ],
)
def test_ten_digits_are_a_number_and_codes_are_none(said: str, number: str) -> None:
    assert phone_number(said) == number


def test_a_number_counts_when_it_was_asked_for_or_is_said_of_calling() -> None:
    assert callback_number([(ASKED, "503 555 0142")]) == "5035550142"
    assert callback_number([("How can I help?", "Call me on 503 555 0142.")]) == "5035550142"
    assert callback_number([("What does the error say?", "It says 503 555 0142.")]) == ""
    assert callback_number([("Thanks for calling Acme Cloud.", "I was charged twice on 2026-03-0042.")]) == ""
    assert callback_number([("I see you're calling about your invoice.", "It's 2026 03 0042, call me back.")]) == ""


def test_the_last_one_counts_and_what_is_none_takes_nothing_back() -> None:
    said = [(ASKED, "503 555 0142"), (ASKED, "No, 503 555 0143."), (ASKED, "Yes.")]
    assert callback_number(said) == "5035550143"
