"""The page of a run of conversations says what its rows say."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from bench.talking.__main__ import Row, _page, _without_listening
from local.caller.band import FRAME
from local.caller.recording import Recording, Spoken

BEGAN = datetime(2026, 1, 2, tzinfo=UTC)


def test_answers_and_silences_are_told_by_channel_with_the_load() -> None:
    rows = [
        Row("interrupts", "web", 0.5, (800, 900), (400,)),
        Row("interrupts", "web", 0.7, (1000,), (500,)),
        Row("interrupts", "phone", 0.9, (1100,), ()),
    ]
    page = _page(rows, BEGAN, "1.13.5")
    assert "| silent after the caller's first sound, ms | web | 2 | 400 | 450 | 500 | 500 |" in page
    assert "| answer after the caller's last sound, ms | web | 3 | 800 | 900 | 1000 | 1000 |" in page
    assert "| silent after the caller's first sound, ms | phone | 0 | | | | |" in page
    assert "load 0.5 to 0.9" in page


def test_a_call_that_failed_is_marked() -> None:
    assert "interrupts (web) FAILED" in _page([Row("interrupts", "web", 0.5, failure="no cue")], BEGAN, "1.13.5")


def test_a_listeners_sound_is_neither_an_interruption_nor_a_question() -> None:
    spoken = (Spoken("Stop.", "", 0, 20), Spoken("Uh-huh.", "", 40, 60))
    recording = Recording("call-1", "web", 0.0, np.full(8 * FRAME, 1000, np.int16), {}, spoken, (), "mesh", ())
    kept = _without_listening(recording).reshape(-1, FRAME)
    assert [bool(frame.any()) for frame in kept] == [True, True, True, True, False, False, True, True]
