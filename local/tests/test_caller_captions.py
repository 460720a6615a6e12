"""Captions: what was said, by whom, and what the caller has not answered yet."""

import pytest

from local.caller.captions import Captions


class Clock:
    def __init__(self):
        self.ms = 0

    def __call__(self):
        return self.ms


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def told():
    return []


@pytest.fixture
def captions(clock, told):
    return Captions(own_identity="caller-1", now_ms=clock, on_caption=lambda *caption: told.append(caption))


def say(captions, key, text, *, final=True, speaker="triage"):
    captions.note(key, speaker, f"{speaker}-1", text, is_final=final)


def test_a_caption_grows_word_by_word_and_is_one_in_the_end(captions, clock):
    for clock.ms, text in ((100, "Thanks "), (300, "Thanks for "), (700, "Thanks for calling.")):
        say(captions, "a", text, final=False)
    say(captions, "a", "Thanks for calling.")
    (caption,) = captions.all()
    assert (caption.speaker, caption.text, caption.start_ms, caption.end_ms) == (
        "triage",
        "Thanks for calling.",
        100,
        700,
    )


def test_every_step_is_told_as_it_comes(captions, clock, told):
    clock.ms = 50
    say(captions, "a", "Hi ", final=False)
    say(captions, "a", "Hi there.")
    assert told == [("triage", "Hi", False, 50), ("triage", "Hi there.", True, 50)]


def test_only_what_came_since_the_caller_s_last_line_counts(captions):
    say(captions, "a", "How can I help?")
    captions.answer()
    assert captions.said_since() == ""
    say(captions, "b", "What is your account?")
    assert captions.said_since() == "What is your account?"


def test_a_sentence_that_the_caller_broke_into_counts_from_there(captions):
    say(captions, "a", "I'm connecting you ", final=False)
    captions.answer()
    say(captions, "a", "I'm connecting you with billing.")
    assert captions.said_since() == "with billing."


def test_the_caller_s_own_words_are_no_cue(captions):
    say(captions, "a", "How can I help?", speaker="caller")
    assert captions.said_since() == ""
    assert captions.settled_seconds == float("inf")


def test_someone_is_mid_sentence_until_the_caption_is_complete(captions):
    assert not captions.is_someone_mid_sentence
    say(captions, "a", "Thanks for ", final=False)
    assert captions.is_someone_mid_sentence
    say(captions, "a", "Thanks for calling.")
    assert not captions.is_someone_mid_sentence


def test_captions_settle_from_their_last_word_on(captions, clock):
    clock.ms = 1000
    say(captions, "a", "Thanks.")
    clock.ms = 1600
    assert captions.settled_seconds == pytest.approx(0.6)


def test_what_was_understood_of_the_caller_is_one_caption_however_often_it_is_sent(captions):
    say(captions, "u", "I was charged", final=False, speaker="caller")
    say(captions, "u", "I was charged twice.", speaker="caller")
    assert [c.text for c in captions.all()] == ["I was charged twice."]


def test_nothing_is_added_to_a_caption_that_is_complete(captions, told):
    say(captions, "a", "Goodbye.")
    say(captions, "a", "", final=True)
    assert captions.all()[0].text == "Goodbye."
    assert len(told) == 1


def test_captions_without_words_are_left_out(captions):
    say(captions, "a", "  ")
    say(captions, "b", "")
    assert captions.all() == ()
