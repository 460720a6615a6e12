"""What the listener is given to listen to."""

from local.caller.ear import Speech
from local.report.listener import stretches
from local.tests.voices import track, voice


def test_sentences_of_one_speaker_that_are_close_are_listened_to_together():
    tracks = {"billing-h1": track(8.0, (1.0, voice(1.0)), (2.8, voice(1.0)), (6.0, voice(1.0)))}
    assert stretches(tracks) == [Speech("billing-h1", 100, 380), Speech("billing-h1", 600, 700)]


def test_the_second_time_each_sentence_is_listened_to_by_itself():
    tracks = {"billing-h1": track(8.0, (1.0, voice(1.0)), (2.8, voice(1.0)))}
    assert stretches(tracks, join_frames=25) == [Speech("billing-h1", 100, 200), Speech("billing-h1", 280, 380)]


def test_two_speakers_are_never_listened_to_together():
    tracks = {"triage-1": track(5.0, (1.0, voice(1.0))), "billing-h1": track(5.0, (2.1, voice(1.0, seed=2)))}
    assert [s.speaker for s in stretches(tracks)] == ["triage-1", "billing-h1"]


def test_a_long_speech_is_cut_at_its_longest_pause():
    words = voice(4.0)
    spoken = track(32.0, *((0.5 + n * 4.1 + (0.15 if n > 4 else 0.0), words) for n in range(7)))
    pieces = stretches({"billing-h1": spoken})
    assert [(p.start, p.end) for p in pieces] == [(50, 2102), (2102, 2925)]


def test_a_long_speech_without_a_pause_is_cut_in_the_middle():
    assert [(p.start, p.end) for p in stretches({"billing-h1": track(30.0, (1.0, voice(28.0)))})] == [
        (100, 1500),
        (1500, 2900),
    ]


def test_sentences_are_not_joined_to_more_than_can_be_listened_to_at_once():
    tracks = {"billing-h1": track(26.0, (0.5, voice(11.0)), (12.0, voice(11.0, seed=2)))}
    assert [(s.start, s.end) for s in stretches(tracks)] == [(50, 1150), (1200, 2300)]


def test_silence_needs_no_listener():
    assert stretches({"triage-1": track(3.0)}) == []
