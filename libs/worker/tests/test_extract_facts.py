"""Facts in what callers say, as speech to text writes it down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worker.understanding import spoken
from worker.understanding.extract import FACT_NAMES, facts_in

ASKED = "Could you tell me your account ID, please?"
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def fact(name: str, said: str, question: str = "") -> str | None:
    return dict(facts_in(said, question)).get(name)


@pytest.mark.parametrize(
    "said",
    [
        "My account ID is A C 4 7 2 1.", "It's AC4721.", "AC-4721", "It is a C, four seven two one.", "a C-4721", "A.C. 4721.",
        "8C 4721", "A C 47 21", "AC 4,721", "ac forty-seven twenty-one", "A-C-4-7-2-1", "a sea for seven to won",
        "my ID is a A C 4721", "Sure, it's ac four seven 2 1, thanks.", "My account ID is a C, 4721. I was charged twice.",
        "My account is 4721.", "account number 4 7 2 1",
    ],
)  # fmt: skip
def test_an_account_id_is_heard_however_it_is_transcribed(said: str) -> None:
    assert fact("account_id", said) == "AC4721"


@pytest.mark.parametrize(
    "said", ["4721", "It's 4 7 2 1.", "C 4721", "a 4721", "HC 4721", "E.C. 4721", "four seven two one"]
)
def test_a_bare_number_is_the_account_when_the_account_was_asked_for(said: str) -> None:
    assert fact("account_id", said, ASKED) == "AC4721"
    assert fact("account_id", said) is None


@pytest.mark.parametrize(
    "said",
    ["AC 47211", "AC 472", "BD 4721", "I was charged $4721.", "Yes.", "", "In March.", "invoice INV-2026-03-0417"],
)
def test_what_is_no_account_id_is_not_guessed(said: str) -> None:
    assert fact("account_id", said) is None
    assert fact("account_id", said, ASKED) is None


def test_doubled_digits_are_heard() -> None:
    assert fact("account_id", "A C double four two one") == "AC4421"


def test_the_last_account_said_counts() -> None:
    assert fact("account_id", "AC4712, no sorry, AC4721") == "AC4721"
    assert fact("account_id", "It's AC4712, sorry, 4721.") == "AC4721"


@given(st.text(alphabet="0123456789", min_size=4, max_size=4), st.sampled_from(["words", "digits", "joined", "mixed"]))
def test_any_account_id_survives_being_spoken(digits: str, how: str) -> None:
    pieces = {
        "words": " ".join(WORDS[int(d)] for d in digits),
        "digits": " ".join(digits),
        "joined": digits,
        "mixed": " ".join(WORDS[int(d)] if i % 2 else d for i, d in enumerate(digits)),
    }
    assert fact("account_id", f"My account ID is A C {pieces[how]}.") == f"AC{digits}"


@given(st.text(max_size=200), st.text(max_size=50))
def test_no_words_can_break_it_and_all_facts_have_known_names(said: str, question: str) -> None:
    for name, value in facts_in(said, question):
        assert name in FACT_NAMES
        assert value


@pytest.mark.parametrize(
    "said",
    ["INV-2026-03-0417", "the invoice number is 2026 03 0417", "I N V 2026 03 0417", "inv 2026-03 zero four one seven"],
)
def test_an_invoice_number_is_heard(said: str) -> None:
    assert fact("invoice_number", said) == "INV-2026-03-0417"


def test_an_invoice_number_names_its_month() -> None:
    assert fact("date", "It's INV-2026-03-0417.") == "March"
    assert fact("date", "It's INV-2026-13-0417.") is None
    assert fact("date", "invoice INV-2026-03-0417, from April") == "April"


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ("You took $49.99 twice.", "49.99"), ("I paid 49.99", "49.99"), ("forty-nine dollars and ninety-nine cents", "49.99"),
        ("49 dollars and 99 cents", "49.99"), ("fifty dollars", "50"), ("I was charged forty nine ninety nine twice", "49.99"),
        ("$1,249.50", "1249.50"), ("nine dollars and five cents", "9.05"),
    ],
)  # fmt: skip
def test_an_amount_is_heard(said: str, amount: str) -> None:
    assert fact("amount", said) == amount


@pytest.mark.parametrize("said", ["A C 4 7 2 1", "forty seven twenty one", "twice", "March 2026"])
def test_what_is_no_amount_is_not_guessed(said: str) -> None:
    assert fact("amount", said) is None


@pytest.mark.parametrize(
    ("said", "month"),
    [
        ("I was charged twice for my March invoice.", "March"), ("March.", "March"), ("the march bill", "March"), ("in May", "May"),
        ("my May invoice", "May"), ("It was February.", "February"), ("No, it was in Feb, not January... I mean April", "April"),
        ("on September 3rd", "September"), ("Sept. invoice", "September"),
    ],
)  # fmt: skip
def test_a_month_is_heard(said: str, month: str) -> None:
    assert fact("date", said) == month


@pytest.mark.parametrize(
    "said", ["May I ask something?", "It may be wrong.", "we march to the office", "marching boards", "Hi Jan here"]
)
def test_a_verb_or_a_name_is_no_month(said: str) -> None:
    assert fact("date", said) is None


def test_several_facts_come_from_one_sentence() -> None:
    said = "My account ID is AC4721 and I was charged $49.99 twice for my March invoice."
    assert facts_in(said, "") == [("account_id", "AC4721"), ("amount", "49.99"), ("date", "March")]


def test_codes_are_spelled_and_money_is_money() -> None:
    assert spoken.spelled("RF-20417") == "R F, 2 0 4 1 7"
    assert spoken.spelled("AC4721") == "A C, 4 7 2 1"
    assert spoken.telephone("5035550142") == "5 0 3, 5 5 5, 0 1 4 2"
    assert spoken.telephone("+15035550142") == "1, 5 0 3, 5 5 5, 0 1 4 2"
    assert spoken.telephone("5550142") == "5 5 5, 0 1 4 2"
    assert [spoken.money(a) for a in ("49.99", "50.00", "1249.5", "soon")] == ["$49.99", "$50", "$1,249.50", "soon"]


@pytest.mark.parametrize(
    "text",
    [
        "And my account ID is A. K-C-4-7-2-1.",
        "My account is a K 4 7 2 1",
        "my account I.D. is 4-7-2-1, thanks",
        "And my account ID is A. Okay, C-4721.",
        "My account ID is, eh, see 4721.",
    ],
)
def test_letters_heard_wrongly_do_not_hide_the_digits_that_follow_the_word_account(text: str) -> None:
    assert dict(facts_in(text, "How can I help you today?"))["account_id"] == "AC4721"


@pytest.mark.parametrize("text", ["I opened my account in 2024", "my account is from 2024", "my account is over $4721"])
def test_a_year_or_an_amount_beside_the_word_account_is_no_account(text: str) -> None:
    assert "account_id" not in dict(facts_in(text, "How can I help you today?"))


@pytest.mark.parametrize(
    "text",
    [
        "My account was charged 1234.50 dollars",
        "my account is AC 471.",
        "on my account in 2026 I paid",
        "account 47210",
    ],
)
def test_other_digits_near_the_word_account_are_no_account_id(text: str) -> None:
    assert "account_id" not in dict(facts_in(text, "How can I help you today?"))
