"""Who speaks when, from audio with known answers."""

import numpy as np
import pytest

from local.caller.band import FRAME
from local.caller.ear import Speech, audible, changes, is_audible, speech_of, who_speaks_when
from local.tests.voices import hiss, like_a_codec, track, voice


def test_silence_has_no_speech_in_it():
    assert speech_of("billing", track(2.0)) == []


def test_what_a_codec_makes_of_silence_is_not_heard():
    assert not audible(hiss(track(3.0), dbfs=-60)).any()


def test_a_voice_is_found_to_the_frame():
    assert speech_of("billing", track(3.0, (0.50, voice(1.0)))) == [Speech("billing", 50, 150)]


def test_noise_around_a_voice_does_not_move_its_edges():
    assert speech_of("billing", hiss(track(3.0, (0.50, voice(1.0))))) == [Speech("billing", 50, 150)]


def test_a_speech_gives_its_times_in_milliseconds():
    speech = Speech("billing", 50, 150)
    assert (speech.start_ms, speech.end_ms) == (500, 1500)


@pytest.mark.parametrize(("pause_ms", "stretches"), [(100, 1), (300, 1), (310, 2), (800, 2)])
def test_pauses_up_to_300_ms_belong_to_the_sentence(pause_ms, stretches):
    spoken = track(4.0, (0.5, voice(1.0)), (1.5 + pause_ms / 1000, voice(1.0, seed=2)))
    assert len(speech_of("triage", spoken)) == stretches


def test_a_click_is_not_speech():
    click = np.full(FRAME, 8000, dtype=np.int16)
    assert speech_of("triage", track(2.0, (1.0, click))) == []


def test_a_click_before_a_voice_does_not_become_its_beginning():
    click = np.full(FRAME, 8000, dtype=np.int16)
    heard = track(3.0, (0.8, click), (1.0, voice(1.0)))
    assert speech_of("triage", heard) == [Speech("triage", 100, 200)]


def test_a_track_that_ends_in_the_middle_of_a_frame_is_read_up_to_there():
    assert speech_of("triage", track(1.0, (0.5, voice(0.5)))[:-100]) == [Speech("triage", 50, 99)]


def test_an_empty_track_has_nothing_in_it():
    assert speech_of("triage", np.zeros(0, dtype=np.int16)) == []


def test_a_single_frame_is_judged_like_a_whole_track():
    spoken = track(1.0, (0.5, voice(0.3)))
    frames = spoken.reshape(-1, FRAME)
    assert [is_audible(frame) for frame in frames] == audible(spoken).tolist()


def test_the_loudest_sample_there_is_is_audible():
    assert is_audible(np.full(FRAME, -32768, dtype=np.int16))


def test_speakers_come_in_the_order_of_their_beginnings():
    tracks = {
        "billing-h1": track(6.0, (3.0, voice(1.0))),
        "triage-1": track(6.0, (1.0, voice(1.0)), (5.0, voice(0.5))),
    }
    assert [s.speaker for s in who_speaks_when(tracks)] == ["triage-1", "billing-h1", "triage-1"]


def test_one_speaker_alone_makes_no_change():
    assert changes({"triage-1": track(5.0, (0.5, voice(1.0)), (3.0, voice(1.0)))}) == []


@pytest.mark.parametrize("gap_ms", [10, 20, 140, 500, 2000])
def test_a_gap_is_measured_to_the_frame(gap_ms):
    tracks = {
        "triage-1": track(6.0, (0.5, voice(1.5))),
        "billing-h1": track(6.0, (2.0 + gap_ms / 1000, voice(1.5, seed=2))),
    }
    (change,) = changes(tracks)
    assert (change.giver, change.taker) == ("triage-1", "billing-h1")
    assert (change.gap_ms, change.overlap_ms) == (gap_ms, 0)
    assert change.at_ms == 2000 + gap_ms


def test_a_gap_is_the_same_after_a_codec():
    tracks = {
        "triage-1": like_a_codec(track(6.0, (0.5, voice(1.5)))),
        "billing-h1": like_a_codec(track(6.0, (2.14, voice(1.5, seed=2)))),
    }
    (change,) = changes(tracks)
    assert change.gap_ms == pytest.approx(140, abs=10)
    assert change.overlap_ms == 0


def test_speaking_at_once_is_an_overlap_and_no_gap():
    tracks = {
        "triage-1": track(6.0, (0.5, voice(1.5))),
        "billing-h1": track(6.0, (1.7, voice(1.5, seed=2))),
    }
    (change,) = changes(tracks)
    assert (change.gap_ms, change.overlap_ms) == (0, 300)


def test_a_giver_who_speaks_again_over_the_taker_is_counted_as_overlap():
    tracks = {
        "triage-1": track(8.0, (0.5, voice(1.0)), (3.0, voice(0.5))),
        "billing-h1": track(8.0, (1.6, voice(3.0, seed=2))),
    }
    first, second = changes(tracks)
    assert (first.gap_ms, first.overlap_ms) == (100, 0)
    assert (second.giver, second.taker) == ("billing-h1", "triage-1")
    assert (second.gap_ms, second.overlap_ms) == (0, 500)


def test_pauses_of_the_taker_are_no_further_changes():
    tracks = {
        "triage-1": track(9.0, (0.5, voice(1.0))),
        "billing-h1": track(9.0, (1.6, voice(1.0, seed=2)), (4.0, voice(1.0, seed=3))),
    }
    assert len(changes(tracks)) == 1


def test_each_change_of_a_chain_is_measured_by_itself():
    tracks = {
        "triage-1": track(9.0, (0.5, voice(1.0))),
        "billing-h1": track(9.0, (1.7, voice(1.0, seed=2))),
        "triage-2": track(9.0, (3.0, voice(1.0, seed=3))),
    }
    assert [(c.giver, c.taker, c.gap_ms) for c in changes(tracks)] == [
        ("triage-1", "billing-h1", 200),
        ("billing-h1", "triage-2", 300),
    ]


def test_without_a_reference_nothing_is_said_about_clipping():
    tracks = {"triage-1": track(4.0, (0.5, voice(1.0))), "billing-h1": track(4.0, (1.6, voice(1.0, seed=2)))}
    assert changes(tracks, first_words={"billing-h1": "Hi there."})[0].clipped_ms is None
    assert changes(tracks, reference=lambda words: voice(1.0, seed=2))[0].clipped_ms is None
    assert changes(tracks, first_words={"billing-h1": "Hi."}, reference=lambda words: None)[0].clipped_ms is None


def test_clipping_is_measured_with_the_taker_s_first_words():
    whole = voice(2.0, seed=2)
    tracks = {
        "triage-1": track(6.0, (0.5, voice(1.0))),
        "billing-h1": track(6.0, (1.6, whole[12 * FRAME :])),
    }
    asked = []

    def reference(words):
        asked.append(words)
        return whole

    (change,) = changes(tracks, first_words={"billing-h1": "Hi there.", "triage-1": "Hello."}, reference=reference)
    assert change.clipped_ms == 120
    assert asked == ["Hi there."]
