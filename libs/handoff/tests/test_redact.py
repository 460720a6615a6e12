"""What must not leave a service, and what must."""

from __future__ import annotations

import pytest
from handoff.redact import card_pieces, is_card, redact, redact_all_digits, redact_cards, redact_postal_codes
from hypothesis import given
from hypothesis import strategies as st

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEST_CARDS = ["4111111111111111", "5500005555555559", "378282246310005", "6011000990139424", "4222222222222"]


def spoken(digits: str) -> str:
    return " ".join(WORDS[int(digit)] for digit in digits)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("My card is 4111 1111 1111 1111, okay?", "My card is [card], okay?"),
        ("It's 4111-1111-1111-1111.", "It's [card]."),
        ("amex 3782 822463 10005", "amex [card]"),
        ("four one one one, one one one one, one one one one, one one one one", "[card]"),
        ("forty-one eleven eleven eleven eleven eleven eleven eleven", "[card]"),
        ("four triple one double one double one double one double one one one one one", "[card]"),
        ("four one one one, uh, one one one one, uh, one one one one, uh, one one one one", "[card]"),
        ("My card number is 4111 then 1111 then 1111 then 1111.", "My card number is [card]."),
        ("forty one eleven and eleven eleven and eleven eleven and eleven eleven", "[card]"),
        ("4111/1111/1111/1111", "[card]"),
        ("4111–1111–1111–1111", "[card]"),
        ("the phone number on my account is 503-555-0123.", "the phone number on my account is [phone]."),
        ("Just in case 503-555-0123", "Just in case [phone]"),
        ("My email is sarah chen at g mail dot com", "My email is sarah [email]"),
        ("I live at 221 East 42nd Street, New York", "I live at [address], New York"),
        ("1250 Northwest 23rd Avenue", "[address]"),
        ("send it to 4 Maple Place", "send it to [address]"),
        ("One digit heard wrong: 4111 1111 1111 1112", "One digit heard wrong: [number]"),
        ("call me at 555-123-4567 please", "call me at [phone] please"),
        ("(555) 123-4567", "[phone]"),
        ("+44 20 7946 0958", "[phone]"),
        ("555-0199 works", "[phone] works"),
        ("five five five, oh one nine nine", "[phone]"),
        ("double five five oh one nine nine three four", "[phone]"),
        ("about my invoice, reach me at 555 123 4567", "about my invoice, reach me at [phone]"),
        ("sarah.chen+bills@mail.example.com", "[email]"),
        ("sarah dot chen at example dot com", "[email]"),
        ("it's sarah at example.com", "it's [email]"),
        ("it's s a r a h at example dot com", "it's [email]"),
        ("write to sarah underscore chen four two at mail dot example dot dev", "write to [email]"),
        ("I live at 12 Baker Street in London", "I live at [address] in London"),
        ("twelve baker street", "[address]"),
        ("I'm at twenty one oh five northwest lovejoy street, Portland", "I'm at [address], Portland"),
        ("four hundred twelve main avenue please", "[address] please"),
    ],
)
def test_what_other_services_do_not_need_is_taken_out(said: str, kept: str) -> None:
    assert redact(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "Hi, I was charged twice for my March invoice.",
        "My account ID is A C 4 7 2 1.",
        "My account ID is AC4721, that's a C, four seven two one.",
        "AC-4721 and RF-20417",
        "invoice INV-2026-03-0042 from 2026-03-14",
        "my invoice number is 1002003004",
        "charged $49.99 twice, $49.99 on March 3rd 2026",
        "on the 14, 15, 16 and 17 March",
        "3 Cloud Drive seats",
        "it fails at login on app dot acme dot com",
        "forty nine ninety nine, on the third and the fourteenth",
        "49.99 and 49.99 on 03/14/2026",
        "an invoice of 1,249.00 dollars, 12 of them in 2025",
        "one of three times, oh, and two more",
        "error 404 on version 3.11.7 at 10:45",
        "I have 3 Cloud Drive seats and two cloud drive accounts",
        "it is two minutes down the road",
        "one hundred twelve error lines and the drive is slow",
        "I was charged 4 times on 14, 15, 16 and 17 March",
    ],
)
def test_what_the_call_is_about_survives(said: str) -> None:
    assert redact(said) == said


