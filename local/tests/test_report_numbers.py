"""Numbers, however a listener wrote them down."""

import pytest

from local.report.spoken_numbers import normalised, plain


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("forty nine dollars and ninety nine cents", "$49.99"),
        ("Forty-nine dollars, ninety-nine cents.", "$49.99."),
        ("49 dollars and 5 cents", "$49.05"),
        ("$49.99", "$49.99"),
        ("at $49 99.", "at $49.99."),
        ("forty nine ninety nine", "49 99"),
        ("one hundred and twenty dollars", "$120"),
        ("two thousand and five", "2005"),
        ("nine hundred ninety nine thousand", "999000"),
        ("R-F-2-0-4-1-7.", "rf20417."),
        ("RF 20417", "rf20417"),
        ("RF-20417", "rf20417"),
        ("RF two zero four one seven", "rf20417"),
        ("R F dash two oh four one seven, okay", "rf20417, okay"),
        ("account A C 4 7 2 1 is yours", "account ac4721 is yours"),
        ("I have 3 of them. RF2 0 4 1 7. Is there more?", "i have 3 of them. rf20417. is there more?"),
        ("Your reference is are F-204-17. More?", "your reference is rf20417. more?"),
        ("Your references are F2 0 4 1 7. Is there more?", "your references rf20417. is there more?"),
        ("you see 3 of them", "you see 3 of them"),
        ("for 120 dollars", "for $120"),
        ("oh, I see", "oh, i see"),
        ("someone else", "someone else"),
        ("", ""),
    ],
)
def test_it_is_brought_to_one_form(written, same):
    assert normalised(written) == same


def test_values_are_compared_by_their_letters_and_digits():
    assert plain("AC-4721") == plain("ac 4721") == "ac4721"
