"""The text side of the speech server: sentences, clauses, what is said aloud, trade words, babble. No model is loaded."""

from __future__ import annotations

import pytest

from local.speech.phonemizer import split_clauses
from local.speech.sentences import split_sentences
from local.speech.spoken import spoken_form
from local.speech.trade_words import alternatives
from local.speech.whisper import is_babble


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello. How can I help?", ["Hello.", "How can I help?"]),
        ("You were charged $49.99 twice. Right?", ["You were charged $49.99 twice.", "Right?"]),
        ("Dr. Chen wrote to Acme Inc. today.", ["Dr. Chen wrote to Acme Inc. today."]),
        ("He said “Stop!” Then he left.", ["He said “Stop!”", "Then he left."]),
        ("one\nline   and\tanother", ["one line and another"]),
        ("... !!", []),
        ("", []),
    ],
)
def test_text_is_cut_into_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_an_endless_sentence_is_cut_at_its_commas_and_loses_no_word() -> None:
    text = ", ".join(f"and then number {n} happened" for n in range(60)) + "."
    parts = split_sentences(text)
    assert all(len(part) <= 300 for part in parts)
    assert " ".join(parts) == text
    assert all(part.endswith(",") for part in parts[:-1])


def test_a_long_first_sentence_begins_with_its_first_clause() -> None:
    """That much sooner is it heard; the sentences after it are made while it is."""
    long = "We're open Monday to Friday, from eight in the morning to six in the evening."
    clause, rest = "We're open Monday to Friday,", "from eight in the morning to six in the evening."
    assert split_sentences(f"{long} {long}") == [clause, rest, long]


@pytest.mark.parametrize(
    "text", ["Sorry, I did not quite catch that, could you say it again?", "Yes, " + "word " * 20 + "end."]
)
def test_a_clause_that_is_too_short_stays_with_its_sentence(text: str) -> None:
    assert split_sentences(text) == [text]


def test_a_sentence_without_a_single_space_is_cut_all_the_same() -> None:
    assert "".join(split_sentences("a" * 1000)) == "a" * 1000


def test_punctuation_survives_and_numbers_stay_whole() -> None:
    assert split_clauses("It is 10:30, and 49.99; right?") == (("It is 10:30", ","), ("and 49.99", ";"), ("right", "?"))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("$49.99", "49 dollars and 99 cents"),
        ("$1,200.00 and $1", "1200 dollars and 1 dollar"),
        ("$0.50", "50 cents"),
        ("reference RF-20417.", "reference R, F, 2, 0, 4, 1, 7."),
        ("account AC4721", "account eh, C, 4, 7, 2, 1"),
        ("It's A C 4 7 2 1.", "It's eh, C, 4, 7, 2, 1."),
        ("ticket 20417", "ticket 2, 0, 4, 1, 7"),
        ("in 2026, at 10:30, for 249 days", "in 2026, at 10:30, for 249 days"),
        ("A plan B for the API", "A plan B for the API"),
    ],
)
def test_money_and_references_are_said_as_people_say_them(written: str, said: str) -> None:
    assert spoken_form(written) == said


def test_what_is_said_aloud_already_is_left_alone() -> None:
    once = spoken_form("Account AC4721, refund RF-20417 of $49.99.")
    assert spoken_form(once) == once


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("I have a question about my March in voice.", "I have a question about my March invoice."),
        ("for my Martin Boy.", "for my March invoice."),
        ("Can you respond one of the charges?", "Can you refund one of the charges?"),
        ("Hello, my Mayan voice is too high.", "Hello, my May invoice is too high."),
    ],
)
def test_a_sound_alike_of_a_trade_word_is_offered(heard: str, meant: str) -> None:
    assert meant in alternatives(heard)


@pytest.mark.parametrize("heard", ["", "Yes please.", "My invoice is wrong.", "42"])
def test_nothing_is_offered_where_nothing_sounds_like_the_trade(heard: str) -> None:
    assert alternatives(heard) == []


def test_offers_are_few_because_each_costs_time() -> None:
    assert len(alternatives("in voice in voice end voice, Martin boy, marching boards, pain with you")) <= 3


@pytest.mark.parametrize(
    "text",
    [
        "What's going on? What's going on? What's going on? What's going on?",
        "Thanks, see you in the next video. Bye, see you in the next video. Bye, see you in the next video.",
        "you " * 40,
    ],
)
def test_a_text_that_goes_in_circles_is_babble(text: str) -> None:
    assert is_babble(text)


@pytest.mark.parametrize(
    "text",
    ["", "Yes, yes, yes.", "My phone number is 4 1 5 5 5 5 5 5 5 5.", "I was charged twice for my March invoice."],
)
def test_what_callers_say_is_not_babble(text: str) -> None:
    assert not is_babble(text)
