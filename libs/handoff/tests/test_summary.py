"""The summary that is made without a model: short, one line, never an essay."""

from __future__ import annotations

from handoff.summary import MAX_SUMMARY_CHARS, clip, summarise
from handoff.testing import make_fact, make_intent, make_turn
from hypothesis import given
from hypothesis import strategies as st


def test_what_is_not_certain_is_said_to_be_so() -> None:
    assert summarise(make_intent(confidence=0.3), [], []) == "The caller needs help with billing (not certain)."


def test_the_longest_of_the_callers_last_turns_is_quoted() -> None:
    turns = [make_turn("An old and very long complaint about something else entirely, long ago.")]
    turns += [make_turn(text) for text in ("Yes.", "I was charged twice.", "No.", "Please.", "Thanks.")]
    assert summarise(make_intent(), [], turns).endswith('The caller said: "I was charged twice".')


def test_an_amount_is_not_the_end_of_a_sentence() -> None:
    assert '"It was $49.99, I think"' in summarise(make_intent(), [], [make_turn("It was $49.99. I think.")])


def test_a_text_is_cut_at_a_word() -> None:
    assert clip("one two three", 9) == "one two…"
    assert clip("onetwothree", 5) == "onet…"
    assert clip(" one \n two ", 9) == "one two"


@given(st.lists(st.text(), max_size=8), st.lists(st.text(), max_size=8))
def test_whatever_was_said_a_summary_is_one_bounded_line(values: list[str], texts: list[str]) -> None:
    facts = [make_fact("date", value) for value in values]
    summary = summarise(make_intent(), facts, [make_turn(text) for text in texts])
    assert len(summary) <= MAX_SUMMARY_CHARS
    assert len(summary.splitlines()) == 1
