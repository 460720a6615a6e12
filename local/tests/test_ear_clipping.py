"""How much of a beginning was lost, from audio with known answers."""

import numpy as np
import pytest

from local.caller.band import FRAME, through_the_phone
from local.caller.clipping import SURE, clipped_ms, likeness
from local.caller.ear import speech_of
from local.tests.voices import hiss, like_a_codec, track, voice


def from_the_first_audible_frame(samples):
    first = speech_of("taker", samples)[0]
    return samples[first.start * FRAME : first.end * FRAME]


def test_a_whole_beginning_has_nothing_missing():
    assert clipped_ms(voice(2.0), voice(2.0)) == 0


@pytest.mark.parametrize("lost_ms", [10, 20, 50, 200, 600, 1000])
def test_a_lost_beginning_is_measured_to_the_frame(lost_ms):
    whole = voice(2.5)
    assert clipped_ms(whole[lost_ms // 10 * FRAME :], whole) == lost_ms


@pytest.mark.parametrize("lost_ms", [0, 50, 300, 900])
def test_a_codec_changes_the_measure_by_a_frame_at_most(lost_ms):
    whole = voice(2.5)
    arrived = like_a_codec(track(4.0, (1.0, whole[lost_ms // 10 * FRAME :])))
    assert clipped_ms(from_the_first_audible_frame(arrived), whole) == pytest.approx(lost_ms, abs=10)


@pytest.mark.parametrize("lost_ms", [0, 150])
def test_a_telephone_band_still_fits_the_full_sentence(lost_ms):
    whole = voice(2.5)
    arrived = through_the_phone(track(4.0, (1.0, whole[lost_ms // 10 * FRAME :])))
    assert clipped_ms(from_the_first_audible_frame(arrived), whole) == pytest.approx(lost_ms, abs=20)


def test_noise_before_the_voice_is_not_a_lost_beginning():
    whole = voice(2.0)
    early = np.concatenate([voice(0.1, seed=9, level=0.02), whole])
    assert clipped_ms(early, whole) == 0


def test_silence_at_the_head_of_the_reference_does_not_count():
    whole = voice(2.0)
    assert clipped_ms(whole[10 * FRAME :], track(3.0, (0.4, whole))) == 100


def test_a_louder_or_weaker_voice_is_the_same_voice():
    whole = voice(2.0, level=0.6)
    weaker = (whole[5 * FRAME :] // 3).astype(np.int16)
    assert clipped_ms(hiss(weaker, dbfs=-70), whole) == 50


def test_a_voice_stretched_by_the_jitter_buffer_is_still_laid_in_place():
    whole = voice(2.5)
    lost = whole[20 * FRAME :]
    # 10 ms left out 0.25 s into it, as a jitter buffer does when it catches up.
    stretched = np.concatenate([lost[: 25 * FRAME], lost[26 * FRAME :]])
    assert clipped_ms(stretched, whole) == pytest.approx(200, abs=10)


def test_other_words_cannot_be_compared():
    noise = np.random.default_rng(5).normal(0, 4000, 48_000).astype(np.int16)
    assert clipped_ms(noise, voice(2.0)) is None


def test_a_voice_too_short_to_tell_says_nothing():
    assert clipped_ms(voice(0.1), voice(2.0)) is None


def test_nothing_heard_and_nothing_to_compare_with_say_nothing():
    empty = np.zeros(0, dtype=np.int16)
    assert clipped_ms(empty, voice(1.0)) is None
    assert clipped_ms(voice(1.0), empty) is None


def test_a_voice_is_told_from_many_others_with_a_rhythm_like_its_own():
    whole = voice(2.5)
    arrived = from_the_first_audible_frame(like_a_codec(track(4.0, (1.0, whole))))
    assert likeness(arrived, whole) > 0.8
    assert max(likeness(arrived, voice(2.5, seed=seed)) for seed in range(100, 120)) < SURE


def test_a_voice_is_not_told_by_less_than_half_a_second():
    assert likeness(voice(2.0)[: 40 * FRAME], voice(2.0)) == 0
