"""A listener's spelling against the words that were said."""

import pytest

from local.report.sounds_like import sounds_like


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("March invoice", "You are calling about your March and voice, is that right?"),
        ("Cloud Business", "That would be our Clown Business plan."),
        ("Cloud Business", "CLOUD BUSINESS"),
        ("connecting you with our billing specialist", "I'm connecting you with a building specialist who can help."),
    ],
)
def test_a_word_written_as_it_sounds_was_heard(said, heard):
    assert sounds_like(said, heard)


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("March invoice", "I found two charges for the same month."),
        ("Cloud Business", "Our office is open on business days."),
        ("good bye for now", ""),
        ("technical problem", "Is this about billing, or our plans?"),
    ],
)
def test_other_words_were_not(said, heard):
    assert not sounds_like(said, heard)


def test_a_number_that_is_nearly_right_is_wrong():
    assert not sounds_like("a refund of $49.99", "a refund of $49.98")


def test_a_short_word_must_be_heard_as_it_is():
    assert not sounds_like("goodbye", "good buy")
