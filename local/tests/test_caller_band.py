"""The telephone's band."""

import numpy as np
import pytest

from local.caller.band import FRAME, RATE, at_our_rate, mono, through_the_phone, to_int16, whole_frames
from local.caller.ear import speech_of
from local.tests.voices import track, voice


def tone(hz, seconds=1.0, level=0.5):
    return to_int16(np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE) * level)


def loudness_db(samples):
    middle = samples[RATE // 4 : -RATE // 4].astype(np.float64)
    return 20 * np.log10(np.sqrt(np.mean(middle**2)) / 32768 + 1e-9)


@pytest.mark.parametrize("hz", [500, 1000, 2000, 3000])
def test_what_lies_in_the_band_passes(hz):
    assert loudness_db(through_the_phone(tone(hz))) == pytest.approx(loudness_db(tone(hz)), abs=1.0)


@pytest.mark.parametrize("hz", [60, 120, 3800, 6000, 12_000])
def test_what_lies_outside_is_gone(hz):
    assert loudness_db(through_the_phone(tone(hz))) < loudness_db(tone(hz)) - 30


def test_nothing_moves_in_time():
    spoken = track(3.0, (1.0, voice(1.0)))
    through = through_the_phone(spoken)
    assert through.size == spoken.size
    (before,), (after,) = speech_of("caller", spoken), speech_of("caller", through)
    assert abs(after.start - before.start) <= 1
    assert abs(after.end - before.end) <= 1


def test_mu_law_leaves_its_noise_behind():
    narrow = through_the_phone(tone(1000, level=0.3)).astype(np.float64)[RATE // 4 : -RATE // 4]
    clean = tone(1000, level=0.3).astype(np.float64)[RATE // 4 : -RATE // 4]
    noise = 20 * np.log10(np.std(narrow - clean) / np.std(clean))
    assert -45 < noise < -20


def test_silence_stays_silent():
    assert not through_the_phone(track(1.0)).any()


@pytest.mark.parametrize("count", [0, 1, 100, FRAME, 3000])
def test_short_sounds_keep_their_length(count):
    assert through_the_phone(np.full(count, 500, dtype=np.int16)).size == count


def test_what_is_too_loud_is_cut_off_and_not_wrapped_round():
    assert to_int16(np.array([1.5, -1.5])).tolist() == [32767, -32768]


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 48_000])
def test_any_rate_becomes_ours_at_the_same_length(rate):
    assert at_our_rate(np.zeros(rate, dtype=np.int16), rate).size == pytest.approx(RATE, abs=2)


def test_two_channels_become_one():
    assert mono(np.array([[100, 300], [-100, 100]], dtype=np.int16)).tolist() == [200, 0]


def test_a_track_is_filled_up_to_whole_frames():
    assert whole_frames(np.ones(FRAME + 1, dtype=np.int16)).size == 2 * FRAME
    assert whole_frames(np.ones(FRAME, dtype=np.int16)).size == FRAME
