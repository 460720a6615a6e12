"""The figures of a handoff are what was put into the recording."""

import numpy as np
import pytest

from bench.handoff import measure, tones
from local.caller import Recording
from local.caller.band import FRAME, RATE, Samples, at_our_rate

ANNOUNCEMENT = at_our_rate(tones.tone("I'm connecting you with our billing specialist.", "alloy"), tones.RATE)
OPENING = at_our_rate(tones.tone("Hi there, I'm your billing specialist.", "onyx"), tones.RATE)
LENGTH = 6 * RATE


def placed(sound: Samples, at_ms: int) -> Samples:
    track = np.zeros(LENGTH, np.int16)
    start = at_ms * RATE // 1000
    track[start : start + sound.size] = sound
    return track


def recording(**agents: Samples) -> Recording:
    named = {f"{name}-1": track for name, track in agents.items()}
    return Recording("call-1", "web", 0.0, np.zeros(LENGTH, np.int16), named, (), (), "mesh")


def end_of(sound: Samples, at_ms: int) -> int:
    return at_ms + sound.size * 1000 // RATE


def test_the_gap_is_the_silence_between_the_two_voices() -> None:
    heard = recording(triage=placed(ANNOUNCEMENT, 1000), billing=placed(OPENING, end_of(ANNOUNCEMENT, 1000) + 70))
    figures = measure.of_mesh(heard, OPENING)
    assert (figures.gap_ms, figures.overlap_ms, figures.clipped_ms, figures.shorter_ms) == (70, 0, 0, 0)


def test_voices_that_overlap_have_no_gap() -> None:
    heard = recording(triage=placed(ANNOUNCEMENT, 1000), billing=placed(OPENING, end_of(ANNOUNCEMENT, 1000) - 40))
    figures = measure.of_mesh(heard, OPENING)
    assert (figures.gap_ms, figures.overlap_ms) == (0, 40)


@pytest.mark.parametrize("lost_ms", [10, 30, 120])
def test_what_is_cut_off_the_opening_is_counted(lost_ms: int) -> None:
    cut = OPENING[lost_ms // 10 * FRAME :]
    heard = recording(triage=placed(ANNOUNCEMENT, 1000), billing=placed(cut, end_of(ANNOUNCEMENT, 1000) + 50))
    figures = measure.of_mesh(heard, OPENING)
    assert (figures.clipped_ms, figures.shorter_ms) == (lost_ms, lost_ms)


@pytest.mark.parametrize("gap_ms", [0, 60, 400])
def test_two_voices_in_one_track_are_told_apart(gap_ms: int) -> None:
    begins = end_of(ANNOUNCEMENT, 1000) + gap_ms
    track = placed(ANNOUNCEMENT, 1000) + placed(OPENING, begins)
    figures = measure.of_one_worker(recording(inprocess=track), OPENING)
    assert (figures.gap_ms, figures.overlap_ms, figures.clipped_ms) == (gap_ms, 0, 0)
    assert figures.taker_start_ms == begins


def test_a_clipped_opening_is_found_in_one_track_as_well() -> None:
    begins = end_of(ANNOUNCEMENT, 1000) + 100
    track = placed(ANNOUNCEMENT, 1000) + placed(OPENING[8 * FRAME :], begins)
    figures = measure.of_one_worker(recording(inprocess=track), OPENING)
    assert (figures.gap_ms, figures.clipped_ms) == (100, 80)


def test_an_opening_that_was_never_heard_is_no_figure() -> None:
    with pytest.raises(measure.NotHeard):
        measure.of_one_worker(recording(inprocess=placed(ANNOUNCEMENT, 1000)), OPENING)
    with pytest.raises(measure.NotHeard, match="triage"):
        measure.of_mesh(recording(triage=placed(ANNOUNCEMENT, 1000)), OPENING)


def test_a_text_in_pieces_sounds_the_same_as_in_one() -> None:
    whole = tones.tone("One moment please. I am here.", "alloy")
    pieces = [tones.tone("One moment please.", "alloy"), tones.tone("I am here.", "alloy")]
    assert np.array_equal(whole, np.concatenate(pieces))
    assert whole.size / tones.RATE == pytest.approx(tones.seconds_of("One moment please. I am here."))
