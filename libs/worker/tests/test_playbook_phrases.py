"""Sentences with holes: filling them, and knowing them again."""

import pytest
from worker.playbook.phrases import HEARD_ENOUGH, LAST_QUESTION, Phrase

KNOWN = {"name": "Sarah Chen", "refund.amount": "49.99", "refund.reference": "RF-20417", "date": "March"}


def share(phrase: str, heard: str, *, cut: bool = False) -> tuple[float, bool]:
    return Phrase(phrase).share_heard(heard, KNOWN.get, was_interrupted=cut)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hi {name:first}.", "Hi Sarah."),
        ("{refund.amount:money} back", "$49.99 back"),
        ("Reference {refund.reference:spelled}.", "Reference R F, 2 0 4 1 7."),
        ("Your[ {date}] invoice.", "Your March invoice."),
        ("Your[ {month}] invoice.", "Your invoice."),
        ("Hi {nobody}.", None),
    ],
)
def test_a_phrase_is_filled_or_not_said_at_all(template: str, text: str | None) -> None:
    assert Phrase(template).fill(KNOWN.get) == text


@pytest.mark.parametrize("template", ["{", "}", "{Bad}", "{a.b.c}", "{a:}", "[open", "shut]", "[a[b]c]"])
def test_a_malformed_phrase_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"placeholder|brackets"):
        Phrase(template)


def test_what_was_said_is_known_again_whatever_its_punctuation() -> None:
    assert share("Hi {name:first}, how are you?", "hi sarah how are you") == (1.0, True)


def test_other_values_are_known_again_as_other_values() -> None:
    assert share("I refunded {refund.amount:money} to you.", "I refunded $12.00 to you.") == (1.0, False)


def test_with_and_without_its_optional_part_it_is_the_same_phrase() -> None:
    assert share("Look at your[ {date}] invoice.", "Look at your April invoice.") == (1.0, False)
    assert share("Look at your[ {date}] invoice.", "Look at your invoice.") == (1.0, False)


@pytest.mark.parametrize(
    "heard", ["", "Something else entirely.", "Hi Sarah, how are you? And more.", "well hi Sarah, how are you"]
)
def test_other_words_are_not_this_phrase(heard: str) -> None:
    assert share("Hi {name:first}, how are you?", heard)[0] == 0.0


def test_half_a_sentence_counts_only_when_it_was_cut_off() -> None:
    whole = "Would you like me to refund it now?"
    assert share(whole, "Would you like me")[0] == 0.0
    assert share(whole, "Would you like me", cut=True)[0] == 0.5
    assert share(whole, "Would you", cut=True)[0] == 0.0, "two words may be anything"


def test_a_word_that_was_cut_in_the_middle_still_counts() -> None:
    assert share("Would you like me to refund it now?", "Would you like me to ref", cut=True)[0] >= HEARD_ENOUGH


def test_a_hole_may_hold_several_words() -> None:
    assert share("Done. {other} Anything else?", "Done. It was already refunded last week. Anything else?") == (
        1.0,
        False,
    )


# --- what may be typed instead ----------------------------------------------------------------------------------------
REFUND = "Would you like me to refund it?[ Or press 1 for yes or 2 for no on {keypad}.]"
ON_THE_PHONE = {"keypad": "your keypad"}


def test_a_hint_is_said_to_who_has_a_keypad_and_known_again() -> None:
    whole = "Would you like me to refund it? Or press 1 for yes or 2 for no on your keypad."
    assert Phrase(REFUND).fill(ON_THE_PHONE.get) == whole
    assert Phrase(REFUND).fill({}.get) == "Would you like me to refund it?"
    assert Phrase(REFUND).share_heard(whole, ON_THE_PHONE.get, was_interrupted=False) == (1.0, True)


@pytest.mark.parametrize(
    ("heard", "enough"),
    [
        ("Would you like me to refund it?", True),
        ("Would you like me to refund it? Or press 1", True),
        ("Would you like me to", False),
    ],
)
def test_who_answers_before_the_hint_is_over_has_heard_the_question(heard: str, enough: bool) -> None:
    heard_share, is_current = Phrase(REFUND).share_heard(heard, ON_THE_PHONE.get, was_interrupted=True)
    assert is_current
    assert (heard_share >= HEARD_ENOUGH) is enough


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("Thank you. Is it you?", "Is it you?"),
        (
            "Thank you. Is it you? Or type it on your keypad, then press hash.",
            "Is it you? Or type it on your keypad, then press hash.",
        ),
        ("Is it you? Please tell me.", None),
        ("Is it $49.99 or more?", "Is it $49.99 or more?"),
    ],
)
def test_the_last_question_keeps_its_hint(said: str, question: str | None) -> None:
    found = LAST_QUESTION.search(said)
    assert (found[0].strip() if found else None) == question
