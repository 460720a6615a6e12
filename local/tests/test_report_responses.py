"""How quick the mesh was, from made tracks with known times."""

from __future__ import annotations

from local.report.responses import interruptions, quickness, response_times_ms
from local.tests.made_calls import recording
from local.tests.voices import track, voice


def test_an_answer_is_timed_from_the_last_sound_of_the_caller():
    said = track(10.0, (1.0, voice(1.0, pitch_hz=220)))
    assert response_times_ms(said, {"billing-1": track(10.0, (2.9, voice(1.0)))}) == [900]


def test_a_caller_who_pauses_in_a_sentence_is_answered_at_its_end():
    said = track(10.0, (1.0, voice(1.0, pitch_hz=220)), (2.5, voice(0.5, pitch_hz=220)))
    assert response_times_ms(said, {"billing-1": track(10.0, (4.0, voice(1.0)))}) == [1000]


def test_two_pieces_without_an_answer_between_them_count_once():
    said = track(10.0, (1.0, voice(1.0, pitch_hz=220)), (4.0, voice(1.0, pitch_hz=220)))
    assert response_times_ms(said, {"billing-1": track(10.0, (6.0, voice(1.0)))}) == [1000]


def test_words_over_an_agent_that_goes_on_are_no_question_to_be_timed():
    said = track(10.0, (2.0, voice(1.0, pitch_hz=220)))
    assert response_times_ms(said, {"billing-1": track(10.0, (1.0, voice(4.0)))}) == []


def test_an_agent_that_is_interrupted_is_timed_from_the_first_sound_of_the_caller():
    said = track(10.0, (2.0, voice(1.0, pitch_hz=220)))
    (found,) = interruptions(said, {"billing-1": track(10.0, (1.0, voice(1.5)))})
    assert (found.at_ms, found.silent_after_ms, found.speaker) == (2000, 500, "billing-1")


def test_the_report_tells_each_time_and_their_middle():
    assert quickness(recording())["response_ms"] == {"each": [500], "median": 500, "p95": 500}


def test_a_call_in_which_nobody_was_answered_has_no_middle():
    silent = recording(said=track(12.0))
    assert quickness(silent) == {"response_ms": {"each": [], "median": None, "p95": None}, "interruptions": []}
