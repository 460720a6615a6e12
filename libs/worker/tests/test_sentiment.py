"""Sentiment: anger is heard, a complaint stated calmly is none, and a call's mood moves with its turns."""

import pytest
from handoff.call import Mood, Sentiment
from worker.understanding.sentiment import is_frustrated, score, update


def feels(said: str) -> Sentiment:
    return update(Sentiment(), said, [])


@pytest.mark.parametrize(
    "said",
    [
        "two charges from you people in March",
        "I was charged twice.", "I was charged twice for my March invoice, can you check?", "The app crashes with an error.",
        "I have a problem with my invoice.", "my payment failed and I was charged a late fee", "I lost my phone", "I forgot my password",
        "I don't understand this charge", "No.", "no thanks", "that's wrong, it was in March", "No, that's not right.", "it isn't working",
        "I'd like to dispute a charge", "A C four seven two one", "", "I'm not angry, I just want to know", "I don't need a manager",
        "where's my refund", "the connection is really slow", "my order hasn't arrived", "I need help please", "yes please",
        "we're a law firm with ten lawyers", "my lawyer needs a copy of my invoices", "my lawyer will need a copy", "let me get my manager",
        "I spoke to Sue last week", "will Sue call me back",
    ],
)  # fmt: skip
def test_a_complaint_stated_calmly_is_no_frustration(said: str) -> None:
    mood = feels(said)
    assert not is_frustrated(mood, said)
    assert mood.label is not Mood.NEGATIVE


@pytest.mark.parametrize(
    "said",
    [
        "This is ridiculous!", "I'm so frustrated with this", "this is absolutely unacceptable", "give me your manager",
        "get me your supervisor right now", "let me talk to your boss", "I want to speak to a manager", "you'll hear from my lawyer",
        "I'm going to sue you", "I want to cancel my subscription", "cancel everything", "close my account today",
        "if you don't fix it I'm leaving for a competitor", "what the hell is going on", "this is bullshit", "damn it",
        "I'm sick and tired of this", "this is the third time I'm calling", "you people are useless", "nobody is listening to me",
        "stop wasting my time", "I've had enough", "are you kidding me", "worst service ever", "how many more times do I have to explain this",
        "my lawyer will contact you", "I'll call my lawyer", "I will sue", "that's it, I've had it",
    ],
)  # fmt: skip
def test_a_clear_signal_is_frustration(said: str) -> None:
    assert is_frustrated(feels(said), said)


def test_scores_lie_between_minus_one_and_one_and_point_the_right_way() -> None:
    assert -1 <= score("I hate this horrible terrible awful company, damn you all!") < -0.5
    assert 0.3 < score("That's wonderful, I love it, thank you!") <= 1
    assert score("") == score("AC4721") == 0


def test_the_first_turn_has_no_trend() -> None:
    mood = feels("This is a wonderful service")
    assert mood.label is Mood.POSITIVE
    assert mood.trend == 0


def test_the_mood_follows_the_turns_and_the_trend_tells_where_from() -> None:
    said = ["Hi, that's a lovely voice", "hmm, that's sad", "I hate this, it's horrible"]
    mood, seen = Sentiment(), []
    for turn in said:
        mood = update(mood, turn, seen)
        seen = [*seen, turn]
    assert mood.label is Mood.NEGATIVE
    assert mood.trend < -0.5
    assert -1 <= mood.score < 0


def test_a_caller_who_stays_very_negative_is_frustrated_without_any_keyword() -> None:
    said = "I hate it, it's horrible, awful and miserable"
    mood = update(update(Sentiment(), "hello", []), said, ["hello"])
    assert is_frustrated(mood, said)


def test_an_answer_does_not_wipe_the_mood_out() -> None:
    angry = feels("I hate this, it's horrible and awful")
    after = update(angry, "yes", ["I hate this, it's horrible and awful"])
    assert angry.score < after.score < 0
