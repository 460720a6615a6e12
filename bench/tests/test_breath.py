"""Who was answered in his pause was cut off; the pause is the one that was made."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from bench.talking.breath import Row, page, pause_of, was_cut_off
from local.caller.band import FRAME, Samples
from local.caller.recording import Recording, Spoken

BEGAN = datetime(2026, 1, 2, tzinfo=UTC)


def heard(*stretches: tuple[int, int], until: int = 600) -> Samples:
    """Frames of 10 ms: sound in each stretch, silence elsewhere."""
    track = np.zeros((until, FRAME), np.int16)
    for begin, end in stretches:
        track[begin:end] = 1000
    return track.reshape(-1)


def call(*agent: tuple[int, int]) -> Recording:
    """The caller's lines are rendered with 60 ms of silence at each edge."""
    spoken = (Spoken("I was charged twice", "", 1000, 2120), Spoken("for my invoice.", "", 2450, 3570))
    said = heard((106, 160), (170, 206), (251, 351))
    return Recording("call-1", "web", 0.0, said, {"triage-1": heard((0, 90), *agent)}, spoken, (), "caller", ())


def test_the_pause_is_from_the_last_sound_to_the_next() -> None:
    assert pause_of(call()) == 450


def test_an_answer_after_the_whole_sentence_cuts_nobody_off() -> None:
    assert not was_cut_off(call((420, 500)))


def test_an_answer_in_the_pause_or_over_the_second_half_does() -> None:
    assert was_cut_off(call((240, 300)))
    assert was_cut_off(call((300, 400)))


def test_the_page_counts_by_channel_and_pause_and_names_what_failed() -> None:
    rows = [
        Row("web", 450, 0.5, 440, was_cut_off=True),
        Row("web", 450, 0.7, 460),
        Row("phone", 450, 0.6, failure="no cue"),
    ]
    written = page(rows, BEGAN)
    assert "| web | 440 to 460 | 2 | 1 |" in written
    assert "| phone | 450 planned | 0 | 0 |" in written
    assert "- phone, 450 ms: no cue" in written
    assert "load 0.5 to 0.7" in written