@given(st.sampled_from(TEST_CARDS), st.sampled_from(["", " ", "-", ", "]), st.text(alphabet="abc ,.", max_size=20))
def test_no_card_survives_however_it_is_written(card: str, gap: str, around: str) -> None:
    written = f"{around} {gap.join(card)} {around}"
    assert "[card]" in redact(written)
    assert "[card]" in redact_cards(written)


@given(st.sampled_from(TEST_CARDS))
def test_no_card_survives_when_it_is_spoken(card: str) -> None:
    assert redact(f"it is {spoken(card)} thank you") == "it is [card] thank you"


@given(st.from_regex(r"[A-Z]{2}[0-9]{4}", fullmatch=True))
def test_account_ids_survive(account_id: str) -> None:
    assert redact(f"My account is {account_id}.") == f"My account is {account_id}."
    told_apart = " ".join(account_id)
    assert redact(f"It is {told_apart} I think.") == f"It is {told_apart} I think."


@given(st.text(max_size=200))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(st.text(alphabet="0123456789 .,-()+$@oneACx", max_size=200))
def test_redacting_twice_is_redacting_once_among_digits(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


def test_an_invoice_number_is_not_a_phone_but_a_card_is_a_card() -> None:
    assert redact_cards("5551234567") == "5551234567"
    assert redact_cards("4111111111111111") == "[card]"


@pytest.mark.parametrize("card", TEST_CARDS)
def test_a_card_is_known_by_its_check_digit(card: str) -> None:
    wrong = card[:-1] + str((int(card[-1]) + 1) % 10)
    assert is_card(card)
    assert not is_card(wrong)
    assert not is_card(card[:12])


ASKED = "Thank you. What is the ZIP code on your account?"


@pytest.mark.parametrize(
    ("said", "question", "kept"),
    [
        ("97209", ASKED, "[postal code]"),
        ("It's nine seven two oh nine.", ASKED, "It's [postal code]."),
        ("It's nine seven two", ASKED, "It's [postal code]"),
        ("97209-1234, and it was $49.99", ASKED, "[postal code], and it was $49.99"),
        ("one moment", ASKED, "one moment"),
        ("My ZIP is 97209 and my account is AC4721", "", "My ZIP is [postal code] and my account is AC4721"),
        ("97209 is my zip, account A C 4 7 2 1", "", "[postal code] is my zip, account A C 4 7 2 1"),
        ("20417", "The ZIP code is right. Which invoice is it?", "20417"),
        ("20417", "That ID and ZIP code don't go together. Could you say it again?", "[postal code]"),
        ("error 50312", "What do you see?", "error 50312"),
    ],
)
def test_a_postal_code_goes_where_it_was_asked_for_or_named(said: str, question: str, kept: str) -> None:
    assert redact_postal_codes(said, question=question) == kept


def test_a_postal_code_that_is_known_goes_wherever_it_is_said() -> None:
    said = "I told you: nine seven two zero nine. So 97209! Not 97210."
    assert redact_postal_codes(said, question="", known=["97209"]) == (
        "I told you: [postal code]. So [postal code]! Not 97210."
    )


def test_a_card_that_is_read_out_over_several_turns_is_found_in_all_of_them() -> None:
    said = [
        "Hi.",
        "My card is four one one one",
        "one one one one",
        "one one one one",
        "and one one one one.",
        "2 seats",
    ]
    assert card_pieces(said) == {1, 2, 3, 4}
    assert redact_all_digits(said[1]) == "My card is [card]"
    assert card_pieces(["March 3", "2 of them", "14"]) == frozenset()
